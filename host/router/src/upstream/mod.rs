//! The way to the providers: which requests of an adapter may leave, with what
//! credential, and over which connection.

mod auth;
mod body;
mod client;
mod outgoing;
mod secret;

pub use auth::{CredentialState, Credentials};
pub use body::SplicedBody;
pub use client::{Client, ClientError};
pub use outgoing::{ContractBreach, Outgoing, check, prepare};
pub use secret::Secret;
