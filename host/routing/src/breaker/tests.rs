//! The breaker, scenario by scenario, and against a model that remembers
//! everything.

use super::*;
use Verdict::{Bad, Blameless, Good, Limited};

const POLICY: Policy = Policy { failures: 3, max_pause: Duration::from_secs(8) };

const fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// One attempt that begins and ends at once.
fn attempt(breaker: &mut Breaker, verdict: Verdict, milliseconds: u64) -> Option<Change> {
    let pass = breaker.begin(at(milliseconds));
    breaker.end(pass, verdict, POLICY, at(milliseconds))
}

/// How long the `term`th pause of a breaker without a seed lasts, of `most` milliseconds.
fn pause(most: u64, term: u64) -> Duration {
    drawn(at(most), 0, term)
}

/// A breaker that opened at second 100.
fn open() -> Breaker {
    let mut breaker = Breaker::default();
    let changes = [Bad, Bad, Bad].map(|verdict| attempt(&mut breaker, verdict, 100_000));
    assert_eq!(changes, [None, None, Some(Change::Opened)]);
    breaker
}

#[test]
fn failures_in_a_row_open_it() {
    let check = |attempts: &[(Verdict, u64)], expected: bool| {
        let mut breaker = Breaker::default();
        for (verdict, seconds) in attempts {
            attempt(&mut breaker, *verdict, seconds * 1000);
        }
        let is_open = matches!(breaker.state, State::Open { .. });
        assert_eq!(is_open, expected, "{attempts:?}");
    };
    check(&[(Bad, 0), (Bad, 0)], false);
    check(&[(Bad, 0), (Bad, 10), (Bad, 30)], true);
    // Not in a row: a good one between, or too long ago.
    check(&[(Bad, 0), (Bad, 0), (Good, 0), (Bad, 0)], false);
    check(&[(Bad, 0), (Bad, 10), (Bad, 31)], false);
    check(&[(Bad, 0), (Bad, 10), (Bad, 31), (Bad, 40)], true);
    // What blames nobody neither counts nor breaks the row.
    check(&[(Blameless, 0), (Limited, 0), (Blameless, 0), (Limited, 0)], false);
    check(&[(Bad, 0), (Blameless, 0), (Bad, 0), (Limited, 0), (Bad, 0)], true);
}

#[test]
fn what_is_late_counts_before_its_end_and_once() {
    let mut breaker = Breaker::default();
    let mut passes = [(); 4].map(|()| breaker.begin(at(0)));
    let mut late = |pass: &mut Pass| breaker.late(pass, POLICY, at(1000));
    assert_eq!([late(&mut passes[0]), late(&mut passes[1])], [None, None]);
    assert_eq!(late(&mut passes[1]), None, "told twice");
    assert_eq!(late(&mut passes[2]), Some(Change::Opened));
    let [first, _, _, last] = passes;
    assert_eq!(breaker.end(first, Bad, POLICY, at(1000)), None, "counted before");
    // Those that began before it opened say nothing about it now.
    assert_eq!(breaker.end(last, Good, POLICY, at(1000)), None);
    let mut probe = breaker.begin(at(2000));
    assert!(probe.is_probe());
    assert_eq!(breaker.late(&mut probe, POLICY, at(2500)), Some(Change::Reopened));
    assert_eq!(breaker.end(probe, Blameless, POLICY, at(2600)), None);
    assert!(matches!(breaker.standing(at(2600)), Standing::Open(_)));
}

#[test]
fn what_answers_in_time_breaks_a_row_of_lates_and_not_one_of_failures() {
    for (verdict, opens) in [(Blameless, false), (Bad, true)] {
        let mut breaker = Breaker::default();
        let fail = |breaker: &mut Breaker| {
            let mut pass = breaker.begin(at(0));
            let late = (verdict == Blameless).then(|| breaker.late(&mut pass, POLICY, at(1000)));
            let ended = breaker.end(pass, verdict, POLICY, at(1000));
            late.flatten().or(ended)
        };
        assert_eq!([fail(&mut breaker), fail(&mut breaker)], [None, None]);
        let mut pass = breaker.begin(at(0));
        breaker.answered(&mut pass);
        assert_eq!(fail(&mut breaker).is_some(), opens, "{verdict:?}");
    }
}

#[test]
fn what_was_merely_late_closes_what_its_lateness_opened() {
    let mut breaker = Breaker::default();
    let mut passes = [(); 3].map(|()| breaker.begin(at(0)));
    for pass in &mut passes {
        breaker.late(pass, POLICY, at(1000));
    }
    assert!(matches!(breaker.standing(at(1000)), Standing::Open(_)));
    assert_eq!(breaker.answered(&mut passes[0]), Some(Change::Closed));
    // Not twice, and not what opened later.
    assert_eq!(breaker.answered(&mut passes[1]), None);
    let _ = [Bad, Bad, Bad].map(|it| attempt(&mut breaker, it, 2000));
    assert_eq!(breaker.answered(&mut passes[2]), None);
    assert!(matches!(breaker.standing(at(2000)), Standing::Open(_)));
}

