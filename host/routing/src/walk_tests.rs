use super::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

const fn leg(model: usize) -> Leg {
    Leg { model, hedge_after: None }
}

const fn slow_after(model: usize, after: u64) -> Leg {
    Leg { model, hedge_after: Some(ms(after)) }
}

const ANYTIME: Bounds = Bounds { max_attempts: 9, deadline: ms(1_000_000) };

const OUTAGE: Failure = Failure { everywhere: false, weighs: true, again: false, ends: false };

/// Lets through what it is told to, and counts.
#[derive(Default)]
struct Door {
    /// Steps that may be tried as a last resort only, and those that may not at all.
    tripped: Vec<usize>,
    cooling: Vec<usize>,
    probed: Vec<usize>,
    retries: usize,
    hedges: usize,
}

impl Door {
    fn open() -> Self {
        Self { retries: 99, hedges: 99, ..Self::default() }
    }
}

impl Gates for Door {
    type Pass = ();

    fn admit(&mut self, step: usize, last_resort: bool) -> Admission<()> {
        match (self.cooling.contains(&step), self.tripped.contains(&step)) {
            (true, _) => Admission::Never,
            (false, true) if !last_resort => Admission::Later,
            _ if self.probed.contains(&step) => Admission::Probing(()),
            _ => Admission::Granted(()),
        }
    }

    fn has_tripped(&self, step: usize) -> bool {
        self.tripped.contains(&step)
    }

    fn retry(&mut self) -> bool {
        take(&mut self.retries)
    }

    fn hedge(&mut self) -> bool {
        take(&mut self.hedges)
    }
}

fn take(budget: &mut usize) -> bool {
    let left = budget.checked_sub(1);
    *budget = left.unwrap_or(0);
    left.is_some()
}

/// Asks until there is something to do, and says in short what.
fn ask(walk: &mut Walk, now: u64, door: &mut Door) -> String {
    loop {
        return match walk.next(ms(now), door) {
            Move::Late { .. } => continue,
            Move::Start { step, kind, .. } => format!("{kind:?} {step}"),
            Move::WaitUntil(at) => format!("until {}", at.as_millis()),
            Move::Wait => "wait".to_owned(),
            Move::Over(over) => format!("{over:?}"),
        };
    }
}

#[test]
fn steps_are_tried_in_order_until_one_answers() {
    let (mut walk, mut door) = (Walk::new(vec![leg(0), leg(0), leg(0)], ANYTIME), Door::open());
    assert_eq!(ask(&mut walk, 0, &mut door), "First 0");
    assert_eq!(ask(&mut walk, 0, &mut door), "wait");
    walk.failed(0, OUTAGE);
    assert_eq!(ask(&mut walk, 5, &mut door), "Retry 1");
    assert_eq!(walk.answered(1), Vec::<usize>::new());
    assert_eq!(ask(&mut walk, 6, &mut door), "Answered");
}

#[test]
fn what_fails_everywhere_ends_its_model_alone() {
    let legs = vec![leg(0), leg(0), leg(1)];
    let (mut walk, mut door) = (Walk::new(legs, ANYTIME), Door::default());
    ask(&mut walk, 0, &mut door);
    walk.failed(0, Failure { everywhere: true, ..Failure::default() });
    // That the request is wrong is no sign of an outage: it takes from no budget.
    assert_eq!(ask(&mut walk, 0, &mut door), "Retry 2");
    walk.failed(1, OUTAGE);
    assert_eq!(ask(&mut walk, 0, &mut door), "Exhausted");
}

#[test]
fn the_same_step_is_tried_again_at_once_where_that_may_help() {
    let bounds = Bounds { max_attempts: 3, ..ANYTIME };
    let (mut walk, mut door) = (Walk::new(vec![leg(0), leg(0)], bounds), Door::open());
    ask(&mut walk, 0, &mut door);
    walk.failed(0, Failure { again: true, ..OUTAGE });
    assert_eq!(ask(&mut walk, 0, &mut door), "Retry 0");
    walk.failed(1, Failure { again: true, ..OUTAGE });
    assert_eq!(ask(&mut walk, 0, &mut door), "Retry 1", "the last attempt is another step's");
    walk.failed(2, Failure { again: true, ..OUTAGE });
    assert_eq!(ask(&mut walk, 0, &mut door), "Exhausted", "each counts as an attempt");
}

