//! The way to the providers: which requests of an adapter may leave, with what
//! credential, and over which connection.

mod auth;
mod body;
mod client;
mod outgoing;
mod relayed;
mod sources;
mod tokens;

pub use auth::{AttachError, CredentialState, Credentials};
pub use body::{OutgoingBody, SplicedBody};
pub use client::{Client, ClientError};
pub(crate) use outgoing::prepare_at;
pub use outgoing::{ContractBreach, Outgoing, check, prepare};
pub use relayed::{Broken, RelayBounds, RelayedBody};
pub(crate) use relayed::{connection_headers, relay};
pub use tokens::TokenEndpoint;
