//! `/v1/byok`: clients' own provider keys. They are sealed before they are kept, and never
//! told again.

mod shape;

use shape::{Byok, ByokData, Byoks, ChangeByok, CreateByok, Hidden};

use super::given::{self, Query, shown, wrong};
use super::shape::Deleted;
use super::{Answer, done, failed, named, random_id, refreshed, unreadable};
use crate::account::byok::{ByokSettings, byok_shape};
use crate::account::master;
use crate::api::openapi::Refusals;
use crate::catalog::Provider;
use crate::error::{Code, Error};
use crate::{Router, Settings};
use http::Request;
use hyper::body::Incoming;
use plugway_accounts::key::label;
use plugway_accounts::seal::SealError;
use plugway_accounts::{Keyring, MasterKey};
use plugway_store::{ByokRow, Change, DEFAULT_WORKSPACE};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Bytes of a provider key: with its escapes it fits a body. A service account's key file
/// takes three thousand.
const MAX_KEY_BYTES: usize = 32 * 1024;

/// Characters of a name.
const NAME: RangeInclusive<usize> = 0..=255;

/// Places in the order of trying.
const ORDER: RangeInclusive<i64> = 0..=1_000_000;

/// Entries of a list that restricts.
const MAX_ALLOWED: usize = 100;

/// Characters of such an entry.
const ENTRY: RangeInclusive<usize> = 1..=255;

/// Keep a provider key
///
/// It is encrypted with the master key of `[secrets]`, and never returned.
#[utoipa::path(
    post, path = "/v1/byok", tag = "byok", operation_id = "createByok",
    request_body = CreateByok, security(("management_key" = [])),
    responses((status = 201, description = "What is told of it.", body = ByokData), Refusals),
)]
pub(super) async fn create(
    router: &Router,
    settings: &Settings,
    request: Request<Incoming>,
) -> Result<Answer, Error> {
    let wanted: CreateByok = given::read(router, settings, request).await?;
    check_key(&wanted.key)?;
    check_name(wanted.name.as_deref())?;
    let kept = ByokSettings {
        allowed_models: wanted.allowed_models,
        allowed_api_key_hashes: wanted.allowed_api_key_hashes,
        allowed_user_ids: wanted.allowed_user_ids,
        always_use: wanted.always_use,
    };
    check_settings(router, &kept)?;
    let Some(provider) = settings.config.catalog.providers.get(&wanted.provider) else {
        let provider = shown(&wanted.provider);
        let message = format!("No provider `{provider}` is active; GET /v1/providers lists them.");
        return Err(Error::new(Code::NotFound, message).param("provider"));
    };
    check_shape(provider, &wanted.key)?;
    let workspace = match &wanted.workspace_id {
        Some(None) => None,
        Some(Some(named)) => Some(named::workspace(router, Some(named))?.row.id.clone()),
        None => Some(DEFAULT_WORKSPACE.to_owned()),
    };
    check_order(wanted.sort_order)?;
    let id = random_id();
    let sealed = seal(router, settings, &id, &wanted.key).await?;
    let position = wanted.sort_order.unwrap_or_else(|| next(router, &wanted.provider));
    let now_ms = router.clock.unix_ms();
    let row = ByokRow {
        id,
        workspace,
        provider: wanted.provider,
        name: wanted.name.unwrap_or_default(),
        position,
        is_fallback: wanted.is_fallback,
        disabled: wanted.disabled,
        created_ms: now_ms,
        updated_ms: now_ms,
        sealed: sealed.0,
        key_id: sealed.1,
        label: label(&wanted.key.0),
        settings: kept.written(),
    };
    match router.store.create_byok(&row).await.map_err(failed)? {
        Change::Missing => {
            return Err(named::missing(row.workspace.as_deref().unwrap_or_default()));
        }
        change => done(change, "provider keys")?,
    }
    refreshed(router).await;
    Answer::created(&ByokData { data: Byok::new(router, &row) })
}

