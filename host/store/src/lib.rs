//! What the router keeps: the ledger, keys, workspaces, presets, decisions, and what it
//! knows of endpoints' health over a restart. One SQLite file, the memory of this process,
//! or a PostgreSQL database: one code path over all of them.

mod accounts;
mod byok;
pub mod decisions;
mod error;
mod file;
mod health;
mod keys;
pub mod ledger;
mod location;
mod lock;
mod migrations;
mod open;
mod presets;
mod sql;
mod store;
mod workspaces;

pub use accounts::{Accounts, Change, Interval, Keys};
pub use byok::{ByokRow, MAX_BYOK, Sealed};
pub use error::Error;
pub use health::HealthRow;
pub use keys::{KeyFilter, KeyRow, MAX_KEYS};
pub use location::Location;
pub use lock::ServingLock;
pub use open::{Durability, Options, Tables};
pub use presets::{MAX_PRESETS, MAX_VERSIONS, PresetVersion, Settings};
pub use store::Store;
pub use workspaces::{DEFAULT_WORKSPACE, MAX_WORKSPACES, WorkspaceRow};

#[cfg(test)]
mod testing;
