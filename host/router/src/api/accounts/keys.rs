//! `/v1/keys`: made, listed, changed and revoked. The key itself is in the answer that
//! makes it and nowhere else; from then on it goes by its hash.

use super::given::{self, Query, shown};
use super::shape::{Deleted, KeyData, KeyInfo, Keys, settings_error};
use super::typed::{Dollars, Moment, Options, Reset, given, given_or_null};
use super::{Answer, done, failed, named, refreshed};
use crate::account::Key;
use crate::account::issue::{NewKey, written};
use crate::api::openapi::Refusals;
use crate::error::{Code, Error};
use crate::{Router, Settings};
use http::Request;
use hyper::body::Incoming;
use plugway_accounts::KeySettings;
use plugway_store::{Change, KeyRow};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;
use utoipa::ToSchema;

/// Characters of a name.
const NAME: RangeInclusive<usize> = 1..=255;

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct CreateKey {
    /// What people call it.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// The workspace that it belongs to, by its id or slug; the default one where it is left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    workspace_id: Option<String>,
    /// US dollars that it may spend; null: no limit of its own.
    #[serde(default)]
    limit: Option<Dollars>,
    /// When its spending is counted anew; null: never.
    #[serde(default)]
    limit_reset: Option<Reset>,
    /// Whether what is paid with clients' own provider keys counts too.
    #[serde(default)]
    include_byok_in_limit: bool,
    /// When it ends; null: never.
    #[serde(default)]
    expires_at: Option<Moment>,
    /// Who made it, for your own books.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 255)]
    creator_user_id: Option<String>,
    /// Whether it is a key for this administration, which cannot be used for inference.
    #[serde(default)]
    is_management_key: bool,
    /// Words for your own books, kept with all that it spends.
    #[serde(default)]
    #[schema(max_items = 32)]
    tags: Option<Vec<String>>,
    /// Requests that it may send in a minute; null: any number.
    #[serde(default)]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 1_000_000_000)]
    requests_per_minute: Option<NonZeroU32>,
    /// Tokens that it may use in a minute; null: any number.
    #[serde(default)]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 1_000_000_000)]
    tokens_per_minute: Option<NonZeroU32>,
    /// Requests that it may have under way at once; null: any number.
    #[serde(default)]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 1_000_000_000)]
    concurrent_requests: Option<NonZeroU32>,
    /// Models that it may use, `author/slug` or `author/*`; null: all.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 256)]
    allowed_models: Option<Vec<String>>,
    /// Models that it may not use, whatever else is said.
    #[serde(default)]
    #[schema(max_items = 256)]
    ignored_models: Option<Vec<String>>,
    /// Providers that it may use; null: all.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 128)]
    allowed_providers: Option<Vec<String>>,
    /// The preset of requests that name none.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    preset: Option<String>,
    /// The strategy of requests that name none.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    strategy: Option<String>,
    /// Options of the strategy, under those of a request.
    #[serde(default)]
    options: Option<Options>,
}

/// What is to change of a key. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ChangeKey {
    /// What people call it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 255)]
    name: Option<String>,
    /// Whether it is refused until further notice.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    disabled: Option<bool>,
    /// US dollars that it may spend; null: no limit of its own.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<Dollars>, required = false)]
    limit: Option<Option<Dollars>>,
    /// When its spending is counted anew; null: never.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<Reset>, required = false)]
    limit_reset: Option<Option<Reset>>,
    /// Whether what is paid with clients' own provider keys counts too.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    include_byok_in_limit: Option<bool>,
    /// When it ends; null: never.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<Moment>, required = false)]
    expires_at: Option<Option<Moment>>,
    /// Words for your own books; null: none.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<Vec<String>>, required = false, max_items = 32)]
    tags: Option<Option<Vec<String>>>,
    /// Requests that it may send in a minute; null: any number.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 1_000_000_000)]
    requests_per_minute: Option<Option<NonZeroU32>>,
    /// Tokens that it may use in a minute; null: any number.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 1_000_000_000)]
    tokens_per_minute: Option<Option<NonZeroU32>>,
    /// Requests that it may have under way at once; null: any number.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 1_000_000_000)]
    concurrent_requests: Option<Option<NonZeroU32>>,
    /// Models that it may use, `author/slug` or `author/*`; null: all.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<Vec<String>>, required = false, min_items = 1, max_items = 256)]
    allowed_models: Option<Option<Vec<String>>>,
    /// Models that it may not use, whatever else is said; null: none.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<Vec<String>>, required = false, max_items = 256)]
    ignored_models: Option<Option<Vec<String>>>,
    /// Providers that it may use; null: all.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<Vec<String>>, required = false, min_items = 1, max_items = 128)]
    allowed_providers: Option<Option<Vec<String>>>,
    /// The preset of requests that name none.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 200)]
    preset: Option<Option<String>>,
    /// The strategy of requests that name none.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 200)]
    strategy: Option<Option<String>>,
    /// Options of the strategy, under those of a request.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<Options>, required = false)]
    options: Option<Option<Options>>,
}