#[test]
fn a_tripped_endpoint_comes_last_and_a_cooling_one_never() {
    let (mut walk, mut door) = (Walk::new(vec![leg(0); 4], ANYTIME), Door::open());
    (door.tripped, door.cooling) = (vec![0, 2], vec![1]);
    for expected in ["First 3", "Retry 0", "Retry 2", "Exhausted"] {
        assert_eq!(ask(&mut walk, 0, &mut door), expected);
        walk.failed(walk.attempts.len() - 1, OUTAGE);
    }
}

#[test]
fn a_slow_step_gets_the_next_one_beside_it_and_one_of_them_wins() {
    let legs = vec![slow_after(0, 10), leg(0), leg(0)];
    for winner in [0, 1] {
        let (mut walk, mut door) = (Walk::new(legs.clone(), ANYTIME), Door::open());
        ask(&mut walk, 0, &mut door);
        assert_eq!(ask(&mut walk, 0, &mut door), "until 10");
        assert_eq!(ask(&mut walk, 9, &mut door), "until 10");
        assert_eq!(ask(&mut walk, 10, &mut door), "Hedge 1");
        assert_eq!(ask(&mut walk, 10, &mut door), "wait");
        assert_eq!(walk.answered(winner), [1 - winner]);
        walk.failed(1 - winner, OUTAGE);
        assert_eq!(ask(&mut walk, 11, &mut door), "Answered");
    }
}

#[test]
fn beside_what_answers_soon_enough_nothing_is_started() {
    let legs = vec![slow_after(0, 10), leg(0)];
    let (mut walk, mut door) = (Walk::new(legs, ANYTIME), Door::open());
    ask(&mut walk, 0, &mut door);
    walk.failed(0, OUTAGE);
    assert_eq!(ask(&mut walk, 5, &mut door), "Retry 1");
    assert_eq!(ask(&mut walk, 50, &mut door), "wait");
}

#[test]
fn a_hedge_beyond_its_budget_is_refused_and_a_retry_is_not() {
    let legs = vec![slow_after(0, 10), leg(0)];
    let (mut walk, mut door) = (Walk::new(legs, ANYTIME), Door::open());
    door.hedges = 0;
    ask(&mut walk, 0, &mut door);
    assert_eq!(ask(&mut walk, 10, &mut door), "until 50");
    assert_eq!(ask(&mut walk, 11, &mut door), "until 50");
    assert_eq!(walk.hedges_refused(), 1);
    walk.failed(0, OUTAGE);
    assert_eq!(ask(&mut walk, 12, &mut door), "Retry 1");
}

#[test]
fn no_hedge_goes_to_a_tripped_endpoint() {
    let legs = vec![slow_after(0, 10), leg(0)];
    let (mut walk, mut door) = (Walk::new(legs, ANYTIME), Door::open());
    door.tripped = vec![1];
    ask(&mut walk, 0, &mut door);
    assert_eq!(ask(&mut walk, 10, &mut door), "until 50");
    assert_eq!((door.hedges, walk.hedges_refused()), (99, 0));
    walk.failed(0, OUTAGE);
    assert_eq!(ask(&mut walk, 11, &mut door), "Retry 1", "as a last resort it is still there");
}

#[test]
fn a_hedge_that_fails_is_replaced_and_after_both_failed_one_is_tried_at_a_time() {
    let legs = vec![slow_after(0, 10), leg(0), leg(0), leg(0), leg(0)];
    let (mut walk, mut door) = (Walk::new(legs, ANYTIME), Door::open());
    ask(&mut walk, 0, &mut door);
    assert_eq!(ask(&mut walk, 10, &mut door), "Hedge 1");
    walk.failed(1, OUTAGE);
    assert_eq!(ask(&mut walk, 11, &mut door), "Hedge 2");
    walk.failed(0, OUTAGE);
    walk.failed(2, OUTAGE);
    assert_eq!(ask(&mut walk, 12, &mut door), "Retry 3");
    assert_eq!(ask(&mut walk, 12, &mut door), "wait");
}

#[test]
fn a_failure_that_ends_the_walk_waits_for_what_is_under_way() {
    let legs = vec![slow_after(0, 10), leg(0), leg(0)];
    let (mut walk, mut door) = (Walk::new(legs, ANYTIME), Door::open());
    ask(&mut walk, 0, &mut door);
    ask(&mut walk, 10, &mut door);
    walk.failed(1, Failure { ends: true, ..Failure::default() });
    assert_eq!(ask(&mut walk, 11, &mut door), "wait");
    walk.failed(0, OUTAGE);
    assert_eq!(ask(&mut walk, 12, &mut door), "Ended");
}