#[test]
fn after_a_pause_one_probe_at_a_time_is_let_through() {
    let mut breaker = open();
    let last = at(100_000) + pause(1000, 1) - at(1);
    assert_eq!(breaker.standing(last), Standing::Open(at(1)));
    assert_eq!(breaker.standing(last + at(1)), Standing::HalfOpen);
    let probe = breaker.begin(at(101_000));
    assert_eq!(breaker.standing(at(101_000)), Standing::Probed);
    assert_eq!(breaker.end(probe, Good, POLICY, at(101_500)), Some(Change::Closed));
    assert_eq!(breaker.standing(at(101_500)), Standing::Closed);
    // It begins anew: neither old failures nor the old pause count.
    assert_eq!(attempt(&mut breaker, Bad, 101_500), None);
}

#[test]
fn each_bad_probe_doubles_the_pause_up_to_the_bound() {
    let mut breaker = open();
    let mut now = 101_000;
    for (term, most) in (2..).zip([2000, 4000, 8000, 8000]) {
        assert_eq!(breaker.standing(at(now)), Standing::HalfOpen);
        assert_eq!(attempt(&mut breaker, Bad, now), Some(Change::Reopened));
        assert_eq!(breaker.standing(at(now)), Standing::Open(pause(most, term)));
        now += most;
    }
}

#[test]
fn half_of_each_pause_is_drawn() {
    let most = at(1000);
    let mut quarters = [0; 4];
    for seed in 0..100 {
        for term in 1..=10 {
            let pause = drawn(most, seed, term);
            assert_eq!(pause, drawn(most, seed, term), "the same draw");
            assert!((most / 2..=most).contains(&pause), "{pause:?}");
            let quarter = (pause - most / 2).as_millis() / 125;
            quarters[usize::try_from(quarter.min(3)).unwrap()] += 1;
        }
    }
    assert!(quarters.iter().all(|count| (200..300).contains(count)), "{quarters:?}");
}

#[test]
fn breakers_that_open_together_are_not_probed_together() {
    let pauses: std::collections::BTreeSet<String> = (0..20)
        .map(|seed| {
            let mut breaker = Breaker::seeded(seed);
            for _ in 0..3 {
                attempt(&mut breaker, Bad, 100_000);
            }
            format!("{:?}", breaker.standing(at(100_000)))
        })
        .collect();
    assert_eq!(pauses.len(), 20, "{pauses:?}");
}

#[test]
fn a_probe_that_says_nothing_frees_its_place() {
    for verdict in [Blameless, Limited] {
        let mut breaker = open();
        assert_eq!(attempt(&mut breaker, verdict, 101_000), None);
        assert_eq!(breaker.standing(at(101_000)), Standing::HalfOpen);
    }
}

#[test]
fn a_probe_that_answers_for_long_holds_nobody_up() {
    let mut breaker = open();
    let mut first = breaker.begin(at(101_000));
    breaker.answered(&mut first);
    assert_eq!(breaker.standing(at(101_000)), Standing::HalfOpen);
    let second = breaker.begin(at(101_000));
    // The place is the second's now.
    breaker.end(first, Blameless, POLICY, at(101_001));
    assert_eq!(breaker.standing(at(101_001)), Standing::Probed);
    assert_eq!(breaker.end(second, Good, POLICY, at(101_002)), Some(Change::Closed));
}

#[test]
fn a_stream_that_breaks_after_its_content_is_a_failed_probe() {
    let mut breaker = open();
    let mut probe = breaker.begin(at(101_000));
    breaker.answered(&mut probe);
    assert_eq!(breaker.end(probe, Bad, POLICY, at(101_500)), Some(Change::Reopened));
}

#[test]
fn what_began_before_it_opened_says_nothing_about_it() {
    let mut breaker = Breaker::default();
    let early = [breaker.begin(at(0)), breaker.begin(at(0))];
    for _ in 0..3 {
        attempt(&mut breaker, Bad, 1000);
    }
    for (pass, verdict) in early.into_iter().zip([Good, Bad]) {
        assert_eq!(breaker.end(pass, verdict, POLICY, at(1001)), None);
    }
    assert_eq!(breaker.standing(at(1001)), Standing::Open(pause(1000, 1) - at(1)));
}

#[test]
fn a_last_resort_that_works_closes_it() {
    let mut breaker = open();
    assert_eq!(attempt(&mut breaker, Bad, 100_400), None);
    assert_eq!(breaker.standing(at(100_400)), Standing::Open(pause(1000, 1) - at(400)));
    assert_eq!(attempt(&mut breaker, Good, 100_400), Some(Change::Closed));
}

