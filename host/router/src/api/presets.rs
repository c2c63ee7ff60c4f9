//! Presets: made from the body of a request as it would be sent, versioned, listed.
//! OpenRouter's routes and shapes; ids are slugs, for there are no others here. Whoever
//! may use the router may name a preset; to change one is for management keys, to see what it
//! holds for keys on the router's own machine too, unless the operator opens it.

mod shape;

use shape::{Page, PresetData, PresetDeleted, PresetVersionData, PresetVersions, Presets, Slug};

use super::accounts::given::Query;
use super::openapi::Refusals;
use super::{Body, body, permit, respond};
use crate::account::caller;
use crate::error::{Code, Error};
use crate::presets::{failed, is_slug, settings};
use crate::{Router, Settings};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use plugway_store::{MAX_PRESETS, PresetVersion};
use plugway_wire::{Dialect, ollama, preset};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::time::Instant;

/// A route of presets.
pub(super) enum PresetRoute {
    List,
    One(String),
    Versions(String),
    Version(String, u32),
    Save(String, Dialect),
}

impl PresetRoute {
    /// The route at this path.
    pub(super) fn of(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/v1/presets")?;
        if rest.is_empty() {
            return Some(Self::List);
        }
        let (slug, rest) = match rest.strip_prefix('/')?.split_once('/') {
            Some((slug, rest)) => (slug, rest),
            None => (rest.strip_prefix('/')?, ""),
        };
        if !is_slug(slug) {
            return None;
        }
        let slug = slug.to_owned();
        Some(match rest {
            "" => Self::One(slug),
            "versions" => Self::Versions(slug),
            "chat/completions" => Self::Save(slug, Dialect::OpenAiChat),
            "responses" => Self::Save(slug, Dialect::OpenAiResponses),
            "messages" => Self::Save(slug, Dialect::AnthropicMessages),
            _ => Self::Version(slug, rest.strip_prefix("versions/")?.parse().ok()?),
        })
    }

    /// The pattern, for logs and metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::List => "/v1/presets",
            Self::One(_) => "/v1/presets/{slug}",
            Self::Versions(_) => "/v1/presets/{slug}/versions",
            Self::Version(..) => "/v1/presets/{slug}/versions/{version}",
            Self::Save(_, Dialect::OpenAiResponses) => "/v1/presets/{slug}/responses",
            Self::Save(_, Dialect::AnthropicMessages) => "/v1/presets/{slug}/messages",
            Self::Save(..) => "/v1/presets/{slug}/chat/completions",
        }
    }

    /// One of each.
    #[cfg(test)]
    pub(super) fn all() -> [Self; 7] {
        let slug = || "a".to_owned();
        [
            Self::List,
            Self::One(slug()),
            Self::Versions(slug()),
            Self::Version(slug(), 1),
            Self::Save(slug(), Dialect::OpenAiChat),
            Self::Save(slug(), Dialect::OpenAiResponses),
            Self::Save(slug(), Dialect::AnthropicMessages),
        ]
    }

    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::Save(..) => "POST",
            Self::One(_) => "GET, HEAD, DELETE",
            _ => "GET, HEAD",
        }
    }
}

