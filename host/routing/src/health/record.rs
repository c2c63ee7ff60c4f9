//! All that is remembered of one endpoint, from the beginning of an attempt to its end.

use super::counts::{Counts, Outcome};
use super::reading::{Figures, MinSamples, Reading, share};
use super::timings::Timings;
use crate::breaker::{self, Change, Standing};
use crate::capacity::{Capacity, Load};
use crate::{Breaker, Cooldown, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Fewer tokens after the first say nothing about speed.
const MIN_TOKENS: u64 = 8;

/// A whole answer of fewer tokens says nothing about speed: nobody knows how much of its
/// time went by before the first. Of so many that is a small part, as a rule, and what is
/// left of it makes an endpoint slower than it is, never faster.
const MIN_WHOLE_TOKENS: u64 = 256;

/// A probe is late after this share of what is usual: a little less than the time that a
/// walk gives it, which may rest on another snapshot.
const LATE_PROBE: (u32, u32) = (2, 3);

/// What came in less time was written before and came in one piece.
const MIN_WRITING: Duration = Duration::from_millis(10);

/// One endpoint's record.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Record {
    counts: Counts,
    /// None while nothing was timed.
    timings: Option<Box<Timings>>,
    cooldown: Cooldown,
    /// Of the router's own accounts there: whoever brings another one has other limits.
    limited: Cooldown,
    breaker: Breaker,
    capacity: Capacity,
    #[serde(skip)]
    in_flight: u32,
    /// Since [`Record::take_changed`].
    #[serde(skip)]
    is_changed: bool,
}

/// The bounds that an attempt is held to.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How long a provider's wish for a pause is kept at most.
    pub max_cooldown: Duration,
    /// When the breaker opens.
    pub breaker: breaker::Policy,
}

/// An attempt under way, to be handed back at its end.
#[derive(Debug)]
pub struct Pass {
    breaker: breaker::Pass,
    load: Load,
}

impl Pass {
    /// How often the endpoint's breaker had opened when the attempt began.
    #[must_use]
    pub fn openings(&self) -> u64 {
        self.breaker.openings()
    }

    /// The attempt has to show that the endpoint works again.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.breaker.is_probe()
    }
}

/// What the end of an attempt did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// A pause began that was not there before.
    pub cools: bool,
    /// The breaker opened or closed.
    pub change: Option<Change>,
}

/// How far an endpoint that may be tried now is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Footing {
    /// Nothing speaks against it.
    Sound,
    /// Its circuit breaker is half-open: the next request to it is a probe.
    OnProbation,
}

/// Why an endpoint is not to be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// Its provider asked to be left alone for so much longer: not to be tried at all.
    Cooling(Duration),
    /// Its circuit breaker is open for so much longer: a last resort.
    Tripped(Duration),
    /// Its circuit breaker lets one request through at a time, and one is under
    /// way: a last resort.
    Probed,
}

