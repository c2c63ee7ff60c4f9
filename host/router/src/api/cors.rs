//! Web pages of other origins, where the operator lets them in: what a browser must be
//! told before it sends their requests and shows them the answers.
//!
//! No cookie or login of the browser's means anything here, so none is ever asked for
//! (`access-control-allow-credentials`): a page that knows a key sends it in a header.

use super::{Body, respond};
use crate::Settings;
use crate::config::CorsConfig;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

/// Headers of an answer that a page may read, beside those that it always may.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-generation-id, x-plugway-strategy, retry-after, x-ratelimit-limit, \
     x-ratelimit-remaining, x-ratelimit-reset",
);

/// Routes for operators, which no page is let in to.
const PRIVATE: [&str; 5] = ["/healthz", "/readyz", "/metrics", "/admin/reload", "/openapi.json"];

/// The same with all that is below them: presets hold content, the others are keys and
/// money.
const PRIVATE_BELOW: [&str; 6] =
    ["/v1/presets", "/v1/keys", "/v1/workspaces", "/v1/byok", "/v1/credits", "/v1/activity"];

/// Whether the route at this path is none for pages.
fn is_private(path: &str) -> bool {
    let below = path.strip_prefix("/api").unwrap_or(path);
    PRIVATE.contains(&path) || PRIVATE_BELOW.iter().any(|private| below.starts_with(private))
}

/// What an answer has to say to a browser. Made of the request, which is gone by then.
pub(super) struct Permission {
    /// The origins, as the answer names them; none where it may not be shown.
    origin: Option<HeaderValue>,
    /// Another origin would be answered otherwise.
    varies: bool,
}

impl Permission {
    /// For the answer to this request.
    pub(super) fn of(settings: &Settings, request: &Request<Incoming>) -> Self {
        let cors = &settings.config.server.cors;
        if cors.origins.is_empty() || is_private(request.uri().path()) {
            return Self { origin: None, varies: false };
        }
        if is_open(cors) {
            return Self { origin: Some(HeaderValue::from_static(ANY)), varies: false };
        }
        let origin = request.headers().get(ORIGIN).filter(|origin| is_listed(cors, origin));
        Self { origin: origin.cloned(), varies: true }
    }

    /// Marks the answer.
    pub(super) fn mark(self, response: &mut Response<Body>) {
        let headers = response.headers_mut();
        if self.varies {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = self.origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

/// Whether a page of this origin is let in.
pub(super) fn lets_in(settings: &Settings, path: &str, origin: &HeaderValue) -> bool {
    let cors = &settings.config.server.cors;
    !is_private(path) && (is_open(cors) || is_listed(cors, origin))
}

/// The answer to a browser that asks before it sends a page's request to a route that
/// takes `methods`; none where this is no such question, or the page is not let in.
pub(super) fn preflight(
    settings: &Settings,
    request: &Request<Incoming>,
    methods: &'static str,
) -> Option<Response<Body>> {
    let headers = request.headers();
    let is_question =
        request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let origin = headers.get(ORIGIN).filter(|_| is_question)?;
    if !lets_in(settings, request.uri().path(), origin) {
        return None;
    }
    let cors = &settings.config.server.cors;
    let mut response = respond::nothing(StatusCode::OK);
    let answer = response.headers_mut();
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    if let Some(allowed) = allowed_headers(cors, headers) {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(cors.max_age.as_secs()));
    answer.append(VARY, HeaderValue::from_static("access-control-request-headers"));
    Some(response)
}

/// Those that are listed, or else those that are asked for: a star would leave out the
/// one with the key.
fn allowed_headers(cors: &CorsConfig, asked: &HeaderMap) -> Option<HeaderValue> {
    if cors.headers.is_empty() {
        return asked.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    }
    HeaderValue::try_from(cors.headers.join(", ")).ok()
}

const ANY: &str = "*";

fn is_open(cors: &CorsConfig) -> bool {
    cors.origins.iter().any(|origin| origin == ANY)
}

fn is_listed(cors: &CorsConfig, origin: &HeaderValue) -> bool {
    cors.origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::accounts::AccountRoute;
    use crate::api::activity::ActivityRoute;
    use crate::api::presets::PresetRoute;

    /// What a key that a page has been given may be asked: what it may, and what came of its
    /// requests.
    const OF_ONE_KEY: [&str; 3] = ["/v1/key", "/v1/auth/key", "/v1/generation"];

    #[test]
    fn what_is_for_operators_is_for_no_page_whichever_route_is_added() {
        let accounts = AccountRoute::all().map(|(pattern, _)| pattern);
        let presets = PresetRoute::all().map(|route| route.name());
        let activity = [ActivityRoute::Sums, ActivityRoute::Rows].map(ActivityRoute::name);
        for pattern in accounts.chain(presets).chain(activity).chain(["/v1/generation"]) {
            for path in [pattern.to_owned(), format!("/api{pattern}")] {
                assert_eq!(is_private(&path), !OF_ONE_KEY.contains(&pattern), "{path}");
            }
        }
    }
}
