//! Budgets that cannot race: what a request may cost is reserved before it is sent, in
//! all accounts that it is charged to or in none, and gives way to what it did cost.

use crate::account::{Account, Amounts, Books};
use crate::calendar::{Day, Interval};
use crate::money::show_dollars;
use std::sync::{Arc, MutexGuard};

/// What a request may cost, as far as it can be told before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Picodollars that would be billed; none: nothing will be, whatever it comes to.
    pub billed: Option<u64>,
    /// What a provider would bill the owner of its key; none: no such key is used.
    pub byok: Option<u64>,
}

/// Reserved money. It belongs to the day on which the request came, however late it
/// settles. Dropped, it goes back.
#[derive(Debug)]
#[must_use = "dropped, the money goes back"]
pub struct Reservation {
    /// In the order in which they are locked.
    accounts: Vec<Arc<Account>>,
    day: Day,
    amounts: Amounts,
}

/// A budget that has too little left. The caller's fault where the request could never
/// fit; where it [only waits](Self::is_passing) for others to settle, it may be sent again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {interval} budget of {account} is {}, of which {} is spent and {} reserved by requests under way: too little for the {} that this request may cost",
    show_dollars(*limit), show_dollars(*spent), show_dollars(*reserved), show_dollars(*asked)
)]
pub struct Exceeded {
    /// Its name.
    pub account: Arc<str>,
    /// Over which the budget holds.
    pub interval: Interval,
    /// Picodollars.
    pub limit: u128,
    /// What counts towards the limit.
    pub spent: u128,
    /// By requests that have not settled.
    pub reserved: u128,
    /// What was to be reserved.
    pub asked: u128,
    /// When the budget begins anew; none: never.
    pub resets_at_ms: Option<u64>,
}

/// Reserves in all of the accounts what a request of that day may cost, or in none. The
/// accounts' order does not matter; one that is named twice is charged once.
///
/// # Errors
/// When an account has too little left: of several reasons the one that holds longest.
pub fn reserve(accounts: &[Arc<Account>], ask: Ask, day: Day) -> Result<Reservation, Exceeded> {
    let mut accounts = accounts.to_vec();
    // Whoever takes several locks takes them in the same order.
    accounts.sort_by_key(|account| Arc::as_ptr(account).addr());
    accounts.dedup_by(|one, other| Arc::ptr_eq(one, other));
    let mut books = lock(&accounts);
    check(&accounts, &books, ask, day)?;
    for books in &mut books {
        books.reserve(day, ask.amounts());
    }
    drop(books);
    Ok(Reservation { accounts, day, amounts: ask.amounts() })
}

impl Ask {
    /// What will be billed, presumably so much; 0 where no price is known.
    #[must_use]
    pub const fn billed(picodollars: u64) -> Self {
        Self { billed: Some(picodollars), byok: None }
    }

    /// What a provider will bill the owner of its key, presumably so much.
    #[must_use]
    pub const fn byok(picodollars: u64) -> Self {
        Self { billed: None, byok: Some(picodollars) }
    }

    /// Nothing, whatever comes of it.
    #[must_use]
    pub const fn free() -> Self {
        Self { billed: None, byok: None }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        Self { billed: sum(self.billed, other.billed), byok: sum(self.byok, other.byok) }
    }

    fn amounts(self) -> Amounts {
        Amounts { billed: self.billed.map_or(0, u128::from), byok: self.byok.map_or(0, u128::from) }
    }

    /// What counts towards the limits; none where nothing does.
    fn counted(self, include_byok: bool) -> Option<u128> {
        let counted = Self { byok: self.byok.filter(|_| include_byok), ..self };
        let amounts = counted.amounts();
        let is_free = counted == Self::free();
        (!is_free).then(|| amounts.billed.saturating_add(amounts.byok))
    }
}

impl Reservation {
    /// What is reserved, in picodollars: billed, and by owners of providers' keys.
    #[must_use]
    pub const fn amounts(&self) -> (u128, u128) {
        (self.amounts.billed, self.amounts.byok)
    }

    /// The day on which it was made, and to which what it costs will belong.
    #[must_use]
    pub const fn day(&self) -> Day {
        self.day
    }

    /// The request cost so much, which may be more than was reserved.
    pub fn settle(mut self, cost: u64, byok_cost: u64) {
        self.end(Amounts { billed: cost.into(), byok: byok_cost.into() });
    }

    fn end(&mut self, cost: Amounts) {
        for account in std::mem::take(&mut self.accounts) {
            account.books().settle(self.day, self.amounts, cost);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.end(Amounts::default());
    }
}

impl Exceeded {
    /// Whether the request would fit if nothing were reserved: it may be sent again when
    /// others have settled.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        least(self.asked) <= self.limit.saturating_sub(self.spent)
    }

    /// What refuses for longer is greater.
    fn duration(&self) -> (bool, u64) {
        (!self.is_passing(), self.resets_at_ms.unwrap_or(u64::MAX))
    }
}

fn lock(accounts: &[Arc<Account>]) -> Vec<MutexGuard<'_, Books>> {
    accounts.iter().map(|account| account.books()).collect()
}

fn check(
    accounts: &[Arc<Account>],
    books: &[MutexGuard<'_, Books>],
    ask: Ask,
    day: Day,
) -> Result<(), Exceeded> {
    let refusals = accounts.iter().zip(books).flat_map(|(account, books)| {
        let asked = ask.counted(books.includes_byok());
        let limits = asked.into_iter().flat_map(|asked| books.limits(day).map(move |l| (asked, l)));
        limits.filter_map(|(asked, usage)| {
            let held = usage.spent.saturating_add(usage.reserved);
            let is_over = least(asked) > usage.limit.saturating_sub(held);
            is_over.then(|| Exceeded {
                account: account.name().clone(),
                interval: usage.interval,
                limit: usage.limit,
                spent: usage.spent,
                reserved: usage.reserved,
                asked,
                resets_at_ms: usage.resets_at_ms,
            })
        })
    });
    refusals.max_by_key(Exceeded::duration).map_or(Ok(()), Err)
}

/// What is not free costs something, even where nobody knows what: a budget that is used
/// up has no room for it.
fn least(asked: u128) -> u128 {
    asked.max(1)
}

#[cfg(test)]
mod tests;
