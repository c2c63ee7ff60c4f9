//! Where what proves to a provider who is calling is kept. Never the secret itself.

use std::path::PathBuf;

/// Where a provider's secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// The provider wants none.
    None,
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
