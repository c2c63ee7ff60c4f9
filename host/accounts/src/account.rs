//! What one key or one workspace has spent, has reserved and may spend: the books that
//! [reservations](crate::budget) are made in. They outlive every change of the limits.

use crate::calendar::{Day, Interval, resets_at_ms};
use crate::spend::Spend;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The books of a key or a workspace. Shared by whoever reserves in them; the lock is
/// held for sums over some days, never while anything waits.
#[derive(Debug)]
pub struct Account {
    name: Arc<str>,
    books: Mutex<Books>,
}

/// What an account has spent, and what it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Billed, in picodollars.
    pub spent: Periods,
    /// What providers billed the owners of their own keys.
    pub byok: Periods,
    /// By requests that have not settled.
    pub reserved: u128,
    /// Whether `byok` counts towards the limits.
    pub include_byok: bool,
    /// Each as it stands in its present interval.
    pub limits: Vec<LimitUsage>,
}

/// Sums over the intervals in which a day lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Periods {
    /// Of that day.
    pub daily: u128,
    /// Of its week.
    pub weekly: u128,
    /// Of its month.
    pub monthly: u128,
    /// Ever.
    pub lifetime: u128,
}

/// How a limit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitUsage {
    /// Over which the limit holds.
    pub interval: Interval,
    /// Picodollars.
    pub limit: u128,
    /// What counts towards it.
    pub spent: u128,
    /// By requests that have not settled.
    pub reserved: u128,
    /// When it begins anew; none: never.
    pub resets_at_ms: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Books {
    spend: Spend,
    byok: Spend,
    /// One for each day on which a request came that has not settled: one or two.
    reserved: Vec<Reserved>,
    limits: Vec<(Interval, u128)>,
    include_byok: bool,
}

/// What the requests of one day have reserved.
#[derive(Debug)]
struct Reserved {
    day: Day,
    requests: u64,
    amounts: Amounts,
}

/// Picodollars that are billed, and those that a provider bills the owner of its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) billed: u128,
    pub(crate) byok: u128,
}

impl Account {
    /// An account without limits that has spent nothing. Refusals name it.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), books: Mutex::default() }
    }

    /// What refusals call it.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What it may spend from now on; nothing that is spent or reserved is forgotten.
    /// With `include_byok` what its own provider keys are billed counts too.
    pub fn set_limits(&self, limits: Vec<(Interval, u128)>, include_byok: bool) {
        let mut books = self.books();
        books.limits = limits;
        books.include_byok = include_byok;
    }

    /// Puts what was spent before this process in place of what it knows: for the start.
    pub fn load(&self, spend: Spend, byok: Spend) {
        let mut books = self.books();
        books.spend = spend;
        books.byok = byok;
    }

    /// Adds what was spent without a reservation here, as by a run that was interrupted.
    pub fn add(&self, day: Day, billed: u128, byok: u128) {
        let mut books = self.books();
        books.spend.add(day, billed);
        books.byok.add(day, byok);
    }

    /// Takes back what was presumed to have been spent and was not.
    pub fn take_back(&self, day: Day, billed: u128, byok: u128) {
        let mut books = self.books();
        books.spend.take_back(day, billed);
        books.byok.take_back(day, byok);
    }

    /// How it stands on a day.
    #[must_use]
    pub fn usage(&self, day: Day) -> Usage {
        let books = self.books();
        let limits = books.limits.iter();
        Usage {
            spent: Periods::of(&books.spend, day),
            byok: Periods::of(&books.byok, day),
            reserved: books.reserved_over(Interval::Lifetime, day),
            include_byok: books.include_byok,
            limits: limits.map(|limit| books.limit_usage(*limit, day)).collect(),
        }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        // Nothing is written before all that is written has been computed.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LimitUsage {
    /// What may still be spent before the interval is over, were nothing reserved.
    #[must_use]
    pub fn remaining(&self) -> u128 {
        self.limit.saturating_sub(self.spent)
    }
}

