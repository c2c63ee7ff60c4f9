//! The router's budget of further attempts: while most requests fail, trying each of
//! them again multiplies the load on what is left; while all are slow, so does asking
//! a second endpoint for each. So both are a share of the requests of the last
//! seconds, plus a small reserve.

use crate::config::RoutingConfig;
use plugway_routing::Clock;
use std::sync::{Mutex, PoisonError};

/// Seconds that requests and further attempts are remembered for.
const WINDOW: usize = 10;

/// The budget. One per router, shared by all requests.
pub struct AttemptBudget {
    clock: Clock,
    window: Mutex<Window>,
}

/// How much of it there is.
#[derive(Clone, Copy, Debug)]
struct Policy {
    /// Further attempts per hundred requests.
    percent: u32,
    /// Further attempts in the window besides.
    reserve: u64,
}

/// What further attempts are made for.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    /// Another one failed.
    Retry,
    /// Another one is slow.
    Hedge,
}

#[derive(Default)]
struct Window {
    slots: [Slot; WINDOW],
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// Which second this slot was last used for.
    second: u64,
    requests: u64,
    retries: u64,
    hedges: u64,
}

impl Slot {
    fn of(&mut self, purpose: Purpose) -> &mut u64 {
        match purpose {
            Purpose::Retry => &mut self.retries,
            Purpose::Hedge => &mut self.hedges,
        }
    }
}

impl AttemptBudget {
    /// A budget that nothing was taken from.
    pub fn new(clock: Clock) -> Self {
        Self { clock, window: Mutex::default() }
    }

    /// Counts a request. Its first attempt costs nothing.
    pub fn deposit(&self) {
        self.with(|window, now| window.deposit(now));
    }

    /// Takes an attempt that is made because another failed, if there is one left.
    pub fn retry(&self, routing: &RoutingConfig) -> bool {
        let reserve = u64::from(routing.retry_reserve) * WINDOW as u64;
        let policy = Policy { percent: routing.retry_percent, reserve };
        self.with(|window, now| window.withdraw(Purpose::Retry, policy, now))
    }

    /// Takes an attempt that is made because another is slow, if there is one left.
    pub fn hedge(&self, routing: &RoutingConfig) -> bool {
        let reserve = u64::from(routing.hedge_reserve) * WINDOW as u64;
        let policy = Policy { percent: routing.hedge_percent, reserve };
        self.with(|window, now| window.withdraw(Purpose::Hedge, policy, now))
    }

    fn with<T>(&self, change: impl FnOnce(&mut Window, u64) -> T) -> T {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut window, self.clock.now().as_secs())
    }
}

impl Window {
    fn deposit(&mut self, now: u64) {
        self.slot(now).requests += 1;
    }

    fn withdraw(&mut self, purpose: Purpose, policy: Policy, now: u64) -> bool {
        let recent = self.slots.iter_mut().filter(|slot| slot.second + WINDOW as u64 > now);
        let (requests, taken) = recent.fold((0, 0), |(requests, taken), slot| {
            (requests + slot.requests, taken + *slot.of(purpose))
        });
        let share = requests * u64::from(policy.percent) / 100;
        if taken >= share + policy.reserve {
            return false;
        }
        *self.slot(now).of(purpose) += 1;
        true
    }

    fn slot(&mut self, now: u64) -> &mut Slot {
        let index = usize::try_from(now % WINDOW as u64).unwrap_or(0);
        let slot = &mut self.slots[index];
        if slot.second != now {
            *slot = Slot { second: now, ..Slot::default() };
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    fn granted(window: &mut Window, policy: Policy, now: u64, wanted: u32) -> u32 {
        (0..wanted).map(|_| u32::from(window.withdraw(Purpose::Retry, policy, now))).sum()
    }

    #[test]
    fn a_quiet_router_has_its_reserve_and_a_busy_one_its_share() {
        let policy = Policy { percent: 20, reserve: 20 };
        let mut window = Window::default();
        assert_eq!(granted(&mut window, policy, 0, 100), 20);
        assert_eq!(granted(&mut window, policy, 9, 100), 0);
        // What was taken ten seconds ago is forgotten.
        assert_eq!(granted(&mut window, policy, 10, 100), 20);
        (0..1000).for_each(|_| window.deposit(15));
        assert_eq!(granted(&mut window, policy, 15, 1000), 200);
    }

    #[test]
    fn what_is_taken_for_slowness_is_counted_apart() {
        let clock = Clock::stopped(std::time::Duration::ZERO);
        let budget = AttemptBudget::new(clock.clone());
        let routing =
            RoutingConfig { hedge_percent: 5, hedge_reserve: 1, ..RoutingConfig::default() };
        let taken = || (0..100).filter(|_| budget.hedge(&routing)).count();
        assert_eq!(taken(), 10, "one a second is always allowed");
        (0..100).for_each(|_| budget.deposit());
        assert_eq!(taken(), 5);
        assert!(budget.retry(&routing));
        clock.advance(std::time::Duration::from_secs(60));
        assert_eq!(taken(), 10);
    }

    /// Against the whole history instead of a ring: whatever comes, of the last ten
    /// seconds' further attempts there are never more than the share and the
    /// reserve, and none is refused while there are fewer.
    #[test]
    fn never_more_than_the_share_and_the_reserve() {
        for seed in 0..200 {
            let mut random = StdRng::seed_from_u64(seed);
            let policy = Policy {
                percent: random.random_range(1..150),
                reserve: random.random_range(10..40),
            };
            let (mut window, mut now) = (Window::default(), 0);
            let (mut requests, mut retries): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
            for _ in 0..2000 {
                match random.random_range(0..10) {
                    0 => now += random.random_range(0..4),
                    1..5 => {
                        window.deposit(now);
                        requests.push(now);
                    }
                    _ => {
                        let lately =
                            |all: &[u64]| all.iter().filter(|at| now - **at < 10).count() as u64;
                        let most =
                            lately(&requests) * u64::from(policy.percent) / 100 + policy.reserve;
                        let fits = lately(&retries) < most;
                        assert_eq!(
                            window.withdraw(Purpose::Retry, policy, now),
                            fits,
                            "seed {seed}, {policy:?}"
                        );
                        if fits {
                            retries.push(now);
                        }
                    }
                }
            }
        }
    }
}
