//! What was spent before this process began, put into the books of keys and workspaces.

use super::snapshot::Snapshot;
use plugway_accounts::{Account, Day, Spend};
use plugway_store::ledger::Spent;
use std::collections::HashMap;

/// What is known of one key or workspace.
#[derive(Default)]
struct Past {
    billed: Sums,
    byok: Sums,
}

/// By day, and before all days that are told.
#[derive(Default)]
struct Sums {
    older: u128,
    days: Vec<(Day, u128)>,
}

/// Puts all of it in place of what the books know. Spending of keys and workspaces that
/// are gone counts for nobody.
pub(super) fn load(accounts: &Snapshot, spent: &[Spent]) {
    let mut keys: HashMap<&str, Past> = HashMap::new();
    let mut workspaces: HashMap<&str, Past> = HashMap::new();
    for one in spent {
        workspaces.entry(&*one.workspace).or_default().add(one);
        if let Some(key) = &one.key {
            keys.entry(key).or_default().add(one);
        }
    }
    for key in &accounts.keys_by_age {
        if let Some(past) = keys.remove(&*key.row.hash) {
            past.load(&key.budget);
        }
    }
    for workspace in &accounts.workspaces {
        if let Some(past) = workspaces.remove(&*workspace.row.id) {
            past.load(&workspace.budget);
        }
    }
}

impl Past {
    fn add(&mut self, spent: &Spent) {
        self.billed.add(spent.day, spent.cost);
        self.byok.add(spent.day, spent.byok_cost);
    }

    fn load(self, books: &Account) {
        books.load(self.billed.into(), self.byok.into());
    }
}

impl Sums {
    fn add(&mut self, day: Day, amount: u128) {
        match day {
            i64::MIN => self.older = self.older.saturating_add(amount),
            day => self.days.push((day, amount)),
        }
    }
}

impl From<Sums> for Spend {
    fn from(mut sums: Sums) -> Self {
        // The latest are kept where there are too many.
        sums.days.sort_unstable();
        Self::of(sums.older, sums.days)
    }
}