#[test]
fn nothing_is_started_after_the_deadline_or_without_a_budget() {
    let bounds = Bounds { deadline: ms(10), ..ANYTIME };
    let (mut walk, mut door) = (Walk::new(vec![leg(0), leg(0)], bounds), Door::open());
    ask(&mut walk, 0, &mut door);
    walk.failed(0, OUTAGE);
    assert_eq!(ask(&mut walk, 10, &mut door), "OutOfTime");
    let (mut walk, mut door) = (Walk::new(vec![leg(0), leg(0)], ANYTIME), Door::default());
    ask(&mut walk, 0, &mut door);
    walk.failed(0, OUTAGE);
    assert_eq!(ask(&mut walk, 0, &mut door), "OutOfBudget");
}

#[test]
fn an_attempt_is_late_once_and_a_probe_sooner() {
    let legs = vec![slow_after(0, 100), leg(0)];
    for (probed, late_at) in [(vec![], 100), (vec![0], 75)] {
        let (mut walk, mut door) = (Walk::new(legs.clone(), ANYTIME), Door::open());
        door.probed = probed;
        ask(&mut walk, 0, &mut door);
        let is_late = |walk: &mut Walk, door: &mut Door, now| {
            matches!(walk.next(ms(now), door), Move::Late { attempt: 0 })
        };
        assert!(!is_late(&mut walk, &mut door, late_at - 1));
        assert!(is_late(&mut walk, &mut door, late_at));
        assert_eq!(ask(&mut walk, late_at, &mut door), "Hedge 1");
        assert_eq!(ask(&mut walk, 500, &mut door), "wait");
    }
}

#[test]
fn whoever_waits_alone_at_an_endpoint_that_trips_goes_on_as_if_it_had_failed() {
    let legs = vec![slow_after(0, 1000), leg(0), leg(0)];
    // Before it is late, and after it was late in vain.
    for hedges in [99, 0] {
        let (mut walk, mut door) = (Walk::new(legs.clone(), ANYTIME), Door::open());
        door.hedges = hedges;
        ask(&mut walk, 0, &mut door);
        let now = if hedges == 0 { 1000 } else { 0 };
        assert_eq!(ask(&mut walk, now, &mut door), format!("until {}", now + 250));
        door.tripped = vec![0];
        assert_eq!(ask(&mut walk, now + 250, &mut door), "Hedge 1");
        assert_eq!((door.hedges, door.retries), (hedges, 98), "it pays as a retry");
        assert_eq!(ask(&mut walk, now + 500, &mut door), "wait");
        assert_eq!(walk.answered(1), [0]);
    }
}

#[test]
fn whoever_cannot_flee_at_a_retrys_cost_does_at_a_hedges_or_later() {
    let legs = vec![slow_after(0, 1000), leg(0)];
    for (hedges, first) in [(1, "Hedge 1"), (0, "until 500")] {
        let (mut walk, mut door) = (Walk::new(legs.clone(), ANYTIME), Door::open());
        (door.retries, door.hedges) = (0, hedges);
        ask(&mut walk, 0, &mut door);
        door.tripped = vec![0];
        assert_eq!(ask(&mut walk, 250, &mut door), first);
    }
    let (mut walk, mut door) = (Walk::new(legs, ANYTIME), Door::open());
    (door.retries, door.hedges) = (0, 0);
    ask(&mut walk, 0, &mut door);
    door.tripped = vec![0];
    ask(&mut walk, 250, &mut door);
    door.hedges = 1;
    door.tripped = vec![];
    assert_eq!(ask(&mut walk, 1000, &mut door), "Hedge 1", "its own time comes too");
}

#[test]
fn nobody_flees_whose_plan_does_not_hedge() {
    let (mut walk, mut door) = (Walk::new(vec![leg(0), leg(0)], ANYTIME), Door::open());
    ask(&mut walk, 0, &mut door);
    door.tripped = vec![0];
    assert_eq!(ask(&mut walk, 100_000, &mut door), "wait");
}

/// How the attempts of one random walk ended.
#[derive(Default)]
struct Ledger {
    /// Of each attempt: its step, and how often it was told to have ended.
    attempts: Vec<(usize, u32)>,
    under_way: Vec<usize>,
    answered: bool,
    hedges: usize,
    retries: usize,
    /// How often each step may be tried.
    allowed: Vec<usize>,
}