impl Books {
    pub(crate) fn limits(&self, day: Day) -> impl Iterator<Item = LimitUsage> + '_ {
        self.limits.iter().map(move |limit| self.limit_usage(*limit, day))
    }

    pub(crate) const fn includes_byok(&self) -> bool {
        self.include_byok
    }

    /// A request that came on a day reserves so much.
    pub(crate) fn reserve(&mut self, day: Day, amounts: Amounts) {
        if let Some(of_day) = self.reserved.iter_mut().find(|of_day| of_day.day == day) {
            of_day.requests += 1;
            of_day.amounts = of_day.amounts.plus(amounts);
        } else {
            self.reserved.push(Reserved { day, requests: 1, amounts });
        }
    }

    /// Gives back what a request had reserved, and adds what it cost, in one.
    pub(crate) fn settle(&mut self, day: Day, reserved: Amounts, cost: Amounts) {
        if let Some(of_day) = self.reserved.iter_mut().find(|of_day| of_day.day == day) {
            of_day.requests = of_day.requests.saturating_sub(1);
            of_day.amounts = of_day.amounts.minus(reserved);
        }
        self.reserved.retain(|of_day| of_day.requests > 0);
        self.spend.add(day, cost.billed);
        self.byok.add(day, cost.byok);
    }

    fn limit_usage(&self, (interval, limit): (Interval, u128), day: Day) -> LimitUsage {
        let byok = if self.include_byok { self.byok.over(interval, day) } else { 0 };
        LimitUsage {
            interval,
            limit,
            spent: self.spend.over(interval, day).saturating_add(byok),
            reserved: self.reserved_over(interval, day),
            resets_at_ms: resets_at_ms(interval, day),
        }
    }

    /// What is reserved by requests that came in the interval: what came before midnight
    /// is yesterday's.
    fn reserved_over(&self, interval: Interval, day: Day) -> u128 {
        let days = interval.days(day);
        let within =
            |of_day: &&Reserved| interval == Interval::Lifetime || days.contains(&of_day.day);
        self.reserved.iter().filter(within).fold(0, |sum: u128, of_day| {
            let byok = if self.include_byok { of_day.amounts.byok } else { 0 };
            sum.saturating_add(of_day.amounts.billed).saturating_add(byok)
        })
    }
}

impl Periods {
    fn of(spend: &Spend, day: Day) -> Self {
        let [daily, weekly, monthly, lifetime] =
            Interval::ALL.map(|interval| spend.over(interval, day));
        Self { daily, weekly, monthly, lifetime }
    }
}

impl Amounts {
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            billed: self.billed.saturating_add(other.billed),
            byok: self.byok.saturating_add(other.byok),
        }
    }

    const fn minus(self, other: Self) -> Self {
        Self {
            billed: self.billed.saturating_sub(other.billed),
            byok: self.byok.saturating_sub(other.byok),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_tells_of_every_period_and_of_each_limit() {
        let account = Account::new("key a");
        // A Saturday, and the Sunday of the week before.
        let (today, before) = (20_785, 20_779);
        account.load(Spend::of(7, [(before, 20)]), Spend::default());
        account.add(today, 300, 5_000);
        account.set_limits(vec![(Interval::Weekly, 1_000), (Interval::Lifetime, 200)], true);
        let usage = account.usage(today);
        let spent = Periods { daily: 300, weekly: 300, monthly: 320, lifetime: 327 };
        assert_eq!(usage.spent, spent);
        let byok = Periods { daily: 5_000, weekly: 5_000, monthly: 5_000, lifetime: 5_000 };
        assert_eq!(usage.byok, byok);
        let [weekly, lifetime] = usage.limits[..] else { panic!("{usage:?}") };
        assert_eq!((weekly.spent, weekly.remaining()), (5_300, 0));
        assert_eq!((lifetime.spent, lifetime.resets_at_ms), (5_327, None));
        account.set_limits(vec![(Interval::Weekly, 1_000)], false);
        let weekly = account.usage(today).limits[0];
        assert_eq!((weekly.spent, weekly.remaining()), (300, 700));
        assert_eq!(weekly.resets_at_ms, Some(20_787 * 86_400_000));
        account.take_back(today, 100, 5_000);
        assert_eq!(account.usage(today).spent.lifetime, 227);
        assert_eq!(account.usage(today).byok, Periods::default());
    }
}
