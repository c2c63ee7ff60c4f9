//! For operators: is it alive, can it serve, what has it done.

use super::openapi::Refusals;
use super::{Body, respond};
use crate::catalog::{Credential, Provider};
use crate::route::SnapshotPolicy;
use crate::{Router, Settings};
use http::header::HeaderValue;
use http::{Response, StatusCode};
use plugway_engine::{PluginKind, PluginState, PluginStatus, RefusedFile, Source};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use utoipa::ToSchema;

/// That the process answers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "there to be described")]
pub(super) struct Alive {
    /// `ok`.
    status: String,
}

/// Tell that the process answers
#[utoipa::path(
    get, path = "/healthz", tag = "operation", operation_id = "health",
    responses((status = 200, description = "It does.", body = Alive), Refusals),
)]
// The process answers. Says nothing about providers or plugins.
pub(super) fn healthz() -> Response<Body> {
    respond::json_text(StatusCode::OK, "{\"status\":\"ok\"}\n")
}

fn plugin(status: PluginStatus) -> Value {
    let kind = status.kind.map(|kind| match kind {
        PluginKind::Adapter => "adapter",
        PluginKind::Strategy => "strategy",
    });
    let source = match status.source {
        Source::Embedded => "embedded".to_owned(),
        Source::File(path) => path.display().to_string(),
    };
    let state = match status.state {
        PluginState::Serving => "serving",
        PluginState::Outdated => "outdated",
        PluginState::Failed => "failed",
    };
    json!({
        "id": status.id,
        "kind": kind,
        "source": source,
        "state": state,
        "generation": status.generation,
        "digest": status.digest,
        // From the first byte read to the moment it served; zero of an embedded one.
        "load_ms": u64::try_from(status.load_time.as_millis()).unwrap_or(u64::MAX),
        // Why what was put in its place does not serve, and what to do.
        "last_error": status.refused.as_ref().map(|refused| &refused.reason),
        // What was put in its place.
        "refused": status.refused.as_ref().map(|RefusedFile { file, digest, .. }| {
            json!({"file": file.display().to_string(), "digest": digest})
        }),
    })
}

/// A provider's credentials: each is there, missing, or left alone for a while, at least
/// for some models.
fn provider(router: &Router, provider: &Provider) -> Value {
    let credential = |credential: &Arc<Credential>| {
        let rest = router.credential_health.rest(provider, credential);
        let state = match (router.credentials.has(credential), rest) {
            (false, _) => "missing",
            (true, Some(_)) => "cooling",
            (true, None) => "present",
        };
        json!({
            "name": credential.name,
            "own": credential.own,
            "weight": credential.weight,
            "state": state,
            "cooling_models": router.credential_health.cooling_models(provider, credential),
            "cooling_ms": rest.map(|rest| u64::try_from(rest.as_millis()).unwrap_or(u64::MAX)),
        })
    };
    let credentials: Vec<Value> = provider.credentials.iter().map(credential).collect();
    json!({"name": provider.name, "credentials": credentials})
}

/// Clients' own provider keys: how many there are, and how many of them cannot be used, by
/// why not.
fn byok(router: &Router) -> Value {
    let brought = router.accounts.brought();
    let mut unusable: BTreeMap<String, u64> = BTreeMap::new();
    for why in brought.all().iter().filter_map(|key| key.unusable()) {
        *unusable.entry(why.to_string()).or_default() += 1;
    }
    json!({"keys": brought.all().len(), "unusable": unusable})
}

/// Whether requests can be served, and the state of configuration, plugins and providers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "there to be described")]
pub(super) struct Readiness {
    ready: bool,
    #[schema(value_type = Object)]
    config: (),
    #[schema(value_type = Object)]
    ledger: (),
    #[schema(value_type = Object)]
    plugins_directory: (),
    #[schema(value_type = Vec<Object>)]
    plugins: (),
    #[schema(value_type = Vec<Object>)]
    providers: (),
}

/// Tell whether requests can be served
#[utoipa::path(
    get, path = "/readyz", tag = "operation", operation_id = "readiness",
    responses(
        Refusals,
        (status = 200, description = "They can.", body = Readiness),
        (status = 503, description = "They cannot.", body = Readiness),
    ),
)]
// Whether requests can be served: 200 once every active provider has its
// adapter, with the state of each plugin. A plugin that failed to load while
// its last good generation serves does not make the router unready; a ledger that
// cannot be written does, where the operator wants requests refused then.
pub(super) fn readyz(router: &Router, settings: &Settings) -> Response<Body> {
    let plugins: Vec<Value> = router.registry.status().into_iter().map(plugin).collect();
    let config = router.config_status();
    let shown = |path: &Path| path.display().to_string();
    let providers = &settings.config.catalog.providers;
    let has_adapters = providers.values().all(|it| router.registry.adapter(&it.adapter).is_some());
    let is_failing = router.ledger.is_failing();
    let refuses = is_failing && settings.config.ledger.refuses_when_failing;
    let ready = has_adapters && !refuses;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "ready": ready,
        "config": {
            "file": config.file.as_deref().map(shown),
            "generation": config.generation,
            // Why the newest text of the file does not hold.
            "last_error": config.last_error,
            // Keys whose new values hold from the next start on.
            "restart_needed": config.restart_needed,
        },
        // Whether rows can be written, and whether requests are refused because they cannot.
        "ledger": {
            "state": if is_failing { "failing" } else { "writing" },
            "refuses_requests": refuses,
        },
        "plugins_directory": {
            "path": router.registry.directory().map(shown),
            "trouble": router.registry.trouble(),
        },
        "plugins": plugins,
        "providers": providers.values().map(|it| provider(router, it)).collect::<Vec<_>>(),
        "byok": byok(router),
    });
    respond::json_text(status, format!("{body:#}"))
}

/// Show counters and histograms
#[utoipa::path(
    get, path = "/metrics", tag = "operation", operation_id = "metrics",
    responses(
        (status = 200, description = "In OpenMetrics' format.", body = String, content_type = "application/openmetrics-text"),
        Refusals,
    ),
)]
// Prometheus' text format.
pub(super) fn metrics(router: &Router) -> Response<Body> {
    const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let trouble = router.registry.trouble().is_some();
    let text = router.metrics.render_after(|metrics| {
        metrics.show_plugins(&router.registry.status(), trouble);
        metrics.show_config(&router.config_status());
        router.note_use();
        let policy = SnapshotPolicy::from(&router.settings().config.routing);
        router.health.show(policy, metrics);
    });
    let text = text.unwrap_or_default();
    respond::full(StatusCode::OK, HeaderValue::from_static(OPENMETRICS), text)
}