/// A key that was made.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CreatedKey {
    data: KeyInfo,
    /// The key itself. It cannot be shown again.
    key: String,
}

/// Make a key
///
/// The answer alone holds the key itself, once.
#[utoipa::path(
    post, path = "/v1/keys", tag = "keys", operation_id = "createKey",
    request_body = CreateKey, security(("management_key" = [])),
    responses((status = 201, description = "The key, shown once.", body = CreatedKey), Refusals),
)]
pub(super) async fn create(
    router: &Router,
    settings: &Settings,
    request: Request<Incoming>,
) -> Result<Answer, Error> {
    let wanted: CreateKey = given::read(router, settings, request).await?;
    let now_ms = router.clock.unix_ms();
    given::text("name", &wanted.name, NAME)?;
    if let Some(creator) = &wanted.creator_user_id {
        given::text("creator_user_id", creator, NAME)?;
    }
    check_expiry(wanted.expires_at, now_ms)?;
    let workspace = named::workspace(router, wanted.workspace_id.as_deref())?;
    let settings = KeySettings {
        tags: wanted.tags.unwrap_or_default(),
        requests_per_minute: wanted.requests_per_minute,
        tokens_per_minute: wanted.tokens_per_minute,
        concurrent_requests: wanted.concurrent_requests,
        allowed_models: wanted.allowed_models,
        ignored_models: wanted.ignored_models.unwrap_or_default(),
        allowed_providers: wanted.allowed_providers,
        preset: wanted.preset,
        strategy: wanted.strategy,
        options: wanted.options.map(|it| it.0),
    };
    settings.validate().map_err(settings_error)?;
    let issued = NewKey {
        name: wanted.name,
        workspace: workspace.row.id.clone(),
        is_management: wanted.is_management_key,
        expires_ms: wanted.expires_at.map(|it| it.0),
        limit: wanted.limit.map(|it| it.0),
        reset: wanted.limit_reset.map(Into::into),
        include_byok: wanted.include_byok_in_limit,
        settings,
        creator: wanted.creator_user_id,
    };
    let (row, secret) = issued.issue(now_ms).map_err(|error| {
        tracing::error!(%error, "no key can be made");
        Error::new(Code::Internal, "No key could be made; see the log.")
    })?;
    match router.store.create_key(&row).await.map_err(failed)? {
        Change::Missing => return Err(named::missing(&row.workspace)),
        change => done(change, "keys")?,
    }
    refreshed(router).await;
    let made = find(router, &row.hash)
        .or_else(|error| Key::made(row, &workspace, &router.clock).map(Arc::new).ok_or(error));
    let data = info(router, &*made?);
    Answer::created(&CreatedKey { data, key: secret.expose().to_owned() })
}

/// List keys
///
/// Oldest first. Revoked keys are not listed.
#[utoipa::path(
    get, path = "/v1/keys", tag = "keys", operation_id = "listKeys",
    params(
        ("offset" = Option<u32>, Query, minimum = 0, maximum = 10_000_000, description = "Keys to skip."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Keys of a page, 50 where it is left out."),
        ("include_disabled" = Option<bool>, Query, description = "Whether disabled keys are listed too."),
        ("workspace_id" = Option<String>, Query, description = "Of this workspace only, by its id or slug."),
    ),
    security(("management_key" = [])),
    responses((status = 200, description = "A page of keys.", body = Keys), Refusals),
)]
pub(super) fn list(router: &Router, query: Option<&str>) -> Result<Answer, Error> {
    const KNOWN: [&str; 4] = ["offset", "limit", "include_disabled", "workspace_id"];
    let query = Query::read(query, &KNOWN)?;
    let (offset, limit) = query.page()?;
    let disabled_too = query.flag("include_disabled")?.unwrap_or(true);
    let workspace = named::asked_for(router, &query)?;
    let accounts = router.accounts.now();
    let wanted = |key: &&Arc<Key>| {
        (disabled_too || !key.row.disabled)
            && workspace.as_ref().is_none_or(|id| key.row.workspace == *id)
    };
    let found: Vec<_> = accounts.keys_by_age.iter().filter(wanted).collect();
    let page = found.iter().skip(offset as usize).take(limit as usize);
    let data = page.map(|key| info(router, key)).collect();
    Answer::ok(&Keys { data, total_count: found.len() as u64 })
}

/// Show a key
#[utoipa::path(
    get, path = "/v1/keys/{hash}", tag = "keys", operation_id = "getKey",
    params(("hash" = String, Path, description = "Its hash.")), security(("management_key" = [])),
    responses((status = 200, description = "The key.", body = KeyData), Refusals),
)]
pub(super) fn one(router: &Router, hash: &str) -> Result<Answer, Error> {
    Answer::ok(&KeyData { data: info(router, &*find(router, hash)?) })
}

