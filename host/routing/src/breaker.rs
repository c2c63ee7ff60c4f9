//! A circuit breaker: an endpoint that failed several times in a row is left
//! alone for a pause, then tried by one request at a time until one of them shows
//! that it works. Pure: whoever asks says what time it is.
//!
//! Pauses double, and of each one the second half is drawn ("equal jitter"): endpoints
//! that failed together, or at several routers, are not probed together, and none is
//! probed at once, as it could be if all of the pause were drawn.

use crate::Verdict;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// Failures further apart than this are not in a row.
const MEMORY: Duration = Duration::from_secs(30);

/// The longest pause after it opened; each probe that fails doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// When a breaker opens, and how long it may pause.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// So many in a row open it.
    pub failures: u32,
    /// The longest pause.
    pub max_pause: Duration,
}

/// One endpoint's breaker. Times count from where its owner likes, always the same.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Breaker {
    state: State,
    /// How often it has opened.
    term: u64,
    /// Draws the pauses.
    seed: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum State {
    /// When the last attempts failed, with none good between, and those that were late, with
    /// none that answered in time between.
    Closed { failures: VecDeque<Duration>, lates: VecDeque<Duration> },
    /// Half-open once `until` has passed.
    Open {
        until: Duration,
        /// As long as it may have been.
        pause: Duration,
        /// A probe is out that has not answered yet. None outlasts this process.
        #[serde(skip)]
        is_probed: bool,
    },
}

/// How a breaker stands to another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing speaks against one.
    Closed,
    /// The pause lasts so much longer.
    Open(Duration),
    /// The next attempt is a probe.
    HalfOpen,
    /// Half-open, and a probe is out.
    Probed,
}

/// An attempt's part in the breaker, from its beginning to its end.
#[derive(Debug)]
pub struct Pass {
    term: u64,
    is_probe: bool,
    /// No other probe may begin.
    holds_place: bool,
    /// It has counted as a failure before its end.
    is_late: bool,
}

impl Pass {
    /// How often the breaker had opened when the attempt began.
    #[must_use]
    pub fn openings(&self) -> u64 {
        self.term
    }

    /// It has to show that the endpoint works again.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.is_probe
    }
}

/// What the end of an attempt did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It failed once too often.
    Opened,
    /// A probe failed.
    Reopened,
    /// The endpoint works again.
    Closed,
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: VecDeque::new(), lates: VecDeque::new() }
    }
}

impl Breaker {
    /// A closed one. The same seed draws the same pauses.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// A closed one that takes the place of those that have opened `term` times: their
    /// passes have nothing to say about it once it opens.
    #[must_use]
    pub fn following(seed: u64, term: u64) -> Self {
        Self { seed, term, ..Self::default() }
    }

    /// How often it has opened, with those that it follows.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.term
    }

    /// How it stands to an attempt that would begin now.
    pub fn standing(&self, now: Duration) -> Standing {
        match &self.state {
            State::Closed { .. } => Standing::Closed,
            State::Open { until, .. } if now < *until => Standing::Open(*until - now),
            State::Open { is_probed: true, .. } => Standing::Probed,
            State::Open { is_probed: false, .. } => Standing::HalfOpen,
        }
    }

    /// An attempt begins. It is the probe where one is due. To begin one at an open
    /// breaker is for the caller to decide.
    pub fn begin(&mut self, now: Duration) -> Pass {
        let is_probe = self.standing(now) == Standing::HalfOpen;
        if let State::Open { is_probed, .. } = &mut self.state {
            *is_probed |= is_probe;
        }
        Pass { term: self.term, is_probe, holds_place: is_probe, is_late: false }
    }

    /// The attempt has yielded content and may yield more for minutes: the next
    /// probe need not wait for its end. Where it was one of those whose lateness opened
    /// the breaker, it was merely late, and closes it.
    pub fn answered(&mut self, pass: &mut Pass) -> Option<Change> {
        let was_held = std::mem::take(&mut pass.holds_place);
        match &mut self.state {
            State::Closed { lates, .. } => lates.clear(),
            State::Open { .. } if pass.is_late && pass.term + 1 == self.term => {
                self.state = State::default();
                return Some(Change::Closed);
            }
            State::Open { is_probed, .. } if pass.term == self.term && was_held => {
                *is_probed = false;
            }
            State::Open { .. } => {}
        }
        None
    }

    /// The attempt is still under way, and so late that it counts like a failure. It counts
    /// once, whatever it comes to.
    pub fn late(&mut self, pass: &mut Pass, policy: Policy, now: Duration) -> Option<Change> {
        let was_late = std::mem::replace(&mut pass.is_late, true);
        if was_late { None } else { self.fail(pass, policy, now) }
    }

    /// How often it has opened.
    pub fn openings(&self) -> u64 {
        self.term
    }

    /// The attempt ended. While the breaker is closed every end counts. While it
    /// is not, a good one closes it and a probe's bad one opens it again; what
    /// began before it opened has nothing to say about it.
    pub fn end(
        &mut self,
        pass: Pass,
        verdict: Verdict,
        policy: Policy,
        now: Duration,
    ) -> Option<Change> {
        match (&mut self.state, verdict) {
            (_, Verdict::Bad) if !pass.is_late => return self.fail(&pass, policy, now),
            (State::Closed { failures, lates }, Verdict::Good) => {
                failures.clear();
                lates.clear();
            }
            (State::Open { .. }, Verdict::Good) if pass.term == self.term => {
                self.state = State::default();
                return Some(Change::Closed);
            }
            (State::Open { is_probed, .. }, _) if pass.term == self.term && pass.holds_place => {
                *is_probed = false;
            }
            _ => {}
        }
        None
    }

    fn fail(&mut self, pass: &Pass, policy: Policy, now: Duration) -> Option<Change> {
        match &mut self.state {
            State::Closed { failures, lates } => {
                if pass.is_late { &mut *lates } else { &mut *failures }.push_back(now);
                for row in [&mut *failures, &mut *lates] {
                    while row.pop_front_if(|at| now.saturating_sub(*at) > MEMORY).is_some() {}
                }
                let is_one_too_many = failures.len() + lates.len() >= policy.failures as usize;
                is_one_too_many.then(|| {
                    self.open(FIRST_PAUSE, policy, now);
                    Change::Opened
                })
            }
            State::Open { pause, .. } if pass.term == self.term && pass.is_probe => {
                let pause = pause.saturating_mul(2);
                self.open(pause, policy, now);
                Some(Change::Reopened)
            }
            State::Open { .. } => None,
        }
    }

    fn open(&mut self, pause: Duration, policy: Policy, now: Duration) {
        let pause = pause.min(policy.max_pause);
        self.term += 1;
        let until = now.saturating_add(drawn(pause, self.seed, self.term));
        self.state = State::Open { until, pause, is_probed: false };
    }
}

/// From half of `most` to all of it, for the `term`th time that a breaker opens.
fn drawn(most: Duration, seed: u64, term: u64) -> Duration {
    let half = most / 2;
    let mut random = StdRng::seed_from_u64(seed ^ term.rotate_left(32));
    half + half.mul_f64(random.random_range(0.0..=1.0))
}

#[cfg(test)]
mod tests;
