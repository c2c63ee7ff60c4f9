//! Providers that exist in numbers only: how fast they are, what they bear, and when
//! they fail.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::time::Duration;

use crate::trace::{Arrival, BLOCK};

/// How long a prompt's beginning stays in a provider's cache.
const CACHE_LIFE: Duration = Duration::from_secs(5 * 60);

/// How long a connection that is refused takes.
const REFUSED_AFTER: Duration = Duration::from_millis(5);

/// How long a server's own error takes.
const FAILED_AFTER: Duration = Duration::from_millis(150);

/// How long a 429 takes.
const LIMITED_AFTER: Duration = Duration::from_millis(30);

/// What is the same about a provider at all times.
#[derive(Clone, Copy)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    /// US dollars per million tokens.
    pub(crate) prompt: f64,
    pub(crate) completion: f64,
    pub(crate) cache_read: f64,
    /// Median time to first token of a short prompt.
    pub(crate) first_token: Duration,
    /// Prompt tokens read per second.
    pub(crate) reads: f64,
    /// Completion tokens written per second.
    pub(crate) writes: f64,
    /// Requests at a time, beyond which it answers 429.
    pub(crate) bears: u32,
}

/// What is the matter with a provider for a while.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Trouble {
    /// Nobody answers the door.
    Refuses,
    /// It takes requests and says nothing.
    Hangs,
    /// It fails this share of requests.
    Fails(f64),
    /// Everything takes so many times as long.
    Slow(f64),
    /// It bears this share of what it bears otherwise.
    Limited(f64),
}

/// A trouble from one time to another.
#[derive(Clone, Copy)]
pub(crate) struct Spell {
    pub(crate) provider: usize,
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    pub(crate) trouble: Trouble,
}

/// What comes of one request.
pub(crate) enum Outcome {
    /// Content after so long, the end after so long; both from the beginning.
    Answer { first_token: Duration, end: Duration, cached_tokens: u64 },
    /// An error, after so long.
    Failure(Wrong, Duration),
    /// Nothing, for as long as anybody waits.
    Silence,
}

/// How an attempt fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    Refused,
    Failed,
    Limited,
    /// The router lost its patience.
    TooSlow,
}

/// One provider at work.
pub(crate) struct Provider {
    pub(crate) profile: Profile,
    pub(crate) in_flight: u32,
    /// So many times the profile's prices it bills.
    pub(crate) times: f64,
    /// When each block was last read, by its name.
    cache: HashMap<u32, Duration>,
    random: StdRng,
}

impl Provider {
    pub(crate) fn new(profile: Profile, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { profile, in_flight: 0, times: 1.0, cache: HashMap::new(), random }
    }

    /// What will come of a request that arrives now. Whoever asks counts it as under way.
    pub(crate) fn serve(
        &mut self,
        request: &Arrival,
        troubles: impl Iterator<Item = Trouble>,
        now: Duration,
    ) -> Outcome {
        let (mut slow, mut bears, mut fails) = (1.0, f64::from(self.profile.bears), 0.0);
        for trouble in troubles {
            match trouble {
                Trouble::Refuses => return Outcome::Failure(Wrong::Refused, REFUSED_AFTER),
                Trouble::Hangs => return Outcome::Silence,
                Trouble::Fails(share) => fails = share,
                Trouble::Slow(times) => slow = times,
                Trouble::Limited(share) => bears *= share,
            }
        }
        if f64::from(self.in_flight) >= bears {
            return Outcome::Failure(Wrong::Limited, LIMITED_AFTER);
        }
        if self.random.random_bool(fails) {
            return Outcome::Failure(Wrong::Failed, FAILED_AFTER);
        }
        let cached_tokens = self.read(request, now);
        let fresh = request.prompt_tokens.saturating_sub(cached_tokens);
        let profile = self.profile;
        let reading = fresh as f64 / profile.reads;
        let first = profile.first_token.as_secs_f64().mul_add(self.noise(), reading) * slow;
        let writing = request.completion_tokens as f64 / profile.writes * self.noise() * slow;
        Outcome::Answer {
            first_token: Duration::from_secs_f64(first),
            end: Duration::from_secs_f64(first + writing),
            cached_tokens,
        }
    }

    /// US dollars for a request of which so much was cached and written.
    pub(crate) fn bill(&self, request: &Arrival, cached: u64, written: u64) -> f64 {
        let Profile { prompt, completion, cache_read, .. } = self.profile;
        let fresh = request.prompt_tokens.saturating_sub(cached);
        let millions = |tokens: u64, price: f64| tokens as f64 / 1e6 * price * self.times;
        millions(fresh, prompt) + millions(cached, cache_read) + millions(written, completion)
    }

    /// Reads the prompt; how many of its tokens were known.
    fn read(&mut self, request: &Arrival, now: Duration) -> u64 {
        let is_fresh = |at: &Duration| now.saturating_sub(*at) <= CACHE_LIFE;
        let known = request.blocks.iter();
        let known = known.take_while(|block| self.cache.get(block).is_some_and(is_fresh));
        let known = known.count() as u64;
        for block in &request.blocks {
            self.cache.insert(*block, now);
        }
        (known * BLOCK).min(request.prompt_tokens)
    }

    /// About 1, with a long tail: log-normal, sigma 0.4.
    fn noise(&mut self) -> f64 {
        const SIGMA: f64 = 0.4;
        let mut fraction = || self.random.random_range(f64::EPSILON..1.0);
        let (a, b) = (fraction(), fraction());
        let normal = (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos();
        (SIGMA * normal).exp()
    }
}
