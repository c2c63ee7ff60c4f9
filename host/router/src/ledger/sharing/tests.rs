//! What others spend counts once, whenever it is found.

use super::*;
use crate::account::Accounts;
use crate::account::issue::NewKey;
use plugway_routing::Clock;
use plugway_store::ledger::{Entry, State as RowState};
use plugway_store::{Change, DEFAULT_WORKSPACE, KeyRow};

const TODAY: Day = 20_000;

/// A router on a store that others write to as well.
struct Shared {
    store: Store,
    accounts: Accounts,
    sharing: Sharing,
}

impl Shared {
    /// It begins to serve.
    async fn begin(store: &Store) -> Self {
        let accounts = Accounts::new(store.clone(), Clock::machine());
        let (snapshot, spent) = accounts.start().await.unwrap();
        let sharing = Sharing::default();
        sharing.begin(TODAY, &snapshot, &spent);
        Self { store: store.clone(), accounts, sharing }
    }

    async fn look(&self) {
        self.sharing.look(&self.store, TODAY, || self.accounts.now()).await.unwrap();
    }

    /// What it knows of a key and of the default workspace: billed, and paid by owners of keys.
    fn books(&self, key: &str) -> [(u128, u128); 2] {
        let accounts = self.accounts.now();
        let of = |books: &Account| {
            let usage = books.usage(TODAY);
            (usage.spent.lifetime, usage.byok.lifetime)
        };
        [of(&accounts.key(key).unwrap().budget), of(&accounts.default_workspace.budget)]
    }

    /// It settles a row of its own.
    async fn settles(&self, row: Row) {
        let accounts = self.accounts.now();
        let (cost, byok) = (row.cost.unwrap().into(), row.byok_cost.unwrap_or(0).into());
        for books in [
            &accounts.key(row.key.as_ref().unwrap()).unwrap().budget,
            &accounts.default_workspace.budget,
        ] {
            books.add(row.day(), cost, byok);
        }
        write(&self.store, &row).await;
        self.sharing.wrote(&row);
    }
}

async fn store() -> Store {
    let store = Store::open(&Location::Memory).await.unwrap();
    make_key(&store, 'a').await;
    store
}

fn hash(letter: char) -> String {
    letter.to_string().repeat(64)
}

async fn make_key(store: &Store, letter: char) {
    let new = NewKey { workspace: DEFAULT_WORKSPACE.to_owned(), ..NewKey::default() };
    let (row, _) = new.issue(0).unwrap();
    let row = KeyRow { hash: hash(letter), ..row };
    assert_eq!(store.create_key(&row).await.unwrap(), Change::Done);
}

async fn write(store: &Store, row: &Row) {
    let entry = match row.state {
        RowState::Open => Entry::Open(row.clone()),
        _ => Entry::Settled(row.clone()),
    };
    store.write_ledger(&[entry]).await.unwrap();
}

fn row(id: &str, day: Day, cost: u64) -> Row {
    Row {
        id: id.to_owned(),
        run: 7,
        state: RowState::Settled,
        came_ms: u64::try_from(day).unwrap() * 86_400_000,
        key: Some(hash('a')),
        workspace: DEFAULT_WORKSPACE.to_owned(),
        cost: Some(cost),
        byok_cost: Some(cost / 2),
        ..Row::default()
    }
}

#[tokio::test]
async fn what_others_spend_counts_once_and_ones_own_not_twice() {
    let store = store().await;
    write(&store, &row("before", TODAY, 100)).await;
    let router = Shared::begin(&store).await;
    let key = hash('a');
    router.look().await;
    assert_eq!(router.books(&key), [(100, 50); 2]);
    write(&store, &row("theirs", TODAY, 10)).await;
    router.settles(row("own", TODAY, 6)).await;
    for _ in 0..3 {
        router.look().await;
        assert_eq!(router.books(&key), [(116, 58); 2]);
    }
    // A day or more later, and of a day that was long ago.
    write(&store, &row("tomorrow", TODAY + 1, 20)).await;
    write(&store, &row("late", TODAY - DAYS, 2)).await;
    router.look().await;
    assert_eq!(router.books(&key), [(138, 69); 2]);
}

#[tokio::test]
async fn what_is_interrupted_and_then_settled_after_all_is_put_right() {
    let store = store().await;
    let router = Shared::begin(&store).await;
    let key = hash('a');
    write(&store, &Row { state: RowState::Open, ..row("slow", TODAY - 1, 40) }).await;
    router.look().await;
    assert_eq!(router.books(&key), [(0, 0); 2]);
    store.interrupt_orphans(1, 1, Duration::ZERO).await.unwrap();
    router.look().await;
    assert_eq!(router.books(&key), [(40, 20); 2]);
    write(&store, &row("slow", TODAY - 1, 30)).await;
    router.look().await;
    assert_eq!(router.books(&key), [(30, 15); 2]);
}

#[tokio::test]
async fn what_a_key_spent_before_it_is_known_counts_once_it_is() {
    let store = store().await;
    let router = Shared::begin(&store).await;
    make_key(&store, 'b').await;
    write(&store, &Row { key: Some(hash('b')), ..row("first", TODAY, 8) }).await;
    router.look().await;
    router.accounts.refresh().await.unwrap();
    router.look().await;
    router.look().await;
    assert_eq!(router.books(&hash('b')), [(8, 4); 2]);
}
