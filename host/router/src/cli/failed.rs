//! Why a command has done nothing.

use crate::account::master::MasterKeyError;
use crate::config::Diagnostics;
use plugway_accounts::key::NoRandomness;
use plugway_accounts::seal::ResealError;
use plugway_accounts::settings::SettingsError;
use std::io;

/// Why a command has done nothing. Trying again helps where the state says so alone.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] Diagnostics),
    /// The state cannot be used.
    #[error(transparent)]
    State(#[from] plugway_store::Error),
    /// The state would not outlast the command.
    #[error("nothing outlasts this process here: name a file with `state`, or set HOME")]
    Nowhere,
    /// What was asked for is not there, or not possible.
    #[error("{0}")]
    Refused(String),
    /// A key is to be made that cannot be.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The machine cannot make a key.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// A master key cannot be used.
    #[error("the master key of {of}")]
    MasterKey {
        /// Which one.
        of: &'static str,
        /// Why not.
        #[source]
        cause: MasterKeyError,
    },
    /// A provider key cannot be encrypted anew.
    #[error("the provider key {id}")]
    ProviderKey {
        /// Which one.
        id: String,
        /// Why not.
        #[source]
        cause: ResealError,
    },
    /// Nobody can be told.
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
}

impl CommandError {
    /// What was asked for is not there, or not possible: a sentence says why.
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }
}
