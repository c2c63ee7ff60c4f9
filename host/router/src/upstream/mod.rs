//! The way to the providers: which requests of an adapter may leave, with what
//! credential, and over which connection.

mod address;
mod auth;
mod body;
mod client;
mod connection;
mod fetch;
mod outgoing;
mod refusal;
mod relayed;
mod sources;
mod tokens;
mod unsent;

pub(crate) use auth::Called;
pub use auth::{AttachError, Credentials};
pub use body::{OutgoingBody, SplicedBody};
pub use client::{Client, ClientError};
pub use fetch::FetchError;
pub(crate) use fetch::{Fetched, Fetcher};
pub(crate) use outgoing::prepare_at;
pub use outgoing::{ContractBreach, Outgoing, check, prepare};
pub(crate) use refusal::{is_packed, refusal};
pub use relayed::{Broken, RelayBounds, RelayedBody};
pub(crate) use relayed::{connection_headers, relay};
pub(crate) use sources::Environment;
pub use tokens::TokenEndpoint;
pub(crate) use unsent::unsent;
