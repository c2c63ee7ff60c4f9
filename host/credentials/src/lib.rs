//! How providers are told who is calling: secrets that stay in memory, signatures
//! made with them, and access tokens that are obtained with them and kept until they
//! run out. Does no I/O of its own: whoever asks for a token brings the way to the
//! token endpoint, and so decides proxy, trust and deadline.

mod access_key;
mod client;
mod grant;
mod secret;
mod service_account;
mod sigv4;
mod token;

pub use access_key::AccessKey;
pub use client::ClientCredentials;
pub use grant::{Grant, TokenAnswer, TokenRequest, percent_encoded};
pub use secret::Secret;
pub use service_account::{KeyError, ServiceAccount};
pub use sigv4::{SignError, Signable, SigningScope, sign};
pub use token::{TokenError, Tokens};
