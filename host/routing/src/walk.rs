//! The walk of a plan, without the walking: which step is to be started when, and when
//! to give up. Knows no provider, no socket and no clock, so that any order of events
//! can be played through in a time of one's own making.
//!
//! Whoever drives it asks [`Walk::next`] what to do, does it, and tells what came of it
//! by [`Walk::failed`] and [`Walk::answered`]. Times count from the walk's beginning.

use std::collections::VecDeque;
use std::time::Duration;

/// One step of a plan, as far as the order of events depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Which model it leads to: any number that is the same for the same model.
    pub model: usize,
    /// Start the next step too, if no content came after this long; a probe is given
    /// three quarters of it.
    pub hedge_after: Option<Duration>,
}

/// What a walk is held to.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Attempts in all, the first included.
    pub max_attempts: usize,
    /// When nothing may be started any more.
    pub deadline: Duration,
}

/// Who says whether a step may be started. Asked when it is its turn, not before.
pub trait Gates {
    /// What is held while the attempt is under way.
    type Pass;

    /// Whether the endpoint of a step may be tried now; as a last resort even where it
    /// lately failed.
    fn admit(&mut self, step: usize, last_resort: bool) -> Admission<Self::Pass>;

    /// Whether the endpoint of a step under way has become one of those that are tried as a
    /// last resort since the attempt began.
    fn has_tripped(&self, step: usize) -> bool;

    /// Takes one further attempt, made because another failed, from its budget.
    fn retry(&mut self) -> bool;

    /// Takes one further attempt, made because another is slow, from its budget.
    fn hedge(&mut self) -> bool;
}

/// Whether an endpoint may be tried now.
#[derive(Debug)]
pub enum Admission<P> {
    /// It may.
    Granted(P),
    /// It may, and has to show that it works again.
    Probing(P),
    /// Only once the rest of the plan is exhausted.
    Later,
    /// Not within this walk.
    Never,
}

/// Why an attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is the first.
    First,
    /// Another one failed.
    Retry,
    /// Another one is slow.
    Hedge,
}

/// What is to be done.
#[derive(Debug)]
pub enum Move<P> {
    /// Start an attempt.
    Start {
        /// Its number, from 0; counts up.
        attempt: usize,
        /// Which step of the plan it is at.
        step: usize,
        /// Why it is made.
        kind: Kind,
        /// From the gates.
        pass: P,
    },
    /// An attempt has been silent for as long as its plan allows. Take note, and ask
    /// again.
    Late {
        /// Its number.
        attempt: usize,
    },
    /// Wait until an attempt ends, but no longer than until then; then ask again.
    WaitUntil(Duration),
    /// Wait until an attempt ends; then ask again.
    Wait,
    /// The walk is over, and no attempt is under way.
    Over(Over),
}

/// Why a walk is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// An attempt answered.
    Answered,
    /// There is no step left that may be tried.
    Exhausted,
    /// There is one, but the budget for further attempts is used up.
    OutOfBudget,
    /// There is one, but no time.
    OutOfTime,
    /// A failure ended it.
    Ended,
}

/// What a failed attempt means for the rest of the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// Every other endpoint of the same model would fail likewise.
    pub everywhere: bool,
    /// It is a sign of an outage, so that a further attempt takes from the budget.
    pub weighs: bool,
    /// The same step may be tried again at once, as with another credential.
    pub again: bool,
    /// Nothing more is to be started.
    pub ends: bool,
}

/// Where a walk stands.
#[derive(Debug)]
pub struct Walk {
    legs: Vec<Leg>,
    bounds: Bounds,
    /// Steps to come, and whether each is a last resort.
    queue: VecDeque<(usize, bool)>,
    attempts: Vec<Attempt>,
    /// Models that are not to be tried any more.
    hopeless: Vec<usize>,
    /// Attempts that should be under way at once.
    width: usize,
    /// Whether the last failure was a sign of an outage.
    weighs: bool,
    /// The next attempt is begun because an endpoint tripped while one waited there.
    flees: bool,
    /// Attempts that the budget for hedges did not allow.
    hedges_refused: u32,
    over: Option<Over>,
}

