//! The routes. Thin: each one reads what came over HTTP, asks somebody, and
//! writes the answer.

mod chat;
mod guard;
mod models;
mod ops;
pub(crate) mod respond;

use crate::Router;
use crate::error::{Code, Error};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use std::convert::Infallible;
use std::sync::Arc;

/// The body of every response: a failure after the head is told in-band.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Answers one request. Dropping the future, or the response's body, cancels
/// whatever was started for it.
pub async fn serve(router: Arc<Router>, request: Request<Incoming>) -> Response<Body> {
    if let Err(error) = guard::check(&router, &request) {
        return respond::error(&error, None);
    }
    let path = request.uri().path();
    let path = path.strip_prefix("/api").filter(|rest| rest.starts_with("/v1/")).unwrap_or(path);
    let method = request.method().clone();
    match (route(path), method) {
        (Some(Route::Chat), Method::POST) => chat::completions(router, request).await,
        (Some(Route::Models), Method::GET | Method::HEAD) => models::list(&router),
        (Some(Route::Endpoints(slug)), Method::GET | Method::HEAD) => {
            models::endpoints(&router, &slug)
        }
        (Some(Route::Health), Method::GET | Method::HEAD) => ops::healthz(),
        (Some(Route::Ready), Method::GET | Method::HEAD) => ops::readyz(&router),
        (Some(Route::Metrics), Method::GET | Method::HEAD) => ops::metrics(&router),
        (Some(route), _) => respond::method_not_allowed(route.methods()),
        (None, _) => respond::error(
            &Error::new(
                Code::RouteNotFound,
                "There is no such route; the API starts at /v1, for example POST /v1/chat/completions.",
            ),
            None,
        ),
    }
}

enum Route {
    Chat,
    Models,
    Endpoints(String),
    Health,
    Ready,
    Metrics,
}

impl Route {
    fn methods(&self) -> &'static str {
        match self {
            Self::Chat => "POST",
            _ => "GET, HEAD",
        }
    }
}

fn route(path: &str) -> Option<Route> {
    match path {
        "/v1/chat/completions" => Some(Route::Chat),
        "/v1/models" => Some(Route::Models),
        "/healthz" => Some(Route::Health),
        "/readyz" => Some(Route::Ready),
        "/metrics" => Some(Route::Metrics),
        _ => {
            let slug = path.strip_prefix("/v1/models/")?.strip_suffix("/endpoints")?;
            (slug.split('/').count() == 2).then(|| Route::Endpoints(slug.to_owned()))
        }
    }
}
