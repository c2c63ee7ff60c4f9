//! Several routers on one server: what others spend, and what dead ones had spent, is found
//! in the sums by day, of which this router knows its own share, and is put into the books
//! every few seconds. Between two looks each router knows its own spending alone. Which days
//! are looked at goes by the server's clock.

use crate::Router;
use crate::account::Snapshot;
use plugway_accounts::{Account, Day, day_of};
use plugway_store::ledger::{Row, Spent};
use plugway_store::{Error, Location, Store};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Between two looks at what others spend.
const LOOKS: Duration = Duration::from_secs(2);

/// Days before today that are looked at: whoever settles a row later than this, or finds the
/// rows of a router that died before, adds to the sums and to nobody's running books.
const DAYS: Day = 8;

/// What this router has written, and what it knows of others.
#[derive(Default)]
pub(crate) struct Sharing(Mutex<State>);

#[derive(Default)]
struct State {
    /// The first day that is looked at, of which all is known since the start. None: nobody
    /// shares.
    since: Option<Day>,
    own: Amounts,
    others: Amounts,
}

/// By whom, on which day.
type Amounts = HashMap<(Payer, Day), Amount>;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Payer {
    /// By its hash.
    Key(String),
    /// By its id.
    Workspace(String),
}

/// Picodollars.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Amount {
    billed: u128,
    byok: u128,
}

/// Shares from now on; so much had been spent, by whomever, which is in the books of these.
pub(crate) fn share(router: &Router, accounts: &Snapshot, spent: &[Spent]) {
    if let Location::Postgres(_) = router.settings().config.state.location {
        router.ledger.sharing.begin(today(router), accounts, spent);
    }
}

/// Follows what others spend until it is cancelled; returns where nobody can.
pub(crate) async fn follow_others(router: &Router) {
    let sharing = &router.ledger.sharing;
    if sharing.state().since.is_none() {
        return;
    }
    let mut looks = interval(LOOKS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_failing = false;
    loop {
        looks.tick().await;
        match sharing.look(&router.store, today(router), || router.accounts.now()).await {
            Ok(()) => is_failing = false,
            // Once, not every other second.
            Err(error) if !std::mem::replace(&mut is_failing, true) => {
                tracing::error!(%error, "what other routers spend cannot be read");
            }
            Err(_) => {}
        }
    }
}

fn today(router: &Router) -> Day {
    day_of(router.ledger.now_ms.load(Ordering::Relaxed))
}

impl Sharing {
    fn begin(&self, today: Day, accounts: &Snapshot, spent: &[Spent]) {
        let since = today.saturating_sub(DAYS);
        let mut others = sums(spent, since);
        // What is in no books is still to be put there.
        others.retain(|(payer, _), _| payer.books(accounts).is_some());
        *self.state() = State { since: Some(since), own: Amounts::new(), others };
    }

    /// The database has this row of a request that has ended.
    pub(super) fn wrote(&self, row: &Row) {
        let mut state = self.state();
        if state.since.is_none_or(|since| row.day() < since) {
            return;
        }
        let cost = Amount {
            billed: row.cost.unwrap_or(0).into(),
            byok: row.byok_cost.unwrap_or(0).into(),
        };
        for payer in payers(row.key.as_deref(), &row.workspace) {
            state.own.entry((payer, row.day())).or_default().add(cost);
        }
    }

    async fn look(
        &self,
        store: &Store,
        today: Day,
        accounts: impl FnOnce() -> Arc<Snapshot>,
    ) -> Result<(), Error> {
        let (since, own_before) = {
            let state = self.state();
            let Some(since) = state.since else { return Ok(()) };
            (since, state.own.clone())
        };
        let spent = store.spend_since(since).await?;
        let accounts = accounts();
        let mut state = self.state();
        for (at, all) in sums(&spent, since) {
            // A payer whom this router does not know yet it will know soon.
            let Some(books) = at.0.books(&accounts) else { continue };
            let own = |of: &Amounts| of.get(&at).copied().unwrap_or_default();
            // What this router wrote meanwhile is in the sums, or it is not.
            let (most, least) = (all.without(own(&own_before)), all.without(own(&state.own)));
            let before = state.others.get(&at).copied().unwrap_or_default();
            let now = before.within(least, most);
            if now != before {
                let (more, less) = (now.without(before), before.without(now));
                books.add(at.1, more.billed, more.byok);
                books.take_back(at.1, less.billed, less.byok);
                state.others.insert(at, now);
            }
        }
        let since = since.max(today.saturating_sub(DAYS));
        state.since = Some(since);
        state.own.retain(|(_, day), _| *day >= since);
        state.others.retain(|(_, day), _| *day >= since);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Payer {
    fn books<'a>(&self, accounts: &'a Snapshot) -> Option<&'a Account> {
        match self {
            Self::Key(hash) => accounts.key(hash).map(|key| &*key.budget),
            Self::Workspace(id) => accounts.workspace(id).map(|workspace| &*workspace.budget),
        }
    }
}

impl Amount {
    fn add(&mut self, more: Self) {
        self.billed = self.billed.saturating_add(more.billed);
        self.byok = self.byok.saturating_add(more.byok);
    }

    /// The nearest between these.
    fn within(self, least: Self, most: Self) -> Self {
        let nearest = |it: u128, least: u128, most: u128| it.min(most).max(least);
        Self {
            billed: nearest(self.billed, least.billed, most.billed),
            byok: nearest(self.byok, least.byok, most.byok),
        }
    }

    fn without(self, part: Self) -> Self {
        Self {
            billed: self.billed.saturating_sub(part.billed),
            byok: self.byok.saturating_sub(part.byok),
        }
    }
}

/// What each has spent on each day from `since` on.
fn sums(spent: &[Spent], since: Day) -> Amounts {
    let mut sums = Amounts::new();
    for one in spent.iter().filter(|one| one.day >= since) {
        for payer in payers(one.key.as_deref(), &one.workspace) {
            let cost = Amount { billed: one.cost, byok: one.byok_cost };
            sums.entry((payer, one.day)).or_default().add(cost);
        }
    }
    sums
}

fn payers(key: Option<&str>, workspace: &str) -> impl Iterator<Item = Payer> {
    let key = key.map(|hash| Payer::Key(hash.to_owned()));
    key.into_iter().chain([Payer::Workspace(workspace.to_owned())])
}

#[cfg(test)]
mod tests;
