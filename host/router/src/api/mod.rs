//! The routes. Thin: each one reads what came over HTTP, asks somebody, and
//! writes the answer.

mod admin;
mod body;
mod chat;
mod deadline;
mod guard;
mod models;
mod offers;
mod ops;
mod providers;
mod relay;
pub(crate) mod respond;
mod shed;

use crate::error::{Code, Error};
use crate::record;
use crate::upstream::Broken;
use crate::{Router, Settings};
use bytes::Bytes;
use http::{Method, Request, Response, Version};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use plugway_wire::Dialect;
use shed::Bound;
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
    let began = Instant::now();
    let settings = router.settings();
    let route = route(request.uri().path());
    let name = route.as_ref().map_or("unknown", Route::name);
    let (method, version) = (request.method().clone(), request.version());
    let response = match (guard::check(&settings, &request), route) {
        (Err(error), route) => respond::error_in(Route::dialect(route.as_ref()), &error, None),
        (Ok(()), None) => respond::error(&Error::new(Code::NotFound, NO_ROUTE), None),
        (Ok(()), Some(Route::Chat(door))) if method == Method::POST => {
            let place = if is_excess { None } else { router.admission.request() };
            if let Some(place) = place {
                // Keeps a record of its own.
                return chat::answer(router, settings, door, request, place).await;
            }
            let bound = if is_excess { Bound::Connections } else { Bound::Requests };
            shed::answer(&router, door.dialect, request, bound).await
        }
        (Ok(()), Some(Route::Offer(desk))) if method == Method::POST => {
            match if is_excess { None } else { router.admission.request() } {
                // Keeps a record of its own.
                Some(place) => return offers::answer(router, settings, desk, request, place).await,
                None => {
                    let bound = if is_excess { Bound::Connections } else { Bound::Requests };
                    shed::answer(&router, desk.dialect(), request, bound).await
                }
            }
        }
        (Ok(()), Some(Route::Relay { provider, path })) if relay::takes(&method) => {
            match if is_excess { None } else { router.admission.request() } {
                Some(place) => {
                    // Keeps a record of its own.
                    return relay::pass(router, settings, request, &provider, &path, place).await;
                }
                None => {
                    let bound = if is_excess { Bound::Connections } else { Bound::Requests };
                    shed::answer(&router, Dialect::OpenAiChat, request, bound).await
                }
            }
        }
        (Ok(()), Some(Route::Reload)) => match guard::local(&settings, &request, peer) {
            Ok(()) if method == Method::POST => admin::reload(router.clone()).await,
            Ok(()) => respond::method_not_allowed(Route::Reload.methods()),
            Err(error) => respond::error(&error, None),
        },
        (Ok(()), Some(route)) => look_up(&router, &settings, &route, &method),
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

const NO_ROUTE: &str =
    "There is no such route; the API starts at /v1, for example POST /v1/chat/completions.";

/// What can be answered at once.
fn look_up(router: &Router, settings: &Settings, route: &Route, method: &Method) -> Response<Body> {
    if *method != Method::GET && *method != Method::HEAD {
        return respond::method_not_allowed(route.methods());
    }
    match route {
        Route::Chat(_) | Route::Offer(_) | Route::Reload | Route::Relay { .. } => {
            respond::method_not_allowed(route.methods())
        }
        Route::Models => models::list(&settings.config.catalog),
        Route::EmbeddingModels => models::embedding(&settings.config.catalog),
        Route::Endpoints(slug) => models::endpoints(router, &settings.config.catalog, slug),
        Route::Providers => providers::list(&settings.config.catalog),
        Route::Health => ops::healthz(),
        Route::Ready => ops::readyz(router, settings),
        Route::Metrics => ops::metrics(router),
    }
}

enum Route {
    Chat(chat::Door),
    /// What adapters offer beside chats.
    Offer(offers::Desk),
    Models,
    EmbeddingModels,
    Endpoints(String),
    /// What a provider offers beside what is understood here.
    Relay {
        provider: String,
        path: String,
    },
    Providers,
    Health,
    Ready,
    Metrics,
    Reload,
}

impl Route {
    /// Whose envelope an error gets there.
    fn dialect(route: Option<&Self>) -> Dialect {
        match route {
            Some(Self::Chat(door)) => door.dialect,
            Some(Self::Offer(desk)) => desk.dialect(),
            _ => Dialect::OpenAiChat,
        }
    }

    /// The pattern, for logs and metrics: a path could hold anything.
    fn name(&self) -> &'static str {
        match self {
            Self::Chat(door) => door.route,
            Self::Offer(desk) => desk.route(),
            Self::Models => "/v1/models",
            Self::EmbeddingModels => "/v1/embeddings/models",
            Self::Endpoints(_) => "/v1/models/{author}/{slug}/endpoints",
            Self::Relay { .. } => relay::ROUTE,
            Self::Providers => "/v1/providers",
            Self::Health => "/healthz",
            Self::Ready => "/readyz",
            Self::Metrics => "/metrics",
            Self::Reload => "/admin/reload",
        }
    }

    fn methods(&self) -> &'static str {
        match self {
            Self::Chat(_) | Self::Offer(_) | Self::Reload => "POST",
            Self::Relay { .. } => relay::METHODS,
            _ => "GET, HEAD",
        }
    }
}

fn route(path: &str) -> Option<Route> {
    let path = path.strip_prefix("/api").filter(|rest| rest.starts_with("/v1/")).unwrap_or(path);
    if let Some(door) = chat::door(path) {
        return Some(Route::Chat(door));
    }
    if let Some(desk) = offers::desk(path) {
        return Some(Route::Offer(desk));
    }
    match path {
        "/v1/embeddings/models" => Some(Route::EmbeddingModels),
        "/v1/models" => Some(Route::Models),
        "/v1/providers" => Some(Route::Providers),
        "/healthz" => Some(Route::Health),
        "/readyz" => Some(Route::Ready),
        "/metrics" => Some(Route::Metrics),
        "/admin/reload" => Some(Route::Reload),
        _ if path.starts_with("/v1/providers/") => {
            let (provider, rest) = path.strip_prefix("/v1/providers/")?.split_once('/')?;
            (!rest.is_empty())
                .then(|| Route::Relay { provider: provider.to_owned(), path: format!("/{rest}") })
        }
        _ => {
            let slug = path.strip_prefix("/v1/models/")?.strip_suffix("/endpoints")?;
            (slug.split('/').count() == 2).then(|| Route::Endpoints(slug.to_owned()))
        }
    }
}
