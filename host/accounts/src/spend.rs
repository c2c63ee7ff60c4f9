//! What was spent, by day: a period's spending is the sum of its days, so that no step of
//! the clock loses or doubles anything, and nothing has to happen at midnight.

use crate::calendar::{Day, Interval};
use std::collections::VecDeque;

/// Days that are kept: two months, the longer ones. What is older counts towards the
/// lifetime alone.
pub const DAYS: usize = 62;

/// What was spent, in picodollars.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spend {
    lifetime: u128,
    /// In the order in which they were first seen, which is not the calendar's where the
    /// clock stepped: a clock that once said 1970 or 2100 makes none of today's days
    /// give way.
    days: VecDeque<(Day, u128)>,
}

impl Spend {
    /// What was spent before any day that is told, and on each of the days, which are
    /// kept in the order given.
    #[must_use]
    pub fn of(older: u128, days: impl IntoIterator<Item = (Day, u128)>) -> Self {
        let mut spend = Self { lifetime: older, days: VecDeque::new() };
        for (day, amount) in days {
            spend.add(day, amount);
        }
        spend
    }

    /// So much more was spent on a day.
    pub fn add(&mut self, day: Day, amount: u128) {
        if amount == 0 {
            return;
        }
        self.lifetime = self.lifetime.saturating_add(amount);
        if let Some((_, sum)) = self.days.iter_mut().find(|(known, _)| *known == day) {
            *sum = sum.saturating_add(amount);
            return;
        }
        if self.days.len() == DAYS {
            self.days.pop_front();
        }
        self.days.push_back((day, amount));
    }

    /// So much less was spent on a day than was thought.
    pub fn take_back(&mut self, day: Day, amount: u128) {
        self.lifetime = self.lifetime.saturating_sub(amount);
        if let Some((_, sum)) = self.days.iter_mut().find(|(known, _)| *known == day) {
            *sum = sum.saturating_sub(amount);
        }
    }

    /// What was spent over the interval in which `day` lies.
    #[must_use]
    pub fn over(&self, interval: Interval, day: Day) -> u128 {
        if interval == Interval::Lifetime {
            return self.lifetime;
        }
        let days = interval.days(day);
        let within = self.days.iter().filter(|(day, _)| days.contains(day));
        within.fold(0, |sum: u128, (_, amount)| sum.saturating_add(*amount))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::read_day;
    use crate::money::PER_DOLLAR;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use std::collections::BTreeMap;

    fn over(spend: &Spend, day: Day) -> [u128; 4] {
        Interval::ALL.map(|interval| spend.over(interval, day))
    }

    #[test]
    fn a_period_is_the_sum_of_its_days() {
        let day = |text: &str| read_day(text).unwrap();
        let mut spend = Spend::default();
        for (on, amount) in [
            ("2026-10-31", 1),
            ("2026-11-01", 10),
            ("2026-11-29", 100),
            ("2026-11-30", 1_000),
            ("2026-12-01", 10_000),
        ] {
            spend.add(day(on), amount);
        }
        let lifetime = 11_111;
        assert_eq!(over(&spend, day("2026-11-29")), [100, 100, 1_110, lifetime]);
        assert_eq!(over(&spend, day("2026-11-30")), [1_000, 11_000, 1_110, lifetime]);
        assert_eq!(over(&spend, day("2026-12-01")), [10_000, 11_000, 10_000, lifetime]);
        assert_eq!(over(&spend, day("2027-01-01")), [0, 0, 0, lifetime]);
        spend.take_back(day("2026-12-01"), 4_000);
        assert_eq!(over(&spend, day("2026-12-01")), [6_000, 7_000, 6_000, 7_111]);
    }

    #[test]
    fn clock_steps_lose_and_double_nothing() {
        let mut random = StdRng::seed_from_u64(3);
        for _ in 0..200 {
            let mut spend = Spend::default();
            let mut exact: BTreeMap<Day, u128> = BTreeMap::new();
            let mut today = 20_785;
            for _ in 0..300 {
                today = match random.random_range(0..20) {
                    // Days on which it strays far are few, or none would be remembered.
                    0 => *[0, 47_482, today].get(random.random_range(0..3_usize)).unwrap(),
                    1..4 => 20_785 + random.random_range(-20..20),
                    _ => today,
                };
                let amount = random.random_range(0..u128::from(u64::MAX));
                spend.add(today, amount);
                *exact.entry(today).or_default() += amount;
                for interval in Interval::ALL {
                    let days = interval.days(today);
                    let expected: u128 = exact.range(days).map(|(_, amount)| amount).sum();
                    assert_eq!(spend.over(interval, today), expected, "{interval} {today}");
                }
            }
        }
    }

    #[test]
    fn only_so_many_days_are_kept_and_the_rest_counts_for_the_lifetime() {
        let mut spend = Spend::of(5, (0..100).map(|day| (day, 1)));
        assert_eq!(spend.days.len(), DAYS);
        assert_eq!(spend.over(Interval::Lifetime, 99), 105);
        assert_eq!(spend.over(Interval::Daily, 99), 1);
        assert_eq!(spend.over(Interval::Daily, 37), 0);
        spend.add(0, 7);
        assert_eq!(spend.over(Interval::Daily, 0), 7);
    }

    #[test]
    fn sums_are_exact_beyond_64_bits() {
        let mut spend = Spend::default();
        for _ in 0..10_000 {
            spend.add(1, 5_000 * PER_DOLLAR + 1);
        }
        assert_eq!(spend.over(Interval::Monthly, 1), 50_000_000 * PER_DOLLAR + 10_000);
        spend.add(1, u128::MAX);
        assert_eq!(spend.over(Interval::Daily, 1), u128::MAX);
    }
}