/// Answers a request at one of these routes.
pub(super) async fn answer(
    router: &Router,
    settings: &Settings,
    route: &PresetRoute,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Response<Body> {
    let method = request.method().clone();
    let reads = method == Method::GET || method == Method::HEAD;
    let permitted = match settings.config.server.open_presets {
        true => caller::known(router, request.headers(), request.uri()),
        false if reads => permit::reader(router, settings, &request, peer),
        false => permit::manager(router, settings, &request, peer),
    };
    if let Err(error) = permitted {
        return respond::error(&error, None);
    }
    let answered = match route {
        PresetRoute::Save(slug, dialect) if method == Method::POST => match dialect {
            Dialect::OpenAiResponses => save_response(router, settings, slug, request).await,
            Dialect::AnthropicMessages => save_message(router, settings, slug, request).await,
            _ => save_chat(router, settings, slug, request).await,
        },
        PresetRoute::One(slug) if method == Method::DELETE => delete(router, slug).await,
        PresetRoute::List if reads => list(router, request.uri().query()).await,
        PresetRoute::One(slug) if reads => one(router, slug).await,
        PresetRoute::Versions(slug) if reads => versions(router, slug, request.uri().query()).await,
        PresetRoute::Version(slug, version) if reads => one_version(router, slug, *version).await,
        _ => return respond::method_not_allowed(Dialect::OpenAiChat, route.methods()),
    };
    match answered {
        Ok(body) => respond::json_text(StatusCode::OK, body.to_string()),
        Err(error) => respond::error(&error, None),
    }
}

/// Save a preset from a chat completion's body
///
/// What the body says of the conversation is left out, but for its system prompt.
#[utoipa::path(
    post, path = "/v1/presets/{slug}/chat/completions", tag = "presets",
    operation_id = "savePresetAsChat", params(Slug), request_body = Object,
    security(("management_key" = [])),
    responses((status = 200, description = "The preset.", body = PresetData), Refusals),
)]
pub(super) async fn save_chat(
    router: &Router,
    config: &Settings,
    slug: &str,
    request: Request<Incoming>,
) -> Result<Value, Error> {
    save(router, config, slug, Dialect::OpenAiChat, request).await
}

/// Save a preset from the body of a response to be made
#[utoipa::path(
    post, path = "/v1/presets/{slug}/responses", tag = "presets",
    operation_id = "savePresetAsResponse", params(Slug), request_body = Object,
    security(("management_key" = [])),
    responses((status = 200, description = "The preset.", body = PresetData), Refusals),
)]
pub(super) async fn save_response(
    router: &Router,
    config: &Settings,
    slug: &str,
    request: Request<Incoming>,
) -> Result<Value, Error> {
    save(router, config, slug, Dialect::OpenAiResponses, request).await
}

/// Save a preset from the body of a message to be made
#[utoipa::path(
    post, path = "/v1/presets/{slug}/messages", tag = "presets",
    operation_id = "savePresetAsMessage", params(Slug), request_body = Object,
    security(("management_key" = [])),
    responses((status = 200, description = "The preset.", body = PresetData), Refusals),
)]
pub(super) async fn save_message(
    router: &Router,
    config: &Settings,
    slug: &str,
    request: Request<Incoming>,
) -> Result<Value, Error> {
    save(router, config, slug, Dialect::AnthropicMessages, request).await
}

async fn save(
    router: &Router,
    config: &Settings,
    slug: &str,
    dialect: Dialect,
    request: Request<Incoming>,
) -> Result<Value, Error> {
    let (head, body) = request.into_parts();
    let deadline = Instant::now() + config.config.server.request_deadline;
    let limit = body::Limit::administration(config);
    let decode = |body: Bytes| Ok((settings(dialect, preset::keep(dialect, &body)?)?, 0));
    let read = body::read_within(router, config, limit, (&head, body), deadline, decode);
    let (settings, _room) = read.await?;
    let changing = router.presets.changing();
    let saved = router.store.save_preset(slug, &settings, router.clock.unix_ms()).await;
    drop(changing);
    match saved.map_err(failed)? {
        Some(saved) => Ok(json!({"data": with_version(&saved)})),
        None => {
            let message = format!("There is room for {MAX_PRESETS} presets; delete one.");
            Err(Error::new(Code::InvalidRequest, message))
        }
    }
}

/// Delete a preset
#[utoipa::path(
    delete, path = "/v1/presets/{slug}", tag = "presets", operation_id = "deletePreset",
    params(Slug), security(("management_key" = [])),
    responses((status = 200, description = "It is gone.", body = PresetDeleted), Refusals),
)]
pub(super) async fn delete(router: &Router, slug: &str) -> Result<Value, Error> {
    let changing = router.presets.changing();
    let deleted = router.store.delete_preset(slug).await;
    drop(changing);
    if deleted.map_err(failed)? { Ok(json!({"deleted": true})) } else { Err(missing(slug)) }
}

