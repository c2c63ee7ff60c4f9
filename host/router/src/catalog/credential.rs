//! Where what proves to a provider who is calling is kept. Never the secret itself, but for
//! what clients have brought.

use super::brought::{Brought, LABEL};
use std::path::PathBuf;
use std::sync::Arc;

/// One of the ways in which the router is known to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// For people, logs and metrics; unique within its provider.
    pub name: String,
    /// Where the secret is kept.
    pub source: CredentialSource,
    /// Its share of the attempts among those of equal standing; at least 1.
    pub weight: u32,
    /// Of the team's own account: it comes before shared ones, and what it costs is not
    /// the spend of whoever asks.
    pub own: bool,
}

impl Credential {
    /// What the only credential of a provider is called.
    pub const SOLE: &str = "default";

    /// The only one of a provider.
    #[must_use]
    pub fn sole(source: CredentialSource) -> Self {
        Self { name: Self::SOLE.to_owned(), source, weight: 1, own: false }
    }

    /// A client's own, of the row with this id.
    pub fn brought(id: &str, brought: Brought) -> Self {
        let source = CredentialSource::Brought(Arc::new(brought));
        // No configured one has a colon in its name.
        Self { name: format!("{LABEL}:{id}"), source, weight: 1, own: true }
    }

    /// What a client has brought; none where it is one of the router's.
    pub fn as_brought(&self) -> Option<&Brought> {
        match &self.source {
            CredentialSource::Brought(brought) => Some(brought),
            _ => None,
        }
    }

    /// What one of this name is counted as in metrics: the names of clients' own would be
    /// too many.
    pub(crate) fn label(name: &str) -> &str {
        let brought = name.split_once(':').filter(|(kind, _)| *kind == LABEL);
        brought.map_or(name, |(kind, _)| kind)
    }
}

/// Where a provider's secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// In the environment variable of this name.
    Env(String),
    /// In this file, without surrounding white space; read again when it changes.
    File(PathBuf),
    /// A key that signs requests.
    AccessKey(AccessKeySource),
    /// A service account's key file, which tokens are obtained with.
    ServiceAccount(FileSource),
    /// A client's id and secret, which tokens are obtained with.
    Client(Box<ClientSource>),
    /// Nowhere else: a client has brought it, and this is it, opened.
    Brought(Arc<Brought>),
}

/// Where the key is that signs requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessKeySource {
    /// In variables of these names.
    Env {
        /// Of the key's id.
        id: String,
        /// Of the key.
        secret: String,
        /// Of what says for how long the key was lent; it may be unset.
        session_token: Option<String>,
    },
    /// In this file, as JSON; read again when it changes.
    File(PathBuf),
}

/// Where a file is; it is read again when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileSource {
    /// Here.
    Path(PathBuf),
    /// Where the variable of this name says.
    Env(String),
}

/// Where a client's credentials are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSource {
    /// The variable that holds the id.
    pub id: String,
    /// Where the secret is kept.
    pub secret: SecretSource,
    /// Where tokens are obtained.
    pub token_url: http::Uri,
}

/// Where a secret is kept that is a text of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In the environment variable of this name.
    Env(String),
    /// In this file, without surrounding white space; read again when it changes.
    File(PathBuf),
}
