//! How many requests and tokens a minute, and how many requests at a time, a key, a
//! workspace or an endpoint may: buckets that refill steadily. A request enters all of
//! the limits that it stands under or none, and exactly so, for it holds all of their
//! locks; only what a prompt holds is an estimate, put right when its usage is known.

mod bucket;

use bucket::Bucket;
use plugway_routing::Clock;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// After what time one that found too many requests under way may try again: nobody
/// knows when the first of them ends.
pub const CONCURRENT_RETRY: Duration = Duration::from_secs(1);

/// What one key, workspace or endpoint may. None: as much as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateSettings {
    /// So many at once after a pause, and the more so many a minute steadily.
    pub requests_per_minute: Option<NonZeroU32>,
    /// The same of tokens, prompt and completion together.
    pub tokens_per_minute: Option<NonZeroU32>,
    /// Under way at the same time.
    pub concurrent_requests: Option<NonZeroU32>,
}

/// The limits of one key, workspace or endpoint, and how they are used.
#[derive(Debug)]
pub struct Limits {
    whose: Arc<str>,
    clock: Clock,
    state: Mutex<State>,
}

/// A request that was let in: its place among those under way, which it gives back when
/// it is dropped.
#[derive(Debug)]
#[must_use = "dropped, the place is given back"]
pub struct Pass {
    /// In the order in which they are locked.
    places: Vec<Place>,
}

/// Which of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Per minute.
    Requests,
    /// Per minute.
    Tokens,
    /// At the same time.
    Concurrent,
}

/// How a limit stands, as answers tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// As its [`Limits`] are called.
    pub whose: Arc<str>,
    /// Which one.
    pub which: Limit,
    /// What it is.
    pub limit: u32,
    /// What is left of it now.
    pub remaining: u32,
    /// When all of it is there again, in milliseconds since the Unix epoch.
    pub reset_ms: u64,
}

/// A request that was refused. It may be sent again after the time that is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} allows {} {}; try again in {} s", .standing.whose, .standing.limit, .standing.which, self.retry_after_s())]
pub struct Limited {
    /// The limit that refused; of several the one that holds longest.
    pub standing: Standing,
    /// How long until such a request would be let in, were there no others.
    pub retry_after: Duration,
}

/// Lets a request in whose prompt holds about so many tokens, under all of the limits or
/// under none. Their order does not matter; one that is named twice counts once.
///
/// A prompt of more tokens than a minute brings is let in where nothing else has used
/// any, and the limit is in its debt.
///
/// # Errors
/// When one of them refuses; then none has counted it.
pub fn enter(all: &[Arc<Limits>], tokens: u64) -> Result<Pass, Limited> {
    let mut all = all.to_vec();
    // Whoever takes several locks takes them in the same order.
    all.sort_by_key(|limits| Arc::as_ptr(limits).addr());
    all.dedup_by(|one, other| Arc::ptr_eq(one, other));
    let mut locked: Vec<_> = all.iter().map(|limits| (limits, limits.state())).collect();
    let mut entered = Vec::with_capacity(all.len());
    let mut refused: Option<Limited> = None;
    for (limits, state) in &locked {
        let now = limits.clock.now();
        let mut state = **state;
        match state.enter(tokens, now) {
            Ok(()) => entered.push((state, now)),
            Err((which, wait)) => {
                if refused.as_ref().is_none_or(|known| known.retry_after < wait) {
                    refused = Some(limits.refusal(&state, which, wait, now));
                }
            }
        }
    }
    if let Some(refused) = refused {
        return Err(refused);
    }
    let mut pass = Pass { places: Vec::with_capacity(all.len()) };
    for ((limits, known), (state, now)) in locked.iter_mut().zip(entered) {
        **known = state;
        // A bucket takes one at least.
        let charged = if state.tokens.is_some() { tokens.max(1) } else { 0 };
        pass.places.push(Place { limits: Arc::clone(limits), entered: now, tokens: charged });
    }
    Ok(pass)
}

impl Limits {
    /// Limits that nothing has used yet. Refusals call them by that name.
    #[must_use]
    pub fn new(whose: impl Into<Arc<str>>, settings: RateSettings, clock: Clock) -> Self {
        let mut state = State::default();
        state.change(settings, clock.now());
        Self { whose: whose.into(), clock, state: Mutex::new(state) }
    }

    /// Other limits from now on. What was used and who is under way still counts.
    pub fn change(&self, settings: RateSettings) {
        self.state().change(settings, self.clock.now());
    }

    /// [`enter`] for limits that stand alone.
    ///
    /// # Errors
    /// The same.
    pub fn try_enter(self: &Arc<Self>, tokens: u64) -> Result<Pass, Limited> {
        enter(std::slice::from_ref(self), tokens)
    }