impl Ledger {
    fn begin(&mut self, step: usize, kind: Kind, attempt: usize) {
        assert!(!self.answered, "started after an answer");
        assert_eq!(attempt, self.attempts.len());
        match kind {
            Kind::First => assert!(self.attempts.is_empty()),
            Kind::Retry => {
                assert!(self.under_way.is_empty() && !self.attempts.is_empty());
                self.retries += 1;
            }
            Kind::Hedge => {
                assert!(!self.under_way.is_empty());
                self.hedges += 1;
            }
        }
        self.allowed[step] = self.allowed[step].checked_sub(1).expect("tried once too often");
        self.attempts.push((step, 0));
        self.under_way.push(attempt);
    }

    fn end(&mut self, attempt: usize) {
        self.attempts[attempt].1 += 1;
        self.under_way.retain(|it| *it != attempt);
    }
}

/// A random plan, random gates, and random ends at random times: whatever comes, nothing
/// is lost and nothing counted twice.
#[test]
fn whatever_comes_each_attempt_ends_once_and_no_bound_is_broken() {
    let mut answered = 0;
    for seed in 0..20_000 {
        let mut random = StdRng::seed_from_u64(seed);
        let count = random.random_range(1..7);
        let legs: Vec<Leg> = (0..count)
            .map(|_| Leg {
                model: random.random_range(0..3),
                hedge_after: random.random_bool(0.6).then(|| ms(random.random_range(0..50))),
            })
            .collect();
        let bounds = Bounds {
            max_attempts: random.random_range(1..6),
            deadline: ms(random.random_range(1..400)),
        };
        let pick = |random: &mut StdRng| (0..count).filter(|_| random.random_bool(0.2)).collect();
        let (hedges, retries) = (random.random_range(0..4), random.random_range(0..4));
        let (tripped, cooling) = (pick(&mut random), pick(&mut random));
        let mut door = Door { tripped, cooling, probed: pick(&mut random), retries, hedges };
        let mut walk = Walk::new(legs.clone(), bounds);
        let mut ledger = Ledger { allowed: vec![1; count], ..Ledger::default() };
        answered += usize::from(play(&mut walk, &mut door, &mut ledger, &mut random, bounds));
        assert!(ledger.attempts.len() <= bounds.max_attempts, "seed {seed}");
        assert!(ledger.attempts.iter().all(|(_, ends)| *ends == 1), "seed {seed}");
        // Whoever flees pays as for a retry.
        let (paid, fled) = (hedges - door.hedges, retries - door.retries);
        assert!(paid <= ledger.hedges && ledger.hedges <= paid + fled, "seed {seed}");
        assert!(ledger.retries + ledger.hedges >= paid + fled, "seed {seed}");
    }
    assert!(answered > 1000, "{answered}");
}

/// Plays a walk to its end. Whether it was answered.
fn play(
    walk: &mut Walk,
    door: &mut Door,
    ledger: &mut Ledger,
    random: &mut StdRng,
    bounds: Bounds,
) -> bool {
    let mut now = Duration::ZERO;
    for _ in 0..1000 {
        match walk.next(now, door) {
            Move::Start { attempt, step, kind, .. } => {
                assert!(now < bounds.deadline, "started too late");
                assert!(!door.cooling.contains(&step), "started where it may not");
                ledger.begin(step, kind, attempt);
                continue;
            }
            Move::Late { attempt } => {
                assert!(ledger.under_way.contains(&attempt));
                continue;
            }
            Move::WaitUntil(at) => {
                assert!(at > now && !ledger.under_way.is_empty());
                if random.random_bool(0.5) {
                    now = at;
                    continue;
                }
            }
            Move::Wait => assert!(!ledger.under_way.is_empty(), "waits for nothing"),
            Move::Over(over) => {
                assert!(ledger.under_way.is_empty(), "left attempts behind");
                assert_eq!(over == Over::Answered, ledger.answered);
                return ledger.answered;
            }
        }
        now += ms(random.random_range(0..30));
        let attempt = ledger.under_way[random.random_range(0..ledger.under_way.len())];
        ledger.end(attempt);
        if random.random_bool(0.2) {
            ledger.answered = true;
            for loser in walk.answered(attempt) {
                ledger.end(loser);
            }
            assert!(ledger.under_way.is_empty(), "not all losers were named");
            continue;
        }
        let failure = Failure {
            everywhere: random.random_bool(0.2),
            weighs: random.random_bool(0.7),
            again: random.random_bool(0.1),
            ends: random.random_bool(0.05),
        };
        if failure.again {
            ledger.allowed[ledger.attempts[attempt].0] += 1;
        }
        walk.failed(attempt, failure);
    }
    panic!("no end");
}
