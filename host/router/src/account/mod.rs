//! Who asks, and what they may: the snapshot of all keys and workspaces that requests look
//! into, kept up with the database, and the way from a request's headers to its key.

mod accounts;
pub mod byok;
pub(crate) mod caller;
mod door;
pub mod issue;
mod rules;
pub mod master;
mod snapshot;
mod spending;
pub(crate) mod workspace;

pub use accounts::Accounts;
pub use caller::{Caller, authenticate};
pub use door::{Door, OpenToAll};
pub(crate) use rules::limited;
pub use snapshot::{Key, Snapshot, Workspace};
pub use workspace::WorkspaceSettings;
