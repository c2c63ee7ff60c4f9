//! How many attempts at a time an endpoint bears, learned from its refusals: a refusal
//! takes a quarter off what was in flight, each round of answers at the cap adds one,
//! and what has not been confirmed for minutes is forgotten. Pure: whoever asks says
//! what time it is.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a refusal leaves of the attempts that were in flight.
const DECREASE: f64 = 0.75;

/// Without a refusal the cap doubles each time that so long has passed, for providers'
/// limits are mostly by the minute.
const QUIET: Duration = Duration::from_secs(60);

/// Without a refusal for so long there is no cap.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// One endpoint's cap.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Capacity {
    learned: Option<Learned>,
    /// Counts decreases: refusals of attempts that began before the last one say
    /// nothing new.
    round: u32,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Learned {
    /// At least 1.
    cap: f64,
    refused: Duration,
}

/// What was in flight when an attempt began.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// This attempt included.
    in_flight: u32,
    round: u32,
}

impl Capacity {
    /// An attempt begins, the last of so many.
    #[must_use]
    pub fn begin(&self, in_flight: u32) -> Load {
        Load { in_flight, round: self.round }
    }

    /// The endpoint took the attempt on. Where that was at the cap or beyond, it bears more.
    pub fn bore(&mut self, load: Load, now: Duration) {
        let Some(cap) = self.cap(now) else { return };
        if let Some(learned) = &mut self.learned
            && load.in_flight >= cap
        {
            learned.cap += 1.0 / learned.cap;
        }
    }

    /// The endpoint refused the attempt because there were too many.
    pub fn refused(&mut self, load: Load, now: Duration) {
        let is_news = load.round == self.round;
        match &mut self.learned {
            Some(learned) if !is_news => learned.refused = learned.refused.max(now),
            learned => {
                let cap = (f64::from(load.in_flight) * DECREASE).max(1.0);
                *learned = Some(Learned { cap, refused: now });
                self.round = self.round.wrapping_add(1);
            }
        }
    }

    /// How many attempts it is believed to bear; none where it has not refused lately.
    #[must_use]
    pub fn cap(&self, now: Duration) -> Option<u32> {
        let Learned { cap, refused } = self.learned?;
        let quiet = now.saturating_sub(refused);
        let doublings = u32::try_from(quiet.as_secs() / QUIET.as_secs()).unwrap_or(u32::MAX);
        (quiet < FORGOTTEN).then(|| whole(cap).saturating_mul(2_u32.saturating_pow(doublings)))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at least 1, and what is too large becomes the largest"
)]
fn whole(cap: f64) -> u32 {
    cap as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn without_a_refusal_there_is_no_cap() {
        let mut capacity = Capacity::default();
        for in_flight in 1..100 {
            let load = capacity.begin(in_flight);
            capacity.bore(load, seconds(1));
        }
        assert_eq!(capacity.cap(seconds(1)), None);
    }

    #[test]
    fn refusals_at_once_count_as_one() {
        let mut capacity = Capacity::default();
        let loads: Vec<Load> = (1..=16).map(|n| capacity.begin(n)).collect();
        for load in loads.into_iter().skip(7) {
            capacity.refused(load, seconds(1));
        }
        assert_eq!(capacity.cap(seconds(1)), Some(6));
        // One that began afterwards is news.
        let load = capacity.begin(6);
        capacity.refused(load, seconds(2));
        assert_eq!(capacity.cap(seconds(2)), Some(4));
        // There is always room to try.
        for _ in 0..3 {
            let load = capacity.begin(1);
            capacity.refused(load, seconds(2));
        }
        assert_eq!(capacity.cap(seconds(2)), Some(1));
    }

    #[test]
    fn only_answers_at_the_cap_raise_it() {
        let mut capacity = Capacity::default();
        capacity.refused(capacity.begin(8), seconds(1));
        for _ in 0..100 {
            capacity.bore(capacity.begin(3), seconds(1));
        }
        assert_eq!(capacity.cap(seconds(1)), Some(6));
        for _ in 0..7 {
            capacity.bore(capacity.begin(6), seconds(1));
        }
        assert_eq!(capacity.cap(seconds(1)), Some(7));
    }

    #[test]
    fn a_cap_that_nothing_confirms_is_forgotten() {
        let mut capacity = Capacity::default();
        capacity.refused(capacity.begin(8), seconds(100));
        for (at, expected) in
            [(159, Some(6)), (160, Some(12)), (220, Some(24)), (399, Some(96)), (400, None)]
        {
            assert_eq!(capacity.cap(seconds(at)), expected, "at {at}");
        }
    }

    /// Attempts of 1 to 3 seconds at an endpoint that bears `limit` of them, ten times as
    /// many as it bears wanting in, each only where the cap leaves room. Returns the cap
    /// after each second.
    fn caps(capacity: &mut Capacity, limit: u32, began: u64, steps: u64, seed: u64) -> Vec<u32> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut ends: Vec<u64> = Vec::new();
        let mut caps = Vec::new();
        for now in began..began + steps {
            ends.retain(|end| *end > now);
            for _ in 0..limit * 10 {
                let in_flight = u32::try_from(ends.len()).unwrap() + 1;
                if capacity.cap(seconds(now)).is_some_and(|cap| in_flight > cap) {
                    break;
                }
                let load = capacity.begin(in_flight);
                if in_flight > limit {
                    capacity.refused(load, seconds(now));
                } else {
                    capacity.bore(load, seconds(now));
                    ends.push(now + random.random_range(1..=3));
                }
            }
            caps.extend(capacity.cap(seconds(now)));
        }
        caps
    }

    #[test]
    fn the_cap_keeps_near_a_hidden_limit_and_follows_it() {
        for seed in 0..50 {
            let mut random = StdRng::seed_from_u64(seed);
            let (first, second) = (random.random_range(2..80), random.random_range(2..80));
            let mut capacity = Capacity::default();
            let mut began = 1_000;
            for limit in [first, second] {
                let caps = caps(&mut capacity, limit, began, 900, seed);
                began += 900;
                // What it takes to find a limit that rose.
                let settled = &caps[400..];
                let near = |cap: &&u32| {
                    f64::from(**cap) >= (f64::from(limit + 1) * DECREASE).floor()
                        && **cap <= limit + 1
                };
                let share = settled.iter().filter(near).count() * 100 / settled.len();
                assert!(share >= 95, "seed {seed}, limit {limit}: {share}% of {settled:?}");
            }
            assert_eq!(capacity.cap(seconds(began) + FORGOTTEN), None);
        }
    }
}
