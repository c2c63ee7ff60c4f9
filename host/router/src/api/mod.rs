//! The routes. Thin: each one reads what came over HTTP, asks somebody, and
//! writes the answer.

mod accounts;
mod activity;
mod admin;
mod admitted;
mod body;
mod chat;
mod cors;
mod deadline;
mod generation;
mod guard;
mod inference;
mod lane;
mod models;
mod offers;
mod ollama;
mod openapi;
mod ops;
mod permit;
mod presets;
mod providers;
mod relay;
pub(crate) mod respond;
mod shed;

pub(crate) use admitted::Admitted;
pub(crate) use body::bad_request;
pub(crate) use chat::chat_route;
pub(crate) use lane::Lane;

use crate::error::{Code, Error};
use crate::record;
use crate::upstream::Broken;
use crate::{Router, Settings};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use inference::Inference;
use plugway_wire::Dialect;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// The body of every response. A failure after the head is told in-band; only what
/// is relayed breaks off, because nobody here knows its format.
pub type Body = UnsyncBoxBody<Bytes, Broken>;

/// Answers one request, and leaves one line of it in the access log. Dropping the
/// future, or the response's body, cancels whatever was started for it. On a
/// connection in excess of the bound there is no room for chats.
pub async fn serve(
    router: Arc<Router>,
    request: Request<Incoming>,
    peer: SocketAddr,
    is_excess: bool,
) -> Response<Body> {
    let settings = router.settings();
    let permission = cors::Permission::of(&settings, &request);
    let mut response = answer(router, settings, request, peer, is_excess).await;
    permission.mark(&mut response);
    response
}

async fn answer(
    router: Arc<Router>,
    settings: Arc<Settings>,
    request: Request<Incoming>,
    peer: SocketAddr,
    is_excess: bool,
) -> Response<Body> {
    let began = Instant::now();
    let path = request.uri().path();
    let route = route(path, request.headers());
    let name = route.as_ref().map_or("unknown", Route::name);
    let (method, version) = (request.method().clone(), request.version());
    let response = match (guard::check(&settings, &request), route) {
        (Err(error), route) => {
            respond::error_in(Route::dialect(route.as_ref(), path), &error, None)
        }
        (Ok(()), None) => no_route(path),
        (Ok(()), Some(Route::Show)) if method == Method::POST => {
            match admitted::admit(&router, &request, is_excess) {
                Ok(_place) => ollama::show(&router, &settings, request).await,
                Err(turned) => turned.answer(&router, Dialect::Ollama, request).await,
            }
        }
        // What takes a place keeps a record of its own.
        (Ok(()), Some(Route::Inference(wanted))) if wanted.takes(&method) => {
            match admitted::admit(&router, &request, is_excess) {
                Ok(admitted) => return wanted.ask(router, settings, request, admitted).await,
                Err(turned) => turned.answer(&router, wanted.dialect(), request).await,
            }
        }
        (Ok(()), Some(Route::Reload)) => reload(&router, &settings, &request, peer).await,
        (Ok(()), Some(Route::Account(found))) if method != Method::OPTIONS => {
            accounts::answer(&router, &settings, &found, request, peer).await
        }
        (Ok(()), Some(Route::Presets(found))) => {
            presets::answer(&router, &settings, &found, request, peer).await
        }
        (Ok(()), Some(Route::Activity(found))) if is_reading(&method) => {
            activity::answer(&router, &settings, found, &request, peer).await
        }
        (Ok(()), Some(Route::Generation)) if is_reading(&method) => {
            generation::show(&router, &settings, &request).await
        }
        (Ok(()), Some(route)) => match cors::preflight(&settings, &request, route.methods()) {
            Some(permission) => permission,
            None => look_up(&router, &settings, &route, &method),
        },
    };
    let mut response = match method {
        Method::HEAD => respond::head_only(response),
        _ => response,
    };
    if is_excess && version < Version::HTTP_2 {
        shed::close(&mut response);
    }
    record::plain(&router.metrics, name, response.status(), began);
    response
}

/// Reads configuration and plugins again, for whoever runs this router.
async fn reload(
    router: &Arc<Router>,
    settings: &Settings,
    request: &Request<Incoming>,
    peer: SocketAddr,
) -> Response<Body> {
    match permit::manager(router, settings, request, peer) {
        Ok(()) if request.method() == Method::POST => admin::reload(router.clone()).await,
        Ok(()) => respond::method_not_allowed(Dialect::OpenAiChat, Route::Reload.methods()),
        Err(error) => respond::error(&error, None),
    }
}