/// What the breaker should be, told from the whole history.
#[derive(Default)]
struct Model {
    /// All that happened since it last closed, and when.
    events: Vec<(u64, Event)>,
    /// When it opened, one entry for each time, with the pause that may have followed.
    openings: Vec<(u64, u64)>,
    seed: u64,
    is_open: bool,
    /// The probe that is out and has not answered.
    prober: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Event {
    Good,
    Bad,
    Late,
    Answered,
}

/// An attempt of the model's.
struct Attempt {
    is_late: bool,
    number: usize,
    openings: usize,
    is_probe: bool,
    pass: Pass,
}

impl Model {
    fn standing(&self, now: u64) -> Standing {
        let (opened, most) = self.openings.last().copied().unwrap_or_default();
        let until = at(opened) + drawn(at(most), self.seed, self.openings.len() as u64);
        match (self.is_open, at(now) < until, self.prober) {
            (false, ..) => Standing::Closed,
            (true, true, _) => Standing::Open(until - at(now)),
            (true, false, Some(_)) => Standing::Probed,
            (true, false, None) => Standing::HalfOpen,
        }
    }

    fn end(&mut self, attempt: &Attempt, verdict: Verdict, policy: Policy, now: u64) {
        let is_new = attempt.openings == self.openings.len();
        let frees = is_new && self.prober == Some(attempt.number);
        if verdict == Bad && !attempt.is_late {
            self.fail(Event::Bad, attempt, policy, now);
        } else if !self.is_open {
            self.events.extend((verdict == Good).then_some((now, Event::Good)));
        } else if is_new && verdict == Good {
            self.close();
        } else if frees {
            self.prober = None;
        }
    }

    fn late(&mut self, attempt: &Attempt, policy: Policy, now: u64) {
        if !attempt.is_late {
            self.fail(Event::Late, attempt, policy, now);
        }
    }

    fn answered(&mut self, attempt: &Attempt, now: u64) {
        if !self.is_open {
            self.events.push((now, Event::Answered));
        } else if attempt.is_late && attempt.openings + 1 == self.openings.len() {
            self.close();
        } else if self.prober == Some(attempt.number) {
            self.prober = None;
        }
    }

    fn fail(&mut self, event: Event, attempt: &Attempt, policy: Policy, now: u64) {
        if self.is_open {
            if attempt.openings == self.openings.len() && attempt.is_probe {
                self.open(self.openings.last().unwrap().1 * 2, policy, now);
            }
            return;
        }
        self.events.push((now, event));
        let since = |ends: &[Event]| {
            let last = self.events.iter().rposition(|(_, it)| ends.contains(it));
            &self.events[last.map_or(0, |last| last + 1)..]
        };
        let count = |row: &[(u64, Event)], event| {
            row.iter().filter(|(at, it)| *it == event && now - at <= 30_000).count()
        };
        let failures = count(since(&[Event::Good]), Event::Bad);
        let lates = count(since(&[Event::Good, Event::Answered]), Event::Late);
        if failures + lates >= policy.failures as usize {
            self.open(1000, policy, now);
        }
    }

    fn close(&mut self) {
        (self.is_open, self.events, self.prober) = (false, Vec::new(), None);
    }

    fn open(&mut self, pause: u64, policy: Policy, now: u64) {
        let most = u64::try_from(policy.max_pause.as_millis()).unwrap();
        self.openings.push((now, pause.min(most)));
        (self.is_open, self.prober) = (true, None);
    }
}

#[test]
fn it_does_what_a_model_with_full_memory_does() {
    let (mut opened, mut probed) = (0, 0);
    for seed in 0..500 {
        let mut random = StdRng::seed_from_u64(seed);
        let policy = Policy {
            failures: random.random_range(1..6),
            max_pause: at(random.random_range(500..20_000)),
        };
        let mut breaker = Breaker::seeded(seed);
        let mut model = Model { seed, ..Model::default() };
        let mut attempts: Vec<Attempt> = Vec::new();
        let mut now = 0;
        for number in 0..400 {
            match random.random_range(0..10) {
                0..2 => now += random.random_range(0..3000),
                2 if random.random_bool(0.1) => now += random.random_range(0..60_000),
                2..6 => {
                    let is_probe = model.standing(now) == Standing::HalfOpen;
                    let pass = breaker.begin(at(now));
                    if is_probe {
                        model.prober = Some(number);
                        probed += 1;
                    }
                    let openings = model.openings.len();
                    attempts.push(Attempt { is_late: false, number, openings, is_probe, pass });
                }
                6 if !attempts.is_empty() => {
                    let index = random.random_range(0..attempts.len());
                    let attempt = &mut attempts[index];
                    if random.random_bool(0.5) {
                        model.answered(attempt, now);
                        breaker.answered(&mut attempt.pass);
                    } else {
                        model.late(attempt, policy, now);
                        breaker.late(&mut attempt.pass, policy, at(now));
                        attempt.is_late = true;
                    }
                }
                _ if !attempts.is_empty() => {
                    let attempt = attempts.swap_remove(random.random_range(0..attempts.len()));
                    let verdict = match random.random_range(0..10) {
                        0..3 => Good,
                        3..8 => Bad,
                        8 => Limited,
                        _ => Blameless,
                    };
                    model.end(&attempt, verdict, policy, now);
                    breaker.end(attempt.pass, verdict, policy, at(now));
                }
                _ => {}
            }
            assert_eq!(breaker.standing(at(now)), model.standing(now), "seed {seed}, at {now}");
        }
        opened += model.openings.len();
    }
    assert!(opened > 1000 && probed > 1000, "the events were too tame: {opened}, {probed}");
}