impl Record {
    /// Of nothing yet; `seed` draws how long its breaker pauses.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { breaker: Breaker::seeded(seed), ..Self::default() }
    }

    /// Whether the endpoint may be tried now, with the router's own account there.
    ///
    /// # Errors
    /// Saying why it should not be.
    pub fn check(&self, now: Duration) -> Result<Footing, LeftOut> {
        match self.limited(now).max(self.cooldown.rest(now)) {
            Some(rest) => Err(LeftOut::Cooling(rest)),
            None => self.check_for_others(now),
        }
    }

    /// How much longer the router's own account there is at a limit.
    #[must_use]
    pub fn limited(&self, now: Duration) -> Option<Duration> {
        self.limited.rest(now)
    }

    /// Whether the endpoint may be tried now, with an account that its limits say nothing of.
    ///
    /// # Errors
    /// Saying why it should not be.
    pub fn check_for_others(&self, now: Duration) -> Result<Footing, LeftOut> {
        if let Some(rest) = self.cooldown.rest(now) {
            return Err(LeftOut::Cooling(rest));
        }
        match self.breaker.standing(now) {
            Standing::Closed => Ok(Footing::Sound),
            Standing::HalfOpen => Ok(Footing::OnProbation),
            Standing::Open(rest) => Err(LeftOut::Tripped(rest)),
            Standing::Probed => Err(LeftOut::Probed),
        }
    }

    /// An attempt begins. To begin one although [`check`](Self::check) says no is for
    /// the caller to decide.
    pub fn begin(&mut self, now: Duration) -> Pass {
        self.in_flight = self.in_flight.saturating_add(1);
        Pass { breaker: self.breaker.begin(now), load: self.capacity.begin(self.in_flight) }
    }

    /// The attempt has yielded its first content. Told once.
    pub fn answered(&mut self, pass: &mut Pass, now: Duration) -> Option<Change> {
        self.capacity.bore(pass.load, now);
        self.is_changed = true;
        self.breaker.answered(&mut pass.breaker)
    }

    /// How often its breaker has opened.
    #[must_use]
    pub fn openings(&self) -> u64 {
        self.breaker.openings()
    }

    /// The first token of a streamed answer came after so long.
    pub fn first_token(&mut self, latency: Duration, now: Duration) {
        self.timings.get_or_insert_default().latency.add(latency.as_secs_f64() * 1000.0, now);
        self.is_changed = true;
    }

    /// So many completion tokens came within `over` after the first one.
    pub fn wrote(&mut self, tokens: u64, over: Duration, now: Duration) {
        if tokens >= MIN_TOKENS {
            self.paced(tokens, over, now);
        }
    }

    /// So many completion tokens came at once, after `time`.
    pub fn wrote_whole(&mut self, tokens: u64, time: Duration, now: Duration) {
        if tokens >= MIN_WHOLE_TOKENS {
            self.paced(tokens, time, now);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    fn paced(&mut self, tokens: u64, over: Duration, now: Duration) {
        if over >= MIN_WRITING {
            let rate = tokens as f64 / over.as_secs_f64();
            self.timings.get_or_insert_default().throughput.add(rate, now);
            self.is_changed = true;
        }
    }

    /// An answer called tools, each of them in a way that the client can use, or not.
    pub fn called_tools(&mut self, usable: bool, now: Duration) {
        self.counts.add(Outcome::CalledTools { usable }, now);
        self.is_changed = true;
    }

    /// The attempt ended; with `wait` the provider asks to be left alone.
    pub fn end(
        &mut self,
        pass: Pass,
        verdict: Verdict,
        wait: Option<Duration>,
        policy: Policy,
        now: Duration,
    ) -> Ended {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.is_changed |= verdict != Verdict::Blameless;
        self.counts.add(Outcome::Ended(verdict), now);
        if verdict == Verdict::Limited {
            self.capacity.refused(pass.load, now);
        }
        let change = self.breaker.end(pass.breaker, verdict, policy.breaker, now);
        let cooldown = match verdict {
            Verdict::Limited => &mut self.limited,
            Verdict::Good | Verdict::Bad | Verdict::Blameless => &mut self.cooldown,
        };
        let cools = wait.is_some_and(|wait| cooldown.ask(wait, policy.max_cooldown, now));
        Ended { cools, change }
    }

    /// The attempt is to stream and has been silent for so long that another one is begun
    /// beside it. Where that is no less than `usual`, or for a probe than two thirds of
    /// it, it is a failure to the breaker: what hangs would otherwise be overtaken by others again and
    /// again, and never left alone.
    pub fn late(
        &mut self,
        pass: &mut Pass,
        (silence, usual): (Duration, Option<Duration>),
        policy: Policy,
        now: Duration,
    ) -> Option<Change> {
        let (part, whole) = if pass.is_probe() { LATE_PROBE } else { (1, 1) };
        let is_late = |usual: Duration| silence * whole >= usual * part;
        if !usual.is_some_and(is_late) {
            return None;
        }
        self.is_changed = true;
        self.breaker.late(&mut pass.breaker, policy.breaker, now)
    }

    /// The attempt was given up after such a silence, because another one, begun later,
    /// had answered. It would have taken that long at least: so much is known of how fast
    /// the endpoint is. In the shares of success it does not count, for nobody knows how it
    /// would have ended.
    pub fn overtaken(
        &mut self,
        mut pass: Pass,
        (silence, usual): (Duration, Option<Duration>),
        policy: Policy,
        now: Duration,
    ) -> Ended {
        self.first_token(silence, now);
        let late = self.late(&mut pass, (silence, usual), policy, now);
        let ended = self.end(pass, Verdict::Blameless, None, policy, now);
        Ended { change: late.or(ended.change), ..ended }
    }

    /// What strategies are told of it. A half-open endpoint is not tripped for them, or
    /// it would come last for ever.
    #[must_use]
    pub fn reading(&self, least: MinSamples, now: Duration) -> Reading {
        let sums = self.counts.sums(now);
        let share = |part, rest| share(part, rest, least.shares);
        let (recent, long) = (sums.five_minutes, sums.half_hour);
        let timings = self.timings.as_deref();
        Reading {
            uptime_30s: share(sums.half_minute.good, sums.half_minute.bad),
            uptime_5m: share(recent.good, recent.bad),
            uptime_30m: share(long.good, long.bad),
            rate_limited_5m: share(recent.limited, recent.good.saturating_add(recent.bad)),
            bad_tool_calls: share(long.unusable, long.usable),
            tripped: matches!(self.breaker.standing(now), Standing::Open(_) | Standing::Probed),
            in_flight: self.in_flight,
            capacity: self.capacity.cap(now),
            latency_ms: timings.and_then(|it| it.latency.five_minutes(least.percentiles, now)),
            throughput: timings.and_then(|it| it.throughput.five_minutes(least.percentiles, now)),
        }
    }

    /// In how long 99 of 100 streams of the last half hour began, however few they were.
    #[must_use]
    pub fn usual(&self, now: Duration) -> Option<Duration> {
        let latency_ms = self.timings.as_deref()?.latency.half_hour(1, now)?;
        Duration::try_from_secs_f64(latency_ms.p99 / 1000.0).ok()
    }

    /// What people are shown of it.
    #[must_use]
    pub fn figures(&self, least: MinSamples, now: Duration) -> Figures {
        let day = self.counts.sums(now).day;
        let timings = self.timings.as_deref();
        let (latency, throughput) =
            (timings.map(|it| &it.latency), timings.map(|it| &it.throughput));
        Figures {
            now: self.reading(least, now),
            uptime_1d: share(day.good, day.bad, least.shares),
            latency_30m: latency.and_then(|it| it.half_hour(least.percentiles, now)),
            throughput_30m: throughput.and_then(|it| it.half_hour(least.percentiles, now)),
        }
    }

    /// Its breaker is closed.
    #[must_use]
    pub fn is_closed(&self, now: Duration) -> bool {
        self.breaker.standing(now) == Standing::Closed
    }

    /// Nothing of it matters any more.
    #[must_use]
    pub fn is_past(&self, now: Duration) -> bool {
        self.in_flight == 0
            && self.is_closed(now)
            && self.cooldown.rest(now).is_none()
            && self.limited(now).is_none()
            && self.counts.sums(now).day.is_empty()
    }

    /// Whether there is something new since this was asked last. Gives up the room of
    /// timings that have left their windows.
    pub fn take_changed(&mut self, now: Duration) -> bool {
        self.timings.take_if(|timings| timings.is_past(now));
        std::mem::take(&mut self.is_changed)
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = |rest: &Duration| match rest.as_secs() + u64::from(rest.subsec_nanos() > 0) {
            1 => "1 more second".to_owned(),
            n => format!("{n} more seconds"),
        };
        match self {
            Self::Cooling(rest) => {
                write!(f, "it is cooling down for {}, as the provider asked", more(rest))
            }
            Self::Tripped(rest) => {
                write!(f, "it failed again and again, and is left alone for {}", more(rest))
            }
            Self::Probed => {
                f.write_str("it failed again and again, and another request is trying it now")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Bad, Good, Limited};

    const POLICY: Policy = Policy {
        max_cooldown: seconds(60),
        breaker: breaker::Policy { failures: 3, max_pause: seconds(30) },
    };

    const LEAST: MinSamples = MinSamples { shares: 5, percentiles: 20 };

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn after(verdicts: &[Verdict], now: u64) -> Record {
        let mut record = Record::default();
        for verdict in verdicts {
            let pass = record.begin(seconds(now));
            record.end(pass, *verdict, None, POLICY, seconds(now));
        }
        record
    }

    #[test]
    fn limits_are_no_failures_and_have_a_share_of_their_own() {
        let record = after(&[Good, Bad, Good, Limited, Good, Limited, Good], 1_000);
        let reading = record.reading(LEAST, seconds(1_000));
        assert_eq!((reading.uptime_30s, reading.uptime_30m), (Some(0.8), Some(0.8)));
        assert_eq!(reading.rate_limited_5m, Some(0.286));
        assert_eq!(record.figures(LEAST, seconds(50_000)).uptime_1d, Some(0.8));
        let few = after(&[Good; 4], 1_000).reading(LEAST, seconds(1_000));
        assert_eq!(few, Reading::default());
    }

    #[test]
    fn unusable_tool_calls_have_a_share_of_their_own() {
        let mut record = after(&[Good; 5], 1_000);
        for usable in [true, false, true, true] {
            record.called_tools(usable, seconds(1_000));
        }
        assert_eq!(record.reading(LEAST, seconds(1_000)).bad_tool_calls, None);
        record.called_tools(true, seconds(1_000));
        let reading = record.reading(LEAST, seconds(1_000));
        assert_eq!((reading.bad_tool_calls, reading.uptime_5m), (Some(0.2), Some(1.0)));
        assert_eq!(record.reading(LEAST, seconds(3_000)).bad_tool_calls, None);
    }

    #[test]
    fn speed_needs_a_stream_that_is_long_enough() {
        let mut record = Record::default();
        for _ in 0..20 {
            record.first_token(Duration::from_millis(250), seconds(600));
            record.wrote(100, seconds(2), seconds(600));
            record.wrote(MIN_TOKENS - 1, seconds(1), seconds(600));
            record.wrote(1_000, Duration::from_millis(9), seconds(600));
            record.wrote_whole(MIN_WHOLE_TOKENS - 1, seconds(1), seconds(600));
            record.wrote_whole(1_000, Duration::from_millis(9), seconds(600));
        }
        let reading = record.reading(LEAST, seconds(600));
        let (latency, throughput) = (reading.latency_ms.unwrap(), reading.throughput.unwrap());
        assert!((245.0..=255.0).contains(&latency.p50) && latency.p99 < 260.0, "{latency:?}");
        assert!((49.0..=51.0).contains(&throughput.p50), "{throughput:?}");
        assert_eq!((latency.samples, throughput.samples), (20, 20));
    }

    #[test]
    fn a_refusal_teaches_how_much_an_endpoint_bears() {
        let mut record = Record::default();
        let mut passes: Vec<Pass> = (0..8).map(|_| record.begin(seconds(50))).collect();
        let refused = passes.pop().unwrap();
        record.end(refused, Limited, None, POLICY, seconds(50));
        let reading = record.reading(LEAST, seconds(50));
        assert_eq!((reading.in_flight, reading.capacity), (7, Some(6)));
    }

    #[test]
    fn what_was_overtaken_is_slow_and_beyond_the_usual_a_failure_to_the_breaker_alone() {
        let overtaken = |usual: Option<u64>, silence| {
            let mut record = Record::default();
            let policy = breaker::Policy { failures: 1, ..POLICY.breaker };
            let policy = Policy { breaker: policy, ..POLICY };
            let pass = record.begin(seconds(50));
            let silence = (Duration::from_millis(silence), usual.map(Duration::from_millis));
            let ended = record.overtaken(pass, silence, policy, seconds(60));
            let least = MinSamples { shares: 1, percentiles: 1 };
            let reading = record.reading(least, seconds(60));
            assert_eq!((reading.in_flight, reading.uptime_30s), (0, None));
            (ended.change, reading.latency_ms.unwrap().p50)
        };
        let near = |ms: f64, expected: f64| (ms - expected).abs() <= expected * 0.03;
        for (usual, opens) in [(Some(2000), true), (Some(2001), false), (None, false)] {
            let (change, p50) = overtaken(usual, 2000);
            assert_eq!(change, opens.then_some(Change::Opened), "{usual:?}");
            assert!(near(p50, 2000.0), "{p50}");
        }
    }

    #[test]
    fn what_is_past_leaves_no_trace() {
        let mut record = after(&[Bad], 1_000);
        record.first_token(seconds(1), seconds(1_000));
        assert!(record.take_changed(seconds(1_000)) && !record.take_changed(seconds(1_000)));
        assert!(record.timings.is_some() && !record.is_past(seconds(5_000)));
        record.take_changed(seconds(5_000));
        assert!(record.timings.is_none() && record.is_past(seconds(100_000)));
        let pass = record.begin(seconds(100_000));
        assert!(!record.is_past(seconds(100_000)));
        record.end(pass, Verdict::Blameless, None, POLICY, seconds(100_000));
        assert!(record.is_past(seconds(100_000)) && !record.take_changed(seconds(100_000)));
    }
}