    /// How many requests are under way.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.state().running
    }

    /// Whether there is such a limit.
    #[must_use]
    pub fn has(&self, which: Limit) -> bool {
        let state = self.state();
        match which {
            Limit::Requests => state.requests.is_some(),
            Limit::Tokens => state.tokens.is_some(),
            Limit::Concurrent => state.concurrent.is_some(),
        }
    }

    /// How each limit that there is stands now.
    #[must_use]
    pub fn now(&self) -> Vec<Standing> {
        let state = *self.state();
        self.standings(&state, self.clock.now())
    }

    fn standings(&self, state: &State, now: Duration) -> Vec<Standing> {
        let all = [Limit::Requests, Limit::Tokens, Limit::Concurrent];
        all.into_iter().filter_map(|which| self.standing(state, which, now)).collect()
    }

    fn standing(&self, state: &State, which: Limit, now: Duration) -> Option<Standing> {
        let (limit, remaining, full_in) = state.standing(which, now)?;
        let full_in = u64::try_from(full_in.as_millis()).unwrap_or(u64::MAX);
        let reset_ms = self.clock.wall_ms().saturating_add(full_in);
        Some(Standing { whose: self.whose.clone(), which, limit, remaining, reset_ms })
    }

    fn refusal(&self, state: &State, which: Limit, wait: Duration, now: Duration) -> Limited {
        let nothing = || Standing {
            whose: self.whose.clone(),
            which,
            limit: 0,
            remaining: 0,
            reset_ms: self.clock.wall_ms(),
        };
        // What refuses is there.
        let standing = self.standing(state, which, now).unwrap_or_else(nothing);
        Limited { standing, retry_after: wait }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whole states are written at once.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// Charges what its prompt holds for one that was let in before that was known, under
    /// all of the limits or under none. A prompt of more than a minute's tokens is charged
    /// as in [`enter`].
    ///
    /// # Errors
    /// When one of them refuses; then the request is not to go on.
    pub fn weigh(&mut self, tokens: u64) -> Result<(), Limited> {
        let mut locked: Vec<_> = self.places.iter().map(|place| place.limits.state()).collect();
        let mut weighed = Vec::with_capacity(locked.len());
        for (place, state) in self.places.iter().zip(&locked) {
            let now = place.limits.clock.now();
            let mut state = **state;
            if let Some(bucket) = &mut state.tokens {
                bucket.give_back(place.tokens, place.entered, now);
                if let Err(wait) = bucket.charge(tokens, now) {
                    return Err(place.limits.refusal(&state, Limit::Tokens, wait, now));
                }
            }
            weighed.push(state);
        }
        for (place, state) in locked.iter_mut().zip(weighed) {
            **place = state;
        }
        drop(locked);
        for place in &mut self.places {
            (place.tokens, place.entered) = (tokens.max(1), place.limits.clock.now());
        }
        Ok(())
    }

    /// What the request has really used, prompt and completion. What is beyond the
    /// estimate is charged now, even if it is more than is left; what is below it is
    /// given back, as far as time has not done so.
    pub fn used(&mut self, tokens: u64) {
        for place in &mut self.places {
            let now = place.limits.clock.now();
            if let Some(bucket) = &mut place.limits.state().tokens {
                match tokens.checked_sub(place.tokens) {
                    Some(more) => bucket.owe(more, now),
                    None => bucket.give_back(place.tokens - tokens, place.entered, now),
                }
                place.tokens = tokens;
            }
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        for place in &self.places {
            let mut state = place.limits.state();
            state.running = state.running.saturating_sub(1);
        }
    }
}

impl Limited {
    /// As the header `Retry-After` has it: whole seconds, at least one.
    #[must_use]
    pub fn retry_after_s(&self) -> u64 {
        let up = u64::from(self.retry_after.subsec_nanos() > 0);
        self.retry_after.as_secs().saturating_add(up).max(1)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests per minute",
            Self::Tokens => "tokens per minute",
            Self::Concurrent => "requests at a time",
        })
    }
}

/// A request's place under one of the limits.
#[derive(Debug)]
struct Place {
    limits: Arc<Limits>,
    /// When it was let in, on the limits' clock.
    entered: Duration,
    /// Charged so far: none where there was no limit of tokens then.
    tokens: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    concurrent: Option<NonZeroU32>,
    /// Counted without a limit too, for there may be one later.
    running: u32,
}

impl State {
    /// Counts a request, or says what refuses it and for how long. Then this state is of
    /// no more use.
    fn enter(&mut self, tokens: u64, now: Duration) -> Result<(), (Limit, Duration)> {
        let mut refused = Ok(());
        let mut refuse = |which, wait| match refused {
            Err((_, known)) if known >= wait => {}
            _ => refused = Err((which, wait)),
        };
        if self.concurrent.is_some_and(|most| self.running >= most.get()) {
            refuse(Limit::Concurrent, CONCURRENT_RETRY);
        }
        let buckets =
            [(Limit::Requests, &mut self.requests, 1), (Limit::Tokens, &mut self.tokens, tokens)];
        for (which, bucket, count) in buckets {
            if let Some(Err(wait)) = bucket.as_mut().map(|bucket| bucket.charge(count, now)) {
                refuse(which, wait);
            }
        }
        self.running = self.running.saturating_add(1);
        refused
    }

    fn change(&mut self, settings: RateSettings, now: Duration) {
        let changed = |bucket: Option<Bucket>, limit: Option<NonZeroU32>| {
            limit.map(|limit| match bucket {
                Some(bucket) => bucket.changed(limit, now),
                None => Bucket::full(limit),
            })
        };
        self.requests = changed(self.requests, settings.requests_per_minute);
        self.tokens = changed(self.tokens, settings.tokens_per_minute);
        self.concurrent = settings.concurrent_requests;
    }

    /// What a limit is, what is left of it, and how long until it is whole.
    fn standing(&self, which: Limit, now: Duration) -> Option<(u32, u32, Duration)> {
        let bucket = match which {
            Limit::Requests => self.requests,
            Limit::Tokens => self.tokens,
            Limit::Concurrent => {
                let most = self.concurrent?.get();
                let rest = if self.running == 0 { Duration::ZERO } else { CONCURRENT_RETRY };
                return Some((most, most.saturating_sub(self.running), rest));
            }
        }?;
        Some((bucket.limit().get(), bucket.remaining(now), bucket.full_in(now)))
    }
}

#[cfg(test)]
mod tests;
