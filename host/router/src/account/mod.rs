//! Who asks, and what they may: the snapshot of all keys and workspaces that requests look
//! into, kept up with the database, and the way from a request's headers to its key.

pub mod accounts;
pub mod caller;
pub mod rules;

pub use accounts::{Accounts, Key, Snapshot, Workspace};
pub use caller::{Caller, authenticate};
pub(crate) use rules::limited;
