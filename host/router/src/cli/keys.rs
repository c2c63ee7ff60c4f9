//! `plugway keys`: who may use the router, made, listed and revoked in the state that the
//! configuration names, whether or not a router runs on it. A router that does sees it
//! within a second.

use super::{state, table};
use crate::account::issue::NewKey;
use crate::account::{Accounts, Key, Snapshot};
use crate::config::Environment;
use anyhow::{Context, anyhow, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use plugway_accounts::KeySettings;
use plugway_accounts::account::{LimitUsage, Usage};
use plugway_accounts::calendar::{DAY_MS, day_of, read_day, read_rfc3339, write_rfc3339};
use plugway_accounts::money::{read_dollars, show_dollars};
use plugway_routing::Clock;
use plugway_store::{Change, DEFAULT_WORKSPACE, Interval, Store};
use serde_json::{Value, json};
use std::io::Write;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

/// Digits of a hash that are shown, and that name a key if no other begins alike.
const SHOWN_DIGITS: usize = 12;

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
    Create(CreateArgs),
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
    /// When it ends: a day, or a moment such as 2027-12-31T23:59:59Z [default: never].
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

/// Does it.
///
/// # Errors
/// When the state cannot be used, or there is no such key.
pub async fn keys(
    args: KeysArgs,
    env: Environment<'_>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match args.action {
        KeysAction::Create(args) => create(args, env, out).await,
        KeysAction::List(args) => list(&args, env, out).await,
        KeysAction::Show(args) => show(&args, env, out).await,
        KeysAction::Revoke(args) => revoke(&args, env, out).await,
    }
}

async fn create(
    args: CreateArgs,
    env: Environment<'_>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let (store, accounts) = open(args.config.as_deref(), env).await?;
    let now_ms = Clock::machine().unix_ms();
    let workspace =
        accounts.workspace(&args.workspace).ok_or_else(|| no_workspace(&args.workspace))?;
    ensure!(!args.name.trim().is_empty(), "--name: say what the key is for");
    ensure!(args.expires.is_none_or(|end| end > now_ms), "--expires: that is in the past");
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let settings = KeySettings {
        tags: args.tags,
        requests_per_minute: args.rpm,
        tokens_per_minute: args.tpm,
        concurrent_requests: args.concurrency,
        allowed_models: some(args.models),
        allowed_providers: some(args.providers),
        preset: args.preset,
        strategy: args.strategy,
        ..KeySettings::default()
    };
    settings.validate()?;
    let wanted = NewKey {
        name: args.name,
        workspace: workspace.row.id.clone(),
        is_management: args.management,
        expires_ms: args.expires,
        limit: args.limit,
        reset: args.reset.map(Interval::from),
        settings,
        ..NewKey::default()
    };
    let (row, secret) = wanted.issue(now_ms)?;
    match store.create_key(&row).await? {
        Change::Done => {}
        Change::Full => bail!("there is no room for more keys; revoke some"),
        _ => bail!("the workspace was deleted meanwhile"),
    }
    if args.json {
        let told = json!({"hash": row.hash, "name": row.name, "key": secret.expose()});
        writeln!(out, "{told:#}")?;
        return Ok(());
    }
    writeln!(out, "{}\n", secret.expose())?;
    writeln!(
        out,
        "This is the key `{}`. Keep it: it is kept nowhere here, and cannot be shown again.\n\
         Its hash begins with {}.",
        row.name,
        short(&row.hash)
    )?;
    Ok(())
}

async fn list(args: &ListArgs, env: Environment<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let (_, accounts) = open(args.config.as_deref(), env).await?;
    let workspace = match &args.workspace {
        Some(name) => Some(accounts.workspace(name).ok_or_else(|| no_workspace(name))?),
        None => None,
    };
    let is_wanted = |key: &&Arc<Key>| workspace.is_none_or(|it| it.row.id == key.row.workspace);
    let keys = accounts.keys_by_age.iter().filter(is_wanted);
    if args.json {
        writeln!(out, "{:#}", keys.map(|key| json_of(key)).collect::<Value>())?;
        return Ok(());
    }
    let rows: Vec<[String; 6]> = keys.map(|key| line(key)).collect();
    if rows.is_empty() {
        writeln!(out, "There are no keys; `plugway keys create` makes one.")?;
        return Ok(());
    }
    let head = ["HASH", "NAME", "WORKSPACE", "STATE", "SPENT", "LIMIT"].map(str::to_owned);
    table::print(&head, &rows, out)
}

async fn show(args: &OneArgs, env: Environment<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let (_, accounts) = open(args.config.as_deref(), env).await?;
    let told = json_of(find(&accounts, &args.key)?);
    if args.json {
        writeln!(out, "{told:#}")?;
        return Ok(());
    }
    for (name, value) in told.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::String(text) => writeln!(out, "{name:<22}{text}")?,
            other => writeln!(out, "{name:<22}{other}")?,
        }
    }
    Ok(())
}

