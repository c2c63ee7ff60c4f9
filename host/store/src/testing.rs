//! What tests of behaviour run on: every kind of database that there is. It is compiled for
//! tests alone, and panics as they do.

use crate::{Location, Options, Store};
use std::ops::Deref;
use std::time::Duration;
use tempfile::TempDir;

#[path = "../tests/postgres/mod.rs"]
#[allow(unreachable_pub, dead_code, reason = "other crates' tests take it up too")]
pub(crate) mod postgres;

use postgres::Schema;

/// A new database, which goes with this.
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) location: Location,
    pub(crate) schema: Option<Schema>,
    _home: Option<TempDir>,
}

impl Place {
    /// Opens the same database once more, as another process would.
    pub(crate) async fn again(&self) -> Store {
        Store::open_with(&self.location, &OPTIONS).await.unwrap()
    }
}

impl Deref for Place {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// Tests run side by side, and a server has few connections.
const OPTIONS: Options = Options {
    tables: crate::Tables::UpToDate,
    durability: crate::Durability::Normal,
    server_connections: 3,
    server_timeout: Duration::from_secs(15),
};

/// One of each kind: in memory, in a file, on a server.
pub(crate) async fn stores() -> Vec<Place> {
    let mut stores = vec![place(Location::Memory, None, None).await];
    stores.extend(shared().await);
    stores
}

/// One of each kind that may be opened more than once.
pub(crate) async fn shared() -> Vec<Place> {
    let home = tempfile::tempdir().unwrap();
    let file = Location::File(home.path().join("state.db"));
    let mut stores = vec![place(file, Some(home), None).await];
    if let Some(schema) = Schema::new().await {
        let location = Location::Postgres(schema.url.clone());
        stores.push(place(location, None, Some(schema)).await);
    }
    stores
}

async fn place(location: Location, home: Option<TempDir>, schema: Option<Schema>) -> Place {
    let store = Store::open_with(&location, &OPTIONS).await.unwrap();
    Place { store, location, schema, _home: home }
}