fn is_reading(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

const NO_ROUTE: &str =
    "There is no such route; the API starts at /v1, for example POST /v1/chat/completions.";

fn no_route(path: &str) -> Response<Body> {
    let error = Error::new(Code::NotFound, NO_ROUTE);
    respond::error_in(Route::dialect(None, path), &error, None)
}

/// What can be answered at once.
fn look_up(router: &Router, settings: &Settings, route: &Route, method: &Method) -> Response<Body> {
    let dialect = Route::dialect(Some(route), "");
    if !is_reading(method) {
        return respond::method_not_allowed(dialect, route.methods());
    }
    match route {
        Route::Inference(_)
        | Route::Show
        | Route::Reload
        | Route::Account(_)
        | Route::Presets(_)
        | Route::Activity(_)
        | Route::Generation => respond::method_not_allowed(dialect, route.methods()),
        Route::Ollama(page) => page.show(&settings.config.catalog),
        Route::Models => models::list(&settings.config.catalog),
        Route::EmbeddingModels => models::embedding(&settings.config.catalog),
        Route::Cards(model) => models::cards(&settings.config.catalog, model.as_deref()),
        Route::Endpoints(slug) => models::endpoints(router, &settings.config.catalog, slug),
        Route::Providers => providers::list(&settings.config.catalog),
        Route::Health => ops::healthz(),
        Route::Ready => ops::readyz(router, settings),
        Route::Metrics => ops::metrics(router),
        Route::Description => openapi::show(),
    }
}

enum Route {
    /// What goes to a provider.
    Inference(Inference),
    /// What tools for local models look up.
    Ollama(ollama::Page),
    Show,
    Models,
    EmbeddingModels,
    /// One model or all, for clients that list them in a format of their own.
    Cards(Option<String>),
    Endpoints(String),
    Providers,
    /// What holds content: not everybody's.
    Presets(presets::PresetRoute),
    /// What was used: not for everybody.
    Activity(activity::ActivityRoute),
    /// What became of a request.
    Generation,
    Health,
    Ready,
    Metrics,
    Reload,
    /// Keys and money.
    Account(accounts::AccountRoute),
    /// What the administration takes and answers.
    Description,
}

impl Route {
    /// Whose envelope an error gets there, or at a path that is no route's.
    fn dialect(route: Option<&Self>, path: &str) -> Dialect {
        match route {
            Some(Self::Inference(wanted)) => wanted.dialect(),
            Some(Self::Cards(_)) => Dialect::Gemini,
            Some(Self::Ollama(_) | Self::Show) => Dialect::Ollama,
            None => Self::dialect_below(path),
            _ => Dialect::OpenAiChat,
        }
    }

    /// Whose clients look for something there.
    fn dialect_below(path: &str) -> Dialect {
        let below = |place: &str| {
            let rest = path.strip_prefix("/api").filter(|rest| rest.starts_with("/v1"));
            let rest = rest.unwrap_or(path).strip_prefix(place);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
        };
        match () {
            () if below("/v1/messages") => Dialect::AnthropicMessages,
            () if below("/v1/responses") => Dialect::OpenAiResponses,
            () if below("/v1beta") || below("/v1beta1") => Dialect::Gemini,
            () if below("/api") => Dialect::Ollama,
            () => Dialect::OpenAiChat,
        }
    }

    /// The pattern, for logs and metrics: a path could hold anything.
    fn name(&self) -> &'static str {
        match self {
            Self::Inference(wanted) => wanted.name(),
            Self::Ollama(page) => page.route(),
            Self::Show => ollama::SHOW,
            Self::Models => "/v1/models",
            Self::EmbeddingModels => "/v1/embeddings/models",
            Self::Cards(None) => "/v1beta/models",
            Self::Cards(Some(_)) => "/v1beta/models/{model}",
            Self::Endpoints(_) => "/v1/models/{author}/{slug}/endpoints",
            Self::Providers => "/v1/providers",
            Self::Presets(found) => found.name(),
            Self::Activity(found) => found.name(),
            Self::Generation => "/v1/generation",
            Self::Health => "/healthz",
            Self::Ready => "/readyz",
            Self::Metrics => "/metrics",
            Self::Reload => "/admin/reload",
            Self::Account(found) => found.name(),
            Self::Description => "/openapi.json",
        }
    }

    fn methods(&self) -> &'static str {
        match self {
            Self::Inference(wanted) => wanted.methods(),
            Self::Show | Self::Reload => "POST",
            Self::Presets(found) => found.methods(),
            Self::Account(found) => found.methods(),
            _ => "GET, HEAD",
        }
    }
}

fn route(path: &str, headers: &HeaderMap) -> Option<Route> {
    let path = path.strip_prefix("/api").filter(|rest| rest.starts_with("/v1")).unwrap_or(path);
    if let Some(found) = chat::chat_route(path) {
        return Some(Route::Inference(Inference::Chat(found)));
    }
    if let Some(page) = ollama::page(path) {
        return Some(Route::Ollama(page));
    }
    if let Some(found) = offers::offer_route(path) {
        return Some(Route::Inference(Inference::Offer(found)));
    }
    if let Some(model) = plugway_wire::gemini::listed(path, headers) {
        return Some(Route::Cards(model));
    }
    if let Some(found) = presets::PresetRoute::of(path) {
        return Some(Route::Presets(found));
    }
    if let Some(found) = accounts::AccountRoute::of(path) {
        return Some(Route::Account(found));
    }
    match path {
        "/v1/embeddings/models" => Some(Route::EmbeddingModels),
        "/v1/models" => Some(Route::Models),
        "/v1/providers" => Some(Route::Providers),
        "/v1/activity" => Some(Route::Activity(activity::ActivityRoute::Sums)),
        "/v1/activity/export" => Some(Route::Activity(activity::ActivityRoute::Rows)),
        "/v1/generation" => Some(Route::Generation),
        ollama::SHOW => Some(Route::Show),
        "/healthz" => Some(Route::Health),
        "/readyz" => Some(Route::Ready),
        "/metrics" => Some(Route::Metrics),
        "/admin/reload" => Some(Route::Reload),
        "/openapi.json" => Some(Route::Description),
        _ if path.starts_with("/v1/providers/") => relayed(path),
        _ => {
            let slug = path.strip_prefix("/v1/models/")?.strip_suffix("/endpoints")?;
            (slug.split('/').count() == 2).then(|| Route::Endpoints(slug.to_owned()))
        }
    }
}

fn relayed(path: &str) -> Option<Route> {
    let (provider, rest) = path.strip_prefix("/v1/providers/")?.split_once('/')?;
    let (provider, path) = (provider.to_owned(), format!("/{rest}"));
    (!rest.is_empty()).then_some(Route::Inference(Inference::Relay { provider, path }))
}
