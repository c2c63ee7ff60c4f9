//! `plugway byok rotate`: another master key for clients' own provider keys. All of them
//! are sealed anew in one transaction, or none is.

use super::{CommandError, state_of};
use crate::account::master;
use crate::config::{self, Environment, SecretsConfig};
use clap::{Args, Subcommand};
use plugway_accounts::Keyring;
use plugway_routing::Clock;
use plugway_store::{ByokRow, Sealed};
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `byok`.
#[derive(Args, Debug)]
pub struct ByokArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: ByokAction,
}

/// What to do with clients' own provider keys.
#[derive(Debug, Subcommand)]
pub enum ByokAction {
    /// Encrypt all of them with the master key that the configuration names now, having
    /// opened them with the one before. Restart routers before and after: those that still
    /// have the old key cannot open what was encrypted with the new one.
    Rotate(RotateArgs),
}

/// Arguments of `byok rotate`.
#[derive(Args, Debug)]
pub struct RotateArgs {
    /// Configuration file [default: plugway.toml, if there is one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Variable that holds the master key of before.
    #[arg(
        long,
        value_name = "VARIABLE",
        required_unless_present = "from_file",
        conflicts_with = "from_file"
    )]
    pub from_env: Option<String>,
    /// File that holds the master key of before.
    #[arg(long, value_name = "FILE")]
    pub from_file: Option<PathBuf>,
}

/// Does it.
///
/// # Errors
/// When the state or one of the two keys cannot be used, or one of the provider keys
/// opens with neither.
pub async fn byok(
    args: ByokArgs,
    env: Environment<'_>,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let ByokAction::Rotate(args) = args.action;
    let config = config::load(args.config.as_deref(), env)?;
    let before = SecretsConfig {
        master_key_env: args.from_env,
        master_key_file: args.from_file,
        master_key_command: Vec::new(),
    };
    let find = |secrets: &SecretsConfig, of| {
        master::find(secrets, env).map_err(|cause| CommandError::MasterKey { of, cause })
    };
    let (before, now) = (find(&before, "before")?, find(&config.secrets, "now")?);
    if before.key_id() == now.key_id() {
        return Err(CommandError::refused("the two master keys are the same"));
    }
    let ring = Keyring::new(now, vec![before]);
    let store = state_of(&config).await?;
    let reseal = |row: &ByokRow| {
        let sealed = ring.reseal(&row.id, &row.sealed);
        let told = |cause| CommandError::ProviderKey { id: row.id.clone(), cause };
        let sealed = sealed.map_err(told)?;
        Ok::<_, CommandError>(sealed.map(|sealed| Sealed { sealed, key_id: ring.key_id() }))
    };
    let resealed = store.reseal_byok(Clock::machine().unix_ms(), reseal).await??;
    writeln!(
        out,
        "{resealed} provider keys are encrypted with the master key {} now; keep the one of \
         before as long as you keep copies of the state from before.",
        ring.key_id()
    )?;
    Ok(())
}