#[derive(Debug)]
struct Attempt {
    step: usize,
    is_under_way: bool,
    /// When another is to be started beside it; none once that was seen to.
    hedge_at: Option<Duration>,
    /// When to look whether its endpoint still stands; none where nothing is hedged.
    look_at: Option<Duration>,
    /// How often.
    look_every: Duration,
}

/// So many times before another attempt is begun beside one, it is looked whether its
/// endpoint has tripped meanwhile.
const LOOKS: u32 = 4;

/// A probe is given this share of the time: whoever probes for others is not to wait as
/// long as they would.
const PROBE_SHARE: (u32, u32) = (3, 4);

/// Nobody looks more often than this.
const LEAST_BETWEEN_LOOKS: Duration = Duration::from_millis(50);

impl Walk {
    /// A walk of these steps, of which none was started.
    #[must_use]
    pub fn new(legs: Vec<Leg>, bounds: Bounds) -> Self {
        Self {
            queue: (0..legs.len()).map(|step| (step, false)).collect(),
            legs,
            bounds,
            attempts: Vec::new(),
            hopeless: Vec::new(),
            width: 1,
            weighs: false,
            flees: false,
            hedges_refused: 0,
            over: None,
        }
    }

    /// What is to be done now.
    pub fn next<G: Gates>(&mut self, now: Duration, gates: &mut G) -> Move<G::Pass> {
        if let Some(attempt) = self.late(now) {
            return Move::Late { attempt };
        }
        self.look(now, gates);
        while self.over.is_none() && self.under_way() < self.width {
            if let Some(start) = self.start(now, gates) {
                return start;
            }
        }
        if self.under_way() > 0 {
            let waiting = self.attempts.iter().filter(|it| it.is_under_way);
            let looks = self.under_way() == 1 && !self.queue.is_empty();
            let next = |it: &Attempt| [it.hedge_at, it.look_at.filter(|_| looks)];
            return match waiting.flat_map(next).flatten().min() {
                Some(at) if self.over.is_none() => Move::WaitUntil(at),
                _ => Move::Wait,
            };
        }
        Move::Over(self.over.unwrap_or(Over::Exhausted))
    }

    /// An attempt under way came to nothing.
    pub fn failed(&mut self, attempt: usize, failure: Failure) {
        let Some(step) = self.end(attempt) else { return };
        self.weighs = failure.weighs;
        if failure.everywhere {
            self.hopeless.push(self.legs[step].model);
        }
        // The last attempt is another step's, if there is one.
        let needed = self.attempts.len() + usize::from(!self.queue.is_empty());
        if failure.again && needed < self.bounds.max_attempts {
            self.queue.push_front((step, false));
        }
        if self.under_way() == 0 {
            self.width = 1;
        }
        if failure.ends {
            self.over.get_or_insert(Over::Ended);
        }
    }

    /// An attempt under way yielded content. All others that are under way are to be
    /// cancelled: these.
    pub fn answered(&mut self, attempt: usize) -> Vec<usize> {
        if self.end(attempt).is_none() {
            return Vec::new();
        }
        self.over = Some(Over::Answered);
        let others = 0..self.attempts.len();
        others.filter(|other| self.end(*other).is_some()).collect()
    }

    /// How often another attempt should have been started beside a slow one, and the
    /// budget did not allow it.
    #[must_use]
    pub fn hedges_refused(&self) -> u32 {
        self.hedges_refused
    }

    /// One that is late by now, for which one attempt more is wanted.
    fn late(&mut self, now: Duration) -> Option<usize> {
        let is_late = |it: &Attempt| it.is_under_way && it.hedge_at.is_some_and(|at| at <= now);
        let late = self.attempts.iter().position(is_late)?;
        self.attempts[late].hedge_at = None;
        self.width += 1;
        Some(late)
    }

    /// Whoever waits alone at an endpoint that has tripped meanwhile waits no longer: the
    /// next step is begun, as if this one had failed.
    fn look<G: Gates>(&mut self, now: Duration, gates: &G) {
        let mut waiting = self.attempts.iter_mut().filter(|it| it.is_under_way);
        let (Some(alone), None) = (waiting.next(), waiting.next()) else { return };
        if alone.look_at.is_none_or(|at| at > now) {
            return;
        }
        alone.look_at = now.checked_add(alone.look_every);
        if gates.has_tripped(alone.step) {
            self.flees = true;
            self.width = 2;
        }
    }

