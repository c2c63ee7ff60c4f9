//! What came of an endpoint's attempts, counted over sliding windows.

use crate::Verdict;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The counts of four windows that all end now.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    half_minute: Window<1, 30>,
    five_minutes: Window<10, 30>,
    half_hour: Window<60, 30>,
    day: Window<3600, 24>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// How an attempt ended.
    Ended(Verdict),
    /// An answer called tools, in a way that the client can use or cannot.
    CalledTools { usable: bool },
}

/// Sums over the four windows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sums {
    pub(super) half_minute: Slot,
    pub(super) five_minutes: Slot,
    pub(super) half_hour: Slot,
    pub(super) day: Slot,
}

/// A ring of slots, each `SECONDS` long. The last of them is never full, so that the
/// window is up to a slot shorter than its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<Slot>", into = "Vec<Slot>")]
struct Window<const SECONDS: u64, const SLOTS: usize> {
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slot {
    /// Which stretch of time this slot was last used for.
    number: u64,
    pub(super) good: u32,
    pub(super) bad: u32,
    pub(super) limited: u32,
    pub(super) usable: u32,
    pub(super) unusable: u32,
}

impl Counts {
    pub(super) fn add(&mut self, outcome: Outcome, now: Duration) {
        self.half_minute.add(outcome, now);
        self.five_minutes.add(outcome, now);
        self.half_hour.add(outcome, now);
        self.day.add(outcome, now);
    }

    pub(super) fn sums(&self, now: Duration) -> Sums {
        Sums {
            half_minute: self.half_minute.sum(now),
            five_minutes: self.five_minutes.sum(now),
            half_hour: self.half_hour.sum(now),
            day: self.day.sum(now),
        }
    }
}

impl<const SECONDS: u64, const SLOTS: usize> Window<SECONDS, SLOTS> {
    fn add(&mut self, outcome: Outcome, now: Duration) {
        let number = now.as_secs() / SECONDS;
        let slot = &mut self.slots[Self::index(number)];
        if slot.number != number {
            *slot = Slot { number, ..Slot::default() };
        }
        let count = match outcome {
            Outcome::Ended(Verdict::Good) => &mut slot.good,
            Outcome::Ended(Verdict::Bad) => &mut slot.bad,
            Outcome::Ended(Verdict::Limited) => &mut slot.limited,
            Outcome::Ended(Verdict::Blameless) => return,
            Outcome::CalledTools { usable: true } => &mut slot.usable,
            Outcome::CalledTools { usable: false } => &mut slot.unusable,
        };
        *count = count.saturating_add(1);
    }

    fn sum(&self, now: Duration) -> Slot {
        let number = now.as_secs() / SECONDS;
        let is_recent = |slot: &&Slot| slot.number <= number && slot.number + SLOTS as u64 > number;
        self.slots.iter().filter(is_recent).fold(Slot::default(), |sum, slot| Slot {
            number,
            good: sum.good.saturating_add(slot.good),
            bad: sum.bad.saturating_add(slot.bad),
            limited: sum.limited.saturating_add(slot.limited),
            usable: sum.usable.saturating_add(slot.usable),
            unusable: sum.unusable.saturating_add(slot.unusable),
        })
    }

    fn index(number: u64) -> usize {
        usize::try_from(number % SLOTS as u64).unwrap_or(0)
    }
}

impl Slot {
    /// Nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        Self { number: 0, ..*self } == Self::default()
    }
}

impl<const SECONDS: u64, const SLOTS: usize> Default for Window<SECONDS, SLOTS> {
    fn default() -> Self {
        Self { slots: [Slot::default(); SLOTS] }
    }
}

/// Kept without the slots that hold nothing.
impl<const SECONDS: u64, const SLOTS: usize> From<Window<SECONDS, SLOTS>> for Vec<Slot> {
    fn from(window: Window<SECONDS, SLOTS>) -> Self {
        window.slots.into_iter().filter(|slot| !slot.is_empty()).collect()
    }
}

impl<const SECONDS: u64, const SLOTS: usize> From<Vec<Slot>> for Window<SECONDS, SLOTS> {
    fn from(slots: Vec<Slot>) -> Self {
        let mut window = Self::default();
        for slot in slots {
            let place = &mut window.slots[Self::index(slot.number)];
            if place.number <= slot.number {
                *place = slot;
            }
        }
        window
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Bad, Blameless, Good, Limited};

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// Good and bad ends in each window as of second `now`.
    fn check(attempts: &[(u64, Verdict)], now: u64, expected: [(u32, u32); 4]) {
        let mut counts = Counts::default();
        for (at, verdict) in attempts {
            counts.add(Outcome::Ended(*verdict), seconds(*at));
        }
        let sums = counts.sums(seconds(now));
        let sums = [sums.half_minute, sums.five_minutes, sums.half_hour, sums.day];
        assert_eq!(sums.map(|sum| (sum.good, sum.bad)), expected, "at {now}");
    }

    #[test]
    fn what_is_counted_leaves_each_window_at_its_end() {
        let attempts = [(10_000, Good), (10_001, Bad), (10_002, Good)];
        check(&attempts, 10_002, [(2, 1); 4]);
        check(&attempts, 10_031, [(1, 0), (2, 1), (2, 1), (2, 1)]);
        check(&attempts, 10_299, [(0, 0), (2, 1), (2, 1), (2, 1)]);
        check(&attempts, 10_300, [(0, 0), (0, 0), (2, 1), (2, 1)]);
        check(&attempts, 11_800, [(0, 0), (0, 0), (0, 0), (2, 1)]);
        check(&attempts, 10_000 + 24 * 3600, [(0, 0); 4]);
    }

    #[test]
    fn limits_are_counted_apart_and_the_blameless_not_at_all() {
        let mut counts = Counts::default();
        for verdict in [Limited, Limited, Blameless] {
            counts.add(Outcome::Ended(verdict), seconds(5));
        }
        let expected = Slot { number: 5, limited: 2, ..Slot::default() };
        assert_eq!(counts.sums(seconds(5)).half_minute, expected);
    }

    #[test]
    fn a_sum_is_what_a_list_of_all_attempts_gives() {
        use rand::rngs::StdRng;
        use rand::{RngExt, SeedableRng};
        for seed in 0..50 {
            let mut random = StdRng::seed_from_u64(seed);
            let (mut counts, mut all) = (Counts::default(), Vec::new());
            let mut now = 1_000_000;
            for _ in 0..500 {
                now += random.random_range(0..20);
                let verdict = if random.random_bool(0.3) { Bad } else { Good };
                counts.add(Outcome::Ended(verdict), seconds(now));
                all.push((now, verdict));
                let sums = counts.sums(seconds(now));
                for (sum, width, slots) in [
                    (sums.half_minute, 1, 30),
                    (sums.five_minutes, 10, 30),
                    (sums.half_hour, 60, 30),
                    (sums.day, 3600, 24),
                ] {
                    let held = |at: u64| at / width + slots > now / width;
                    let count = |wanted| {
                        let is_held =
                            |(at, verdict): &&(u64, Verdict)| held(*at) && *verdict == wanted;
                        all.iter().filter(is_held).count()
                    };
                    let sum = (sum.good as usize, sum.bad as usize);
                    assert_eq!(sum, (count(Good), count(Bad)), "seed {seed}, at {now}, {width}");
                }
            }
        }
    }
}
