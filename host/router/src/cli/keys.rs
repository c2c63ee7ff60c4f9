//! `plugway keys`: who may use the router, made, listed and revoked in the state that the
//! configuration names, whether or not a router runs on it. A router that does sees it
//! within a second.

mod args;

pub use args::{CreateArgs, KeysAction, KeysArgs, ListArgs, OneArgs, ResetArg};

use super::{CommandError, state, table};
use crate::account::issue::NewKey;
use crate::account::{Accounts, Key, Snapshot};
use crate::config::Environment;
use plugway_accounts::KeySettings;
use plugway_accounts::account::{LimitUsage, Usage};
use plugway_accounts::calendar::{day_of, write_rfc3339};
use plugway_accounts::money::show_dollars;
use plugway_routing::Clock;
use plugway_store::{Change, Interval, Store};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Digits of a hash that are shown, and that name a key if no other begins alike.
const SHOWN_DIGITS: usize = 12;

/// Does it.
///
/// # Errors
/// When the state cannot be used, or there is no such key.
pub async fn keys(
    args: KeysArgs,
    env: Environment<'_>,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    match args.action {
        KeysAction::Create(args) => create(*args, env, out).await,
        KeysAction::List(args) => list(&args, env, out).await,
        KeysAction::Show(args) => show(&args, env, out).await,
        KeysAction::Revoke(args) => revoke(&args, env, out).await,
    }
}

async fn create(
    args: CreateArgs,
    env: Environment<'_>,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    // Other keys are not read for it: there may be many.
    let (store, location) = state(args.config.as_deref(), env).await?;
    let now_ms = Clock::machine().unix_ms();
    let workspace = store.workspace(&args.workspace).await?;
    let workspace = workspace.ok_or_else(|| no_workspace(&args.workspace))?;
    if args.name.trim().is_empty() {
        return Err(CommandError::refused("--name: say what the key is for"));
    }
    if args.expires.is_some_and(|end| end <= now_ms) {
        return Err(CommandError::refused("--expires: that is in the past"));
    }
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
        options: args.options,
        ..KeySettings::default()
    };
    settings.validate()?;
    let wanted = NewKey {
        name: args.name,
        workspace: workspace.id,
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
        Change::Full => {
            return Err(CommandError::refused("there is no room for more keys; revoke some"));
        }
        _ => return Err(CommandError::refused("the workspace was deleted meanwhile")),
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
         Its hash begins with {}. Routers that use {location} take it.",
        row.name,
        short(&row.hash)
    )?;
    Ok(())
}

async fn list(
    args: &ListArgs,
    env: Environment<'_>,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let State { accounts, .. } = open(args.config.as_deref(), env).await?;
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
    Ok(table::print(&head, &rows, out)?)
}

async fn show(
    args: &OneArgs,
    env: Environment<'_>,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let State { accounts, .. } = open(args.config.as_deref(), env).await?;
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

async fn revoke(
    args: &OneArgs,
    env: Environment<'_>,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let State { store, accounts } = open(args.config.as_deref(), env).await?;
    let key = find(&accounts, &args.key)?;
    let now_ms = Clock::machine().unix_ms();
    if !store.delete_key(&key.row.hash, now_ms).await? {
        return Err(CommandError::refused("it was revoked already"));
    }
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

/// What a command looks into.
struct State {
    store: Store,
    accounts: Arc<Snapshot>,
}

async fn open(config: Option<&Path>, env: Environment<'_>) -> Result<State, CommandError> {
    let (store, _) = state(config, env).await?;
    let (accounts, _) = Accounts::new(store.clone(), Clock::machine()).start().await?;
    Ok(State { store, accounts })
}

/// By hash, by the beginning of one, or by name; one key alone.
fn find<'a>(accounts: &'a Snapshot, named: &str) -> Result<&'a Key, CommandError> {
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
        [] => {
            let none = format!("there is no key `{named}`; `plugway keys list` lists them");
            Err(CommandError::Refused(none))
        }
        several => {
            let hashes: Vec<_> = several.iter().map(|key| short(&key.row.hash)).collect();
            let hashes = hashes.join(", ");
            let choice =
                format!("several keys are called `{named}`; name one by its hash: {hashes}");
            Err(CommandError::Refused(choice))
        }
    }
}

fn no_workspace(name: &str) -> CommandError {
    CommandError::Refused(format!("there is no workspace `{name}`"))
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