    /// Starts the next step that may be started; none where that is not so. Then either
    /// the walk is over, or there are as many attempts under way as there should be.
    fn start<G: Gates>(&mut self, now: Duration, gates: &mut G) -> Option<Move<G::Pass>> {
        let beside = self.under_way();
        let mut put_off = VecDeque::new();
        let started = loop {
            let Some((step, last_resort)) = self.queue.pop_front() else {
                break Err(Over::Exhausted);
            };
            if self.hopeless.contains(&self.legs[step].model) {
                continue;
            }
            if let Some(over) = self.bound(now) {
                put_off.push_front((step, last_resort));
                break Err(over);
            }
            if last_resort && beside > 0 {
                // Hardly faster than what is slow.
                put_off.push_back((step, true));
                continue;
            }
            let (pass, is_probe) = match gates.admit(step, last_resort) {
                Admission::Granted(pass) => (pass, false),
                Admission::Probing(pass) => (pass, true),
                Admission::Never => continue,
                // A gate that turns away what comes as a last resort does so for good.
                Admission::Later if last_resort => continue,
                Admission::Later => {
                    self.queue.push_back((step, true));
                    continue;
                }
            };
            if let Some(kind) = self.pays(beside, gates) {
                break Ok(self.begin((step, is_probe), kind, pass, now));
            }
            put_off.push_front((step, last_resort));
            break Err(Over::OutOfBudget);
        };
        put_off.into_iter().rev().for_each(|step| self.queue.push_front(step));
        self.flees = false;
        match started {
            Ok(start) => Some(start),
            Err(over) => {
                // Whatever is under way may still answer, and a retry has a budget of
                // its own.
                match beside {
                    0 => self.over = Some(over),
                    _ => self.width = beside,
                }
                None
            }
        }
    }

    /// Why nothing more may be started, whatever it is.
    fn bound(&self, now: Duration) -> Option<Over> {
        if self.attempts.len() >= self.bounds.max_attempts {
            return Some(Over::Exhausted);
        }
        (now >= self.bounds.deadline).then_some(Over::OutOfTime)
    }

    /// What kind of attempt it would be, where its budget allows it.
    fn pays<G: Gates>(&mut self, beside: usize, gates: &mut G) -> Option<Kind> {
        match (self.attempts.is_empty(), beside) {
            (true, _) => Some(Kind::First),
            (false, 0) => (!self.weighs || gates.retry()).then_some(Kind::Retry),
            (false, _) => {
                let is_paid = self.flees && gates.retry() || gates.hedge();
                self.hedges_refused += u32::from(!is_paid && !self.flees);
                is_paid.then_some(Kind::Hedge)
            }
        }
    }

    fn begin<P>(
        &mut self,
        (step, is_probe): (usize, bool),
        kind: Kind,
        pass: P,
        now: Duration,
    ) -> Move<P> {
        let hedge_after = self.legs[step].hedge_after;
        let (part, whole) = if is_probe { PROBE_SHARE } else { (1, 1) };
        let hedge_after = hedge_after.map(|after| after * part / whole);
        let look_every = hedge_after.unwrap_or_default() / LOOKS;
        let look_every = look_every.max(LEAST_BETWEEN_LOOKS);
        if self.flees {
            // Whoever was waited for has been seen to.
            let waiting = self.attempts.iter_mut().filter(|it| it.is_under_way);
            waiting.for_each(|it| (it.hedge_at, it.look_at) = (None, None));
        }
        self.attempts.push(Attempt {
            step,
            is_under_way: true,
            hedge_at: hedge_after.and_then(|after| now.checked_add(after)),
            look_at: hedge_after.and_then(|_| now.checked_add(look_every)),
            look_every,
        });
        Move::Start { attempt: self.attempts.len() - 1, step, kind, pass }
    }

    /// Takes note that an attempt is no longer under way. Its step, if it was.
    fn end(&mut self, attempt: usize) -> Option<usize> {
        let attempt = self.attempts.get_mut(attempt)?;
        let was_under_way = std::mem::replace(&mut attempt.is_under_way, false);
        was_under_way.then_some(attempt.step)
    }

    fn under_way(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.is_under_way).count()
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