/// Change a key
#[utoipa::path(
    patch, path = "/v1/keys/{hash}", tag = "keys", operation_id = "updateKey",
    params(("hash" = String, Path, description = "Its hash.")),
    request_body = ChangeKey, security(("management_key" = [])),
    responses((status = 200, description = "The key as it is now.", body = KeyData), Refusals),
)]
pub(super) async fn change(
    router: &Router,
    settings: &Settings,
    hash: &str,
    request: Request<Incoming>,
) -> Result<Answer, Error> {
    find(router, hash)?;
    let wanted: ChangeKey = given::read(router, settings, request).await?;
    let now_ms = router.clock.unix_ms();
    if let Some(name) = &wanted.name {
        given::text("name", name, NAME)?;
    }
    check_expiry(wanted.expires_at.flatten(), now_ms)?;
    // What was there before holds already.
    let mut changed = KeySettings::default();
    wanted.settle(&mut changed);
    changed.validate().map_err(settings_error)?;
    let edit = move |row: &mut KeyRow| wanted.apply(row, now_ms);
    let known = router.store.update_key(hash, edit).await.map_err(failed)?;
    router.accounts.refresh().await.map_err(failed)?;
    match known {
        Some(_) => one(router, hash),
        None => Err(missing(hash)),
    }
}

impl ChangeKey {
    fn apply(&self, row: &mut KeyRow, now_ms: u64) {
        if let Some(name) = &self.name {
            row.name.clone_from(name);
        }
        row.disabled = self.disabled.unwrap_or(row.disabled);
        row.limit = self.limit.map_or(row.limit, |limit| limit.map(|it| it.0));
        row.reset = self.limit_reset.map_or(row.reset, |reset| reset.map(Into::into));
        row.include_byok = self.include_byok_in_limit.unwrap_or(row.include_byok);
        row.expires_ms = self.expires_at.map_or(row.expires_ms, |end| end.map(|it| it.0));
        row.updated_ms = now_ms;
        // A key whose settings nobody can read is not found, and so not changed.
        if let Ok(mut settings) = serde_json::from_str(&row.settings) {
            self.settle(&mut settings);
            row.settings = written(&settings);
        }
    }

    fn settle(&self, settings: &mut KeySettings) {
        fn put<T: Clone>(slot: &mut T, given: Option<&T>) {
            if let Some(value) = given {
                slot.clone_from(value);
            }
        }
        fn put_list(slot: &mut Vec<String>, given: Option<&Option<Vec<String>>>) {
            if let Some(list) = given {
                *slot = list.clone().unwrap_or_default();
            }
        }
        put_list(&mut settings.tags, self.tags.as_ref());
        put(&mut settings.requests_per_minute, self.requests_per_minute.as_ref());
        put(&mut settings.tokens_per_minute, self.tokens_per_minute.as_ref());
        put(&mut settings.concurrent_requests, self.concurrent_requests.as_ref());
        put(&mut settings.allowed_models, self.allowed_models.as_ref());
        put_list(&mut settings.ignored_models, self.ignored_models.as_ref());
        put(&mut settings.allowed_providers, self.allowed_providers.as_ref());
        put(&mut settings.preset, self.preset.as_ref());
        put(&mut settings.strategy, self.strategy.as_ref());
        if let Some(options) = &self.options {
            settings.options = options.clone().map(|it| it.0);
        }
    }
}

/// Revoke a key
///
/// For good: it is refused at once here, and within a second by other routers on the same
/// database. What it spent stays in the books.
#[utoipa::path(
    delete, path = "/v1/keys/{hash}", tag = "keys", operation_id = "deleteKey",
    params(("hash" = String, Path, description = "Its hash.")), security(("management_key" = [])),
    responses((status = 200, description = "It is gone.", body = Deleted), Refusals),
)]
pub(super) async fn delete(router: &Router, hash: &str) -> Result<Answer, Error> {
    let gone = router.store.delete_key(hash, router.clock.unix_ms()).await.map_err(failed)?;
    router.accounts.refresh().await.map_err(failed)?;
    if gone { Answer::ok(&Deleted { deleted: true }) } else { Err(missing(hash)) }
}

fn find(router: &Router, hash: &str) -> Result<Arc<Key>, Error> {
    router.accounts.now().key(hash).cloned().ok_or_else(|| missing(hash))
}

fn missing(hash: &str) -> Error {
    Error::new(Code::NotFound, format!("There is no key with the hash `{}` here.", shown(hash)))
}

fn info(router: &Router, key: &Key) -> KeyInfo {
    KeyInfo::new(key, router.clock.unix_ms())
}

fn check_expiry(end: Option<Moment>, now_ms: u64) -> Result<(), Error> {
    match end {
        Some(Moment(end)) if end <= now_ms => Err(given::wrong("expires_at", "lie in the future")),
        _ => Ok(()),
    }
}