/// List presets
#[utoipa::path(
    get, path = "/v1/presets", tag = "presets", operation_id = "listPresets", params(Page),
    security(("api_key" = []), ("management_key" = [])),
    responses((status = 200, description = "A page of presets.", body = Presets), Refusals),
)]
pub(super) async fn list(router: &Router, query: Option<&str>) -> Result<Value, Error> {
    let (offset, limit) = page(query)?;
    let (page, count) = router.store.presets(offset, limit).await.map_err(failed)?;
    let page: Vec<Value> = page.iter().map(described).collect();
    Ok(json!({"data": page, "total_count": count}))
}

/// Show a preset
#[utoipa::path(
    get, path = "/v1/presets/{slug}", tag = "presets", operation_id = "getPreset", params(Slug),
    security(("api_key" = []), ("management_key" = [])),
    responses((status = 200, description = "The preset.", body = PresetData), Refusals),
)]
pub(super) async fn one(router: &Router, slug: &str) -> Result<Value, Error> {
    let found = router.store.preset(slug).await.map_err(failed)?;
    Ok(json!({"data": with_version(&found.ok_or_else(|| missing(slug))?)}))
}

/// List the versions of a preset
#[utoipa::path(
    get, path = "/v1/presets/{slug}/versions", tag = "presets",
    operation_id = "listPresetVersions", params(Slug, Page),
    security(("api_key" = []), ("management_key" = [])),
    responses((status = 200, description = "A page of versions.", body = PresetVersions), Refusals),
)]
pub(super) async fn versions(
    router: &Router,
    slug: &str,
    query: Option<&str>,
) -> Result<Value, Error> {
    let (offset, limit) = page(query)?;
    let (page, count) = router.store.preset_versions(slug, offset, limit).await.map_err(failed)?;
    if count == 0 {
        return Err(missing(slug));
    }
    let page: Vec<Value> = page.iter().map(version).collect();
    Ok(json!({"data": page, "total_count": count}))
}

/// Show a version of a preset
#[utoipa::path(
    get, path = "/v1/presets/{slug}/versions/{version}", tag = "presets",
    operation_id = "getPresetVersion",
    params(Slug, ("version" = u32, Path, description = "Its number.")),
    security(("api_key" = []), ("management_key" = [])),
    responses((status = 200, description = "The version.", body = PresetVersionData), Refusals),
)]
pub(super) async fn one_version(router: &Router, slug: &str, number: u32) -> Result<Value, Error> {
    let found = router.store.preset_version(slug, number).await.map_err(failed)?;
    Ok(json!({"data": version(&found.ok_or_else(|| missing(slug))?)}))
}

fn missing(slug: &str) -> Error {
    let message = format!("There is no preset `{slug}` here, or not in that version.");
    Error::new(Code::NotFound, message)
}

/// `offset` and `limit` of a query.
fn page(query: Option<&str>) -> Result<(u32, u32), Error> {
    Query::read(query, &["offset", "limit"])?.page()
}

fn with_version(saved: &PresetVersion) -> Value {
    let mut described = described(saved);
    described["designated_version"] = version(saved);
    described
}

fn described(saved: &PresetVersion) -> Value {
    json!({
        "id": saved.slug,
        "creator_user_id": null,
        "workspace_id": null,
        "name": saved.slug,
        "slug": saved.slug,
        "description": null,
        "status": "active",
        "designated_version_id": version_id(saved),
        "created_at": time(saved.first_ms),
        "updated_at": time(saved.created_ms),
        "status_updated_at": null,
    })
}

fn version(saved: &PresetVersion) -> Value {
    // Checked when it was saved.
    let config: Value = serde_json::from_str(&saved.settings.config).unwrap_or_default();
    json!({
        "id": version_id(saved),
        "preset_id": saved.slug,
        "creator_id": "operator",
        "version": saved.version,
        "system_prompt": saved.settings.system_prompt,
        "config": config,
        "created_at": time(saved.created_ms),
        "updated_at": time(saved.created_ms),
    })
}

fn version_id(saved: &PresetVersion) -> String {
    format!("{}/{}", saved.slug, saved.version)
}

fn time(milliseconds: u64) -> String {
    ollama::rfc3339(milliseconds / 1000)
}
