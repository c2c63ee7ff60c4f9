//! What `plugway keys` can be asked.

use clap::{Args, Subcommand, ValueEnum};
use plugway_accounts::calendar::{DAY_MS, read_day, read_rfc3339};
use plugway_accounts::money::read_dollars;
use plugway_store::{DEFAULT_WORKSPACE, Interval};
use serde_json::{Map, Value};
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Arguments of `keys`.
#[derive(Args, Debug)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: KeysAction,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysAction {
    /// Make a key. It is printed once, and kept nowhere.
    Create(Box<CreateArgs>),
    /// List the keys, oldest first.
    List(ListArgs),
    /// Show one key, with all that is said of it.
    Show(OneArgs),
    /// Revoke a key for good. What it spent stays in the books.
    Revoke(OneArgs),
}

/// Arguments of `keys create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// Configuration file [default: plugway.toml, if there is one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What people call it.
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// The workspace that it belongs to, by id or slug.
    #[arg(long, value_name = "WORKSPACE", default_value = DEFAULT_WORKSPACE)]
    pub workspace: String,
    /// US dollars that it may spend [default: no limit of its own].
    #[arg(long, value_name = "DOLLARS", value_parser = dollars, allow_negative_numbers = true)]
    pub limit: Option<u128>,
    /// When its spending is counted anew, at midnight UTC [default: never].
    #[arg(long, value_name = "INTERVAL", requires = "limit")]
    pub reset: Option<ResetArg>,
    /// When it ends: the beginning of a UTC day such as 2027-12-31, on which it is refused
    /// already, or a moment such as 2027-12-31T23:59:59Z [default: never].
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub expires: Option<u64>,
    /// A key for the administration, which cannot be used for inference.
    #[arg(long)]
    pub management: bool,
    /// A word for your own books; as often as you like.
    #[arg(long = "tag", value_name = "WORD")]
    pub tags: Vec<String>,
    /// Requests in a minute.
    #[arg(long, value_name = "NUMBER")]
    pub rpm: Option<NonZeroU32>,
    /// Tokens in a minute.
    #[arg(long, value_name = "NUMBER")]
    pub tpm: Option<NonZeroU32>,
    /// Requests under way at once.
    #[arg(long, value_name = "NUMBER")]
    pub concurrency: Option<NonZeroU32>,
    /// A model that it may use, `author/slug` or `author/*`; as often as you like
    /// [default: all].
    #[arg(long = "model", value_name = "MODEL")]
    pub models: Vec<String>,
    /// A provider that it may use; as often as you like [default: all].
    #[arg(long = "provider", value_name = "NAME")]
    pub providers: Vec<String>,
    /// The preset of requests that name none.
    #[arg(long, value_name = "SLUG")]
    pub preset: Option<String>,
    /// The strategy of requests that name none.
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// The strategy's options of requests that give none, as a JSON object.
    #[arg(long, value_name = "JSON", value_parser = options)]
    pub options: Option<Map<String, Value>>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `keys list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Configuration file [default: plugway.toml, if there is one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Of this workspace only, by id or slug.
    #[arg(long, value_name = "WORKSPACE")]
    pub workspace: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `keys show` and `keys revoke`.
#[derive(Args, Debug)]
pub struct OneArgs {
    /// Its hash, the beginning of its hash, or its name.
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Configuration file [default: plugway.toml, if there is one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// When spending is counted anew.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ResetArg {
    /// At midnight.
    Daily,
    /// On Mondays.
    Weekly,
    /// On the first of the month.
    Monthly,
}

fn dollars(text: &str) -> Result<u128, String> {
    read_dollars(text).map_err(|error| format!("`{text}` {error}"))
}

fn options(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("a JSON object is needed: {error}"))
}

/// A moment, or the beginning of a day.
fn moment(text: &str) -> Result<u64, String> {
    if let Ok(day) = read_day(text) {
        let day = u64::try_from(day).map_err(|_| "that is before 1970".to_owned())?;
        return Ok(day.saturating_mul(DAY_MS));
    }
    read_rfc3339(text).map_err(|error| format!("`{text}` {error}"))
}

impl From<ResetArg> for Interval {
    fn from(reset: ResetArg) -> Self {
        match reset {
            ResetArg::Daily => Self::Daily,
            ResetArg::Weekly => Self::Weekly,
            ResetArg::Monthly => Self::Monthly,
        }
    }
}