/// List provider keys
///
/// In the order in which they are tried.
#[utoipa::path(
    get, path = "/v1/byok", tag = "byok", operation_id = "listByok",
    params(
        ("offset" = Option<u32>, Query, minimum = 0, maximum = 10_000_000, description = "Provider keys to skip."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Provider keys of a page, 50 where it is left out."),
        ("workspace_id" = Option<String>, Query, description = "Of this workspace only, by its id or slug; those of all workspaces are left out."),
        ("provider" = Option<String>, Query, description = "Of this provider only."),
    ),
    security(("management_key" = [])),
    responses((status = 200, description = "A page of provider keys.", body = Byoks), Refusals),
)]
pub(super) fn list(router: &Router, query: Option<&str>) -> Result<Answer, Error> {
    let query = Query::read(query, &["offset", "limit", "workspace_id", "provider"])?;
    let (offset, limit) = query.page()?;
    let workspace = named::asked_for(router, &query)?;
    let provider = query.text("provider");
    let accounts = router.accounts.now();
    let wanted = |row: &&Arc<ByokRow>| {
        workspace.as_ref().is_none_or(|id| row.workspace.as_ref() == Some(id))
            && provider.is_none_or(|name| row.provider == name)
    };
    let found: Vec<_> = accounts.byok.iter().filter(wanted).collect();
    let page = found.iter().skip(offset as usize).take(limit as usize);
    let data = page.map(|row| Byok::new(router, row)).collect();
    Answer::ok(&Byoks { data, total_count: found.len() as u64 })
}

/// Show a provider key
#[utoipa::path(
    get, path = "/v1/byok/{id}", tag = "byok", operation_id = "getByok",
    params(("id" = String, Path, description = "Its id.")), security(("management_key" = [])),
    responses((status = 200, description = "What is told of it.", body = ByokData), Refusals),
)]
pub(super) fn one(router: &Router, id: &str) -> Result<Answer, Error> {
    Answer::ok(&ByokData { data: Byok::new(router, &*find(router, id)?) })
}

/// Change a provider key
#[utoipa::path(
    patch, path = "/v1/byok/{id}", tag = "byok", operation_id = "updateByok",
    params(("id" = String, Path, description = "Its id.")),
    request_body = ChangeByok, security(("management_key" = [])),
    responses((status = 200, description = "What is told of it now.", body = ByokData), Refusals),
)]
pub(super) async fn change(
    router: &Router,
    settings: &Settings,
    id: &str,
    request: Request<Incoming>,
) -> Result<Answer, Error> {
    let row = find(router, id)?;
    if ByokSettings::of(&row).is_none() {
        return Err(unreadable("provider key"));
    }
    let wanted: ChangeByok = given::read(router, settings, request).await?;
    check_name(wanted.name.as_ref().and_then(|name| name.as_deref()))?;
    check_order(wanted.sort_order)?;
    let mut changed = ByokSettings::default();
    wanted.settle(&mut changed);
    check_settings(router, &changed)?;
    let sealed = match &wanted.key {
        Some(key) => {
            check_key(key)?;
            // What is not active now may be so later.
            if let Some(provider) = settings.config.catalog.providers.get(&row.provider) {
                check_shape(provider, key)?;
            }
            Some((seal(router, settings, id, key).await?, label(&key.0)))
        }
        None => None,
    };
    let now_ms = router.clock.unix_ms();
    let edit = move |row: &mut ByokRow| {
        if let Some(((sealed, key_id), label)) = sealed {
            (row.sealed, row.key_id, row.label) = (sealed, key_id, label);
        }
        // What nobody can read stays as it is.
        if let Some(mut kept) = ByokSettings::of(row) {
            wanted.settle(&mut kept);
            row.settings = kept.written();
        }
        row.position = wanted.sort_order.unwrap_or(row.position);
        row.disabled = wanted.disabled.unwrap_or(row.disabled);
        row.is_fallback = wanted.is_fallback.unwrap_or(row.is_fallback);
        if let Some(name) = wanted.name {
            row.name = name.unwrap_or_default();
        }
        row.updated_ms = now_ms;
    };
    let known = router.store.update_byok(id, edit).await.map_err(failed)?;
    router.accounts.refresh().await.map_err(failed)?;
    match known {
        Some(_) => one(router, id),
        None => Err(missing(id)),
    }
}

impl ChangeByok {
    fn settle(&self, settings: &mut ByokSettings) {
        for (slot, given) in [
            (&mut settings.allowed_models, &self.allowed_models),
            (&mut settings.allowed_api_key_hashes, &self.allowed_api_key_hashes),
            (&mut settings.allowed_user_ids, &self.allowed_user_ids),
        ] {
            if let Some(list) = given {
                slot.clone_from(list);
            }
        }
        settings.always_use = self.always_use.unwrap_or(settings.always_use);
    }
}

