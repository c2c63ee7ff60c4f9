//! For operators: is it alive, can it serve, what has it done.

use super::{Body, respond};
use crate::{Router, Settings};
use http::header::HeaderValue;
use http::{Response, StatusCode};
use plugway_engine::{PluginKind, PluginState, PluginStatus, RefusedFile, Source};
use serde::Serialize;
use std::path::PathBuf;

/// The process answers. Says nothing about providers or plugins.
pub(super) fn healthz() -> Response<Body> {
    respond::json_text(StatusCode::OK, "{\"status\":\"ok\"}\n")
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    config: Configuration,
    plugins_directory: Directory,
    plugins: Vec<Plugin>,
}

#[derive(Serialize)]
struct Configuration {
    file: Option<PathBuf>,
    generation: u64,
    /// Why the newest text of the file does not hold.
    last_error: Option<String>,
    /// Keys whose new values hold from the next start on.
    restart_needed: Vec<&'static str>,
}

#[derive(Serialize)]
struct Directory {
    path: Option<PathBuf>,
    trouble: Option<String>,
}

#[derive(Serialize)]
struct Plugin {
    id: String,
    kind: Option<&'static str>,
    source: String,
    state: &'static str,
    generation: u64,
    digest: String,
    /// From the first byte read to the moment it served; zero of an embedded one.
    load_ms: u64,
    /// Why what was put in its place does not serve, and what to do.
    last_error: Option<String>,
    /// What was put in its place.
    refused: Option<Refused>,
}

#[derive(Serialize)]
struct Refused {
    file: PathBuf,
    digest: Option<String>,
}

impl From<RefusedFile> for Refused {
    fn from(RefusedFile { file, digest, .. }: RefusedFile) -> Self {
        Self { file, digest }
    }
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
            load_ms: u64::try_from(status.load_time.as_millis()).unwrap_or(u64::MAX),
            last_error: status.refused.as_ref().map(|refused| refused.reason.clone()),
            refused: status.refused.map(Refused::from),
        }
    }
}

/// Whether requests can be served: 200 once every active provider has its
/// adapter, with the state of each plugin. A plugin that failed to load while
/// its last good generation serves does not make the router unready.
pub(super) fn readyz(router: &Router, settings: &Settings) -> Response<Body> {
    let plugins = router.registry.status().into_iter().map(Plugin::from).collect();
    let config = router.config_status();
    let (file, generation) = (config.file, config.generation);
    let (last_error, restart_needed) = (config.last_error, config.restart_needed);
    let config = Configuration { file, generation, last_error, restart_needed };
    let path = router.registry.directory().map(Into::into);
    let plugins_directory = Directory { path, trouble: router.registry.trouble() };
    let providers = &settings.config.catalog.providers;
    let ready = providers.values().all(|it| router.registry.adapter(&it.adapter).is_some());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::to_vec_pretty(&Readiness { ready, config, plugins_directory, plugins });
    respond::json_text(status, body.unwrap_or_default())
}

/// Prometheus' text format.
pub(super) fn metrics(router: &Router) -> Response<Body> {
    const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let trouble = router.registry.trouble().is_some();
    let text = router.metrics.render_after(|metrics| {
        metrics.show_plugins(&router.registry.status(), trouble);
        metrics.show_config(&router.config_status());
        router.note_use();
    });
    let text = text.unwrap_or_default();
    respond::full(StatusCode::OK, HeaderValue::from_static(OPENMETRICS), text)
}
