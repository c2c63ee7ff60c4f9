//! For operators: is it alive, can it serve, what has it done.

use super::{Body, respond};
use crate::{Router, Settings};
use http::header::HeaderValue;
use http::{Response, StatusCode};
use plugway_engine::{PluginKind, PluginState, PluginStatus, Source};
use serde::Serialize;

/// The process answers. Says nothing about providers or plugins.
pub(super) fn healthz() -> Response<Body> {
    respond::json_text(StatusCode::OK, "{\"status\":\"ok\"}\n")
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    plugins: Vec<Plugin>,
}

#[derive(Serialize)]
struct Plugin {
    id: String,
    kind: Option<&'static str>,
    source: String,
    state: &'static str,
    generation: u64,
    digest: String,
    last_error: Option<String>,
}

impl From<PluginStatus> for Plugin {
    fn from(status: PluginStatus) -> Self {
        Self {
            id: status.id,
            kind: status.kind.map(|kind| match kind {
                PluginKind::Adapter => "adapter",
                PluginKind::Strategy => "strategy",
            }),
            source: match status.source {
                Source::Embedded => "embedded".to_owned(),
                Source::File(path) => path.display().to_string(),
            },
            state: match status.state {
                PluginState::Serving => "serving",
                PluginState::Outdated => "outdated",
                PluginState::Failed => "failed",
            },
            generation: status.generation,
            digest: status.digest,
            last_error: status.last_error,
        }
    }
}

/// Whether requests can be served: 200 once every active provider has its
/// adapter, with the state of each plugin. A plugin that failed to load while
/// its last good generation serves does not make the router unready.
pub(super) fn readyz(router: &Router, settings: &Settings) -> Response<Body> {
    let plugins = router.registry.status().into_iter().map(Plugin::from).collect();
    let providers = &settings.config.catalog.providers;
    let ready = providers.values().all(|it| router.registry.adapter(&it.adapter).is_some());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::to_vec_pretty(&Readiness { ready, plugins });
    respond::json_text(status, body.unwrap_or_default())
}

/// Prometheus' text format.
pub(super) fn metrics(router: &Router) -> Response<Body> {
    const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    router.note_use();
    let text = router.metrics.render().unwrap_or_default();
    respond::full(StatusCode::OK, HeaderValue::from_static(OPENMETRICS), text)
}
