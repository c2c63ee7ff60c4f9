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

const NO_KEY_BEFORE: &str = "no master key of before is named: --from-env and --from-file say \
     where it is, or `previous_master_key_env`, `_file` or `_command` in [secrets]";

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
    /// opened them with the one before. Routers are to know both of them meanwhile.
    Rotate(RotateArgs),
}

/// Arguments of `byok rotate`.
#[derive(Args, Debug)]
pub struct RotateArgs {
    /// Configuration file [default: plugway.toml, if there is one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Variable that holds the master key of before [default: the one before that the
    /// configuration names].
    #[arg(long, value_name = "VARIABLE", conflicts_with = "from_file")]
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
    let config = config::load_for_state(args.config.as_deref(), env)?;
    let before = match args {
        RotateArgs { from_env: None, from_file: None, .. } => {
            config.secrets.previous().ok_or_else(|| CommandError::refused(NO_KEY_BEFORE))?
        }
        RotateArgs { from_env, from_file, .. } => SecretsConfig {
            master_key_env: from_env,
            master_key_file: from_file,
            ..SecretsConfig::default()
        },
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