async fn revoke(args: &OneArgs, env: Environment<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let (store, accounts) = open(args.config.as_deref(), env).await?;
    let key = find(&accounts, &args.key)?;
    let now_ms = Clock::machine().unix_ms();
    ensure!(store.delete_key(&key.row.hash, now_ms).await?, "it was revoked already");
    if args.json {
        writeln!(out, "{:#}", json!({"hash": key.row.hash, "revoked": true}))?;
        return Ok(());
    }
    writeln!(
        out,
        "The key `{}` ({}) is revoked; routers refuse it within a second.",
        key.row.name,
        short(&key.row.hash)
    )?;
    Ok(())
}

/// The state, and who is in it.
async fn open(
    config: Option<&std::path::Path>,
    env: Environment<'_>,
) -> anyhow::Result<(Store, Arc<Snapshot>)> {
    let store = state(config, env).await?;
    let accounts = Accounts::new(store.clone(), Clock::machine());
    accounts.start().await.context("the keys cannot be read")?;
    Ok((store, accounts.now()))
}

/// By hash, by the beginning of one, or by name; one key alone.
fn find<'a>(accounts: &'a Snapshot, named: &str) -> anyhow::Result<&'a Key> {
    if let Some(key) = accounts.key(named) {
        return Ok(key);
    }
    let keys = &accounts.keys_by_age;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_beginning = named.len() >= 4 && named.bytes().all(is_digit);
    let by_hash = |key: &&Arc<Key>| is_beginning && key.row.hash.starts_with(named);
    let found: Vec<_> = keys.iter().filter(|key| by_hash(key) || key.row.name == named).collect();
    match &found[..] {
        [key] => Ok(key),
        [] => Err(anyhow!("there is no key `{named}`; `plugway keys list` lists them")),
        several => {
            let hashes: Vec<_> = several.iter().map(|key| short(&key.row.hash)).collect();
            let hashes = hashes.join(", ");
            Err(anyhow!("several keys are called `{named}`; name one by its hash: {hashes}"))
        }
    }
}

fn no_workspace(name: &str) -> anyhow::Error {
    anyhow!("there is no workspace `{name}`")
}

fn short(hash: &str) -> &str {
    hash.get(..SHOWN_DIGITS).unwrap_or(hash)
}

/// What holds of a key now.
fn state_of(key: &Key) -> &'static str {
    let now_ms = Clock::machine().unix_ms();
    match () {
        () if key.row.disabled => "disabled",
        () if key.row.expires_ms.is_some_and(|end| end <= now_ms) => "expired",
        () if key.row.is_management => "management",
        () => "active",
    }
}

fn line(key: &Key) -> [String; 6] {
    let Usage { spent, limits, .. } = key.budget.usage(day_of(Clock::machine().unix_ms()));
    let limit = |limit: &LimitUsage| {
        format!(
            "{} {}, {} left",
            show_dollars(limit.limit),
            limit.interval,
            show_dollars(limit.remaining())
        )
    };
    [
        short(&key.row.hash).to_owned(),
        printable(&key.row.name),
        key.workspace.row.slug.clone(),
        state_of(key).to_owned(),
        show_dollars(spent.lifetime),
        limits.first().map_or_else(|| "none".to_owned(), limit),
    ]
}

fn json_of(key: &Key) -> Value {
    let row = &key.row;
    let Usage { spent, limits, .. } = key.budget.usage(day_of(Clock::machine().unix_ms()));
    let limit = limits.first();
    // Amounts are texts: a number would become a float on its way.
    let dollars = |amount: u128| plugway_accounts::money::write_dollars(amount);
    json!({
        "hash": row.hash,
        "name": printable(&row.name),
        "label": row.label,
        "workspace": key.workspace.row.slug,
        "state": state_of(key),
        "management": row.is_management,
        "created_at": write_rfc3339(row.created_ms),
        "expires_at": row.expires_ms.map(write_rfc3339),
        "limit": limit.map(|it| dollars(it.limit)),
        "limit_remaining": limit.map(|it| dollars(it.remaining())),
        "limit_reset": row.reset.map(Interval::as_str),
        "spent": dollars(spent.lifetime),
        "spent_today": dollars(spent.daily),
        "spent_this_week": dollars(spent.weekly),
        "spent_this_month": dollars(spent.monthly),
        "settings": key.settings,
    })
}

/// A name as a terminal may have it.
fn printable(name: &str) -> String {
    name.chars().filter(|it| !it.is_control()).collect()
}

fn dollars(text: &str) -> Result<u128, String> {
    read_dollars(text).map_err(|error| format!("`{text}` {error}"))
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
