//! What tools for local models look up beside chats, in the dialect of the server that
//! they were made for: which models there are, and what each can do.

use super::{Body, body, deadline, models, respond};
use crate::catalog::{Catalog, Model, Resolution};
use crate::digest;
use crate::error::{Code, Error};
use crate::{Router, Settings};
use http::header::HeaderValue;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use plugway_wire::{Dialect, ollama};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The release of that server whose API this is. Tools refuse to work with older ones.
const API_VERSION: &str = "0.13.0";

/// The body of a request that names a model and says little else, in bytes.
const MAX_SHOW_BYTES: usize = 64 * 1024;

/// Tools look at the root for this very sentence.
const RUNNING: &str = "Ollama is running";

/// A page that needs nothing but its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Running,
    Tags,
    /// Models in memory: nobody here keeps any.
    Loaded,
    Version,
}

/// The page at this path.
pub(super) fn page(path: &str) -> Option<Page> {
    let pages = [Page::Running, Page::Tags, Page::Loaded, Page::Version];
    pages.into_iter().find(|page| page.route() == path)
}

/// Where a model is described.
pub(super) const SHOW: &str = "/api/show";

impl Page {
    pub(super) fn route(self) -> &'static str {
        match self {
            Self::Running => "/",
            Self::Tags => "/api/tags",
            Self::Loaded => "/api/ps",
            Self::Version => "/api/version",
        }
    }

    pub(super) fn show(self, catalog: &Catalog) -> Response<Body> {
        let body = match self {
            Self::Running => {
                let text = HeaderValue::from_static("text/plain; charset=utf-8");
                return respond::full(StatusCode::OK, text, RUNNING);
            }
            Self::Tags => {
                let own = catalog.models.values().map(|it| tag(&it.slug, it));
                let aliases = models::aliases(catalog).map(|(name, it)| tag(&name, &it));
                json!({"models": own.chain(aliases).collect::<Vec<_>>()})
            }
            Self::Loaded => json!({"models": []}),
            Self::Version => json!({"version": API_VERSION}),
        };
        respond::json_text(StatusCode::OK, body.to_string())
    }
}

/// `POST /api/show`.
pub(super) async fn show(
    router: &Router,
    settings: &Settings,
    request: Request<Incoming>,
) -> Response<Body> {
    match described(router, settings, request).await {
        Ok(described) => respond::json_text(StatusCode::OK, described.to_string()),
        Err(error) => respond::error_in(Dialect::Ollama, &error, None),
    }
}

async fn described(
    router: &Router,
    settings: &Settings,
    request: Request<Incoming>,
) -> Result<Value, Error> {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    let time = deadline::of(&head.headers, settings.config.server.request_deadline)?;
    let limit = body::Limit::of(settings).at_most(MAX_SHOW_BYTES);
    let decode = |body: bytes::Bytes| ollama::asked_model(&body);
    let read = body::read_within(router, settings, limit, (&head, body), began + time, decode);
    let (name, _) = read.await?;
    describe(&settings.config.catalog, &name)
}

/// A model under one of its names.
fn tag(name: &str, model: &Model) -> Value {
    json!({
        "name": name,
        "model": name,
        "modified_at": ollama::rfc3339(model.created),
        // Its weights are elsewhere.
        "size": 0,
        // Tells models apart, as that of its weights would.
        "digest": digest::hex(&model.slug),
        "details": details(&model.slug, quantization(model)),
    })
}

fn describe(catalog: &Catalog, name: &str) -> Result<Value, Error> {
    if let Some(model) = models::known(catalog, name) {
        return Ok(json!({
            "modelfile": "",
            "parameters": "",
            "template": "",
            "details": details(&model.slug, quantization(&model)),
            "model_info": info(&model.slug, &model.name, model.context_length),
            "capabilities": capabilities(&model),
            "modified_at": ollama::rfc3339(model.created),
        }));
    }
    let name = catalog.aliases.get(name).map_or(name, String::as_str);
    match catalog.resolve(name) {
        // What it can do is for its provider to know.
        Resolution::Passthrough { upstream_model, .. } => Ok(json!({
            "modelfile": "",
            "parameters": "",
            "template": "",
            "details": details(name, ""),
            "model_info": info(name, &upstream_model, None),
            "capabilities": ["completion", "tools"],
            "modified_at": ollama::rfc3339(0),
        })),
        Resolution::Known(_) | Resolution::Inactive { .. } | Resolution::Unknown { .. } => {
            let message = "There is no such model here; /api/tags lists those that there are.";
            Err(Error::new(Code::NotFound, message).param("model"))
        }
    }
}

fn details(slug: &str, quantization: &str) -> Value {
    json!({
        "parent_model": "",
        "format": "",
        "family": family(slug),
        "families": [family(slug)],
        "parameter_size": "",
        "quantization_level": quantization,
    })
}

/// Facts by the names that tools look for; that of the context's length begins with the
/// family's.
fn info(slug: &str, name: &str, context_length: Option<u32>) -> Value {
    let family = family(slug);
    let mut info = json!({"general.architecture": family, "general.basename": name});
    if let Some(length) = context_length {
        info[format!("{family}.context_length")] = length.into();
    }
    info
}

fn capabilities(model: &Model) -> Vec<&'static str> {
    let takes = |name: &str| model.supported_parameters.iter().any(|it| it == name);
    let reads = |kind: &str| model.input_modalities.iter().any(|it| it == kind);
    // Nothing is said of some models: then it is tried.
    let has_tools = model.supported_parameters.is_empty() || takes("tools");
    [
        ("completion", true),
        ("tools", has_tools),
        ("vision", reads("image")),
        ("thinking", takes("reasoning")),
    ]
    .into_iter()
    .filter_map(|(name, holds)| holds.then_some(name))
    .collect()
}

/// What all offers agree on, or nothing.
fn quantization(model: &Model) -> &str {
    let mut all = model.endpoints.iter().map(|it| it.quantization.as_deref().unwrap_or(""));
    let first = all.next().unwrap_or("");
    if all.all(|it| it == first) { first } else { "" }
}

fn family(slug: &str) -> &str {
    slug.split('/').next().unwrap_or(slug)
}