/// Delete a provider key
///
/// What was encrypted is wiped.
#[utoipa::path(
    delete, path = "/v1/byok/{id}", tag = "byok", operation_id = "deleteByok",
    params(("id" = String, Path, description = "Its id.")), security(("management_key" = [])),
    responses((status = 200, description = "It is gone.", body = Deleted), Refusals),
)]
pub(super) async fn delete(router: &Router, id: &str) -> Result<Answer, Error> {
    let gone = router.store.delete_byok(id).await.map_err(failed)?;
    router.accounts.refresh().await.map_err(failed)?;
    if gone { Answer::ok(&Deleted { deleted: true }) } else { Err(missing(id)) }
}

/// Behind all others of the provider.
fn next(router: &Router, provider: &str) -> i64 {
    let accounts = router.accounts.now();
    let of_provider = accounts.byok.iter().filter(|it| it.provider == provider);
    of_provider.map(|it| it.position).max().map_or(0, |last| last.saturating_add(1))
}

fn find(router: &Router, id: &str) -> Result<Arc<ByokRow>, Error> {
    let accounts = router.accounts.now();
    accounts.byok.iter().find(|row| row.id == id).cloned().ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Error {
    Error::new(Code::NotFound, format!("There is no provider key `{}` here.", shown(id)))
}

/// Seals for the row of this id; with which master key.
async fn seal(
    router: &Router,
    settings: &Settings,
    id: &str,
    key: &Hidden,
) -> Result<(Vec<u8>, String), Error> {
    let ring = Keyring::new(master_key(router, settings).await?, Vec::new());
    let sealed = ring.seal(id, &key.0).map_err(|error| match error {
        SealError::TooLong => too_long(),
        SealError::NoRandomness => {
            tracing::error!(%error, "a provider key cannot be sealed");
            Error::new(Code::Internal, "The key could not be encrypted; see the log.")
        }
    })?;
    Ok((sealed, ring.key_id()))
}

/// Finding it may take a program its time.
async fn master_key(router: &Router, settings: &Settings) -> Result<MasterKey, Error> {
    let secrets = settings.config.secrets.clone();
    let variable = secrets.master_key_env.as_ref();
    let value = variable.and_then(|name| router.credentials.variable(name));
    let found =
        tokio::task::spawn_blocking(move || master::find(&secrets, |_| value.clone())).await;
    match found {
        Ok(Ok(key)) => Ok(key),
        Ok(Err(error)) => {
            tracing::error!(%error, "a provider key cannot be kept");
            let message = format!("No provider key can be kept: {error}.");
            Err(Error::new(Code::Unconfigured, message))
        }
        Err(_) => Err(Error::new(Code::Internal, "The master key was not found; see the log.")),
    }
}

fn check_key(Hidden(key): &Hidden) -> Result<(), Error> {
    match key.len() {
        0 => Err(wrong("key", "not be empty")),
        length if length > MAX_KEY_BYTES => Err(too_long()),
        _ => Ok(()),
    }
}

fn check_shape(provider: &Provider, Hidden(key): &Hidden) -> Result<(), Error> {
    let shape = byok_shape(provider, key);
    shape.map_err(|message| Error::new(Code::InvalidRequest, message).param("key"))
}

fn too_long() -> Error {
    wrong("key", &format!("have at most {MAX_KEY_BYTES} bytes"))
}

fn check_order(order: Option<i64>) -> Result<(), Error> {
    match order.is_none_or(|order| ORDER.contains(&order)) {
        true => Ok(()),
        false => Err(wrong("sort_order", &format!("be from 0 to {}", ORDER.end()))),
    }
}

fn check_name(name: Option<&str>) -> Result<(), Error> {
    name.map_or(Ok(()), |name| given::text("name", name, NAME))
}

fn check_settings(router: &Router, settings: &ByokSettings) -> Result<(), Error> {
    for (field, list) in [
        ("allowed_models", &settings.allowed_models),
        ("allowed_api_key_hashes", &settings.allowed_api_key_hashes),
        ("allowed_user_ids", &settings.allowed_user_ids),
    ] {
        let Some(list) = list else { continue };
        if !(1..=MAX_ALLOWED).contains(&list.len()) {
            return Err(wrong(field, &format!("have 1 to {MAX_ALLOWED} entries, or be null")));
        }
        for entry in list {
            given::text(field, entry, ENTRY)?;
        }
    }
    let accounts = router.accounts.now();
    let mut hashes = settings.allowed_api_key_hashes.iter().flatten();
    match hashes.all(|hash| accounts.key(hash).is_some()) {
        true => Ok(()),
        false => Err(wrong("allowed_api_key_hashes", "name keys that are here")),
    }
}
