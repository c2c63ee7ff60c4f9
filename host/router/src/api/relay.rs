//! `/v1/providers/{name}/...`: what a provider offers beside what is understood
//! here (images, audio, files, batches), passed on as it is under the operator's
//! credential. Only paths that the operator lists. Nothing of it is accounted.

use super::admitted::Admitted;
use super::{Body, deadline, respond};
use crate::catalog::Provider;
use crate::error::{Code, Error};
use crate::route::credentials;
use crate::telemetry::{Metrics, RequestLabels};
use crate::upstream::{
    Broken, Called, RelayBounds, RelayedBody, TokenEndpoint, connection_headers, refusal, relay,
    unsent,
};
use crate::{Router, Settings};
use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use plugway_accounts::Pass;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

pub(super) const ROUTE: &str = "/v1/providers/{name}/{path}";

/// Headers of a provider's that are of its connection, its proxies or its site, or that
/// the operator's front proxy would obey.
const NOT_PASSED_BACK: [&str; 14] = [
    "access-control-allow-credentials",
    "access-control-allow-origin",
    "alt-svc",
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "set-cookie",
    "strict-transport-security",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
    "x-accel-redirect",
];

/// What may be asked of a provider. `TRACE` would show the credential.
pub(super) const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// Whether a request may be passed on.
pub(super) fn takes(method: &Method) -> bool {
    METHODS.split(", ").any(|known| known == method.as_str())
}

/// Passes one request on. Its places, the provider's too, are held until the answer has ended.
pub(super) async fn pass(
    router: Arc<Router>,
    settings: Arc<Settings>,
    request: Request<Incoming>,
    (provider, path): (&str, &str),
    admitted: Admitted,
) -> Response<Body> {
    let permitted = admitted.caller.may_relay(provider);
    let mut record = Record::open(&router, request.method(), provider, admitted);
    if let Err(error) = permitted {
        record.status = Some(error.code.status());
        record.error = Some(error.code);
        return respond::error(&error, None);
    }
    match answer(&router, &settings, request, provider, path, &mut record).await {
        Ok(response) => {
            record.status = Some(response.status());
            record.expected = http_body::Body::size_hint(response.body()).exact();
            response.map(|body| Recorded { body, record }.boxed_unsync())
        }
        Err(error) => {
            record.status = Some(error.code.status());
            record.error = Some(error.code);
            respond::error(&error, None)
        }
    }
}

async fn answer(
    router: &Router,
    settings: &Settings,
    request: Request<Incoming>,
    name: &str,
    path: &str,
    record: &mut Record,
) -> Result<Response<Body>, Error> {
    let (provider, prefix) = allowed(settings, name, path)?;
    prefix.clone_into(&mut record.prefix);
    let (parts, body) = request.into_parts();
    let bounds = &settings.config.upstream;
    let time = deadline::of(&parts.headers, settings.config.server.request_deadline)?;
    let deadline = Instant::now() + time;
    let upload = RelayBounds {
        limit: bounds.max_upload_bytes,
        idle: settings.config.server.body_timeout,
        deadline,
    };
    if body_is_larger(&body, upload.limit) {
        return Err(too_large(upload.limit));
    }
    let mut outgoing = relay(&parts, path, RelayedBody::new(body, upload), provider)
        .map_err(|breach| Error::new(Code::InvalidRequest, sentence(&breach.to_string())))?;
    let head_by = deadline.min(Instant::now() + bounds.head_timeout);
    let endpoint = TokenEndpoint { client: &settings.upstream, bounds, until: head_by };
    let caller = &record.admitted.caller;
    let credential = credentials::first(router, Some(caller), provider).map_err(|rest| {
        let message =
            format!("The provider `{name}` cannot be called: {}.", credentials::reason(rest));
        Error { retry_after: Some(rest), ..Error::new(Code::TemporarilyUnavailable, message) }
    })?;
    record.provider_place = router.rates.enter_provider(provider).map_err(|limited| {
        let message = format!("The provider `{name}` cannot be called: {limited}.");
        let error = Error::new(Code::TemporarilyUnavailable, message);
        Error { retry_after: Some(limited.retry_after), ..error }
    })?;
    let credential = credential.as_deref();
    let attached = router.credentials.attach(provider, credential, &mut outgoing, endpoint).await;
    attached.map_err(|error| error.told(credential))?;
    // What is uploaded takes its time, and its own bounds hold for it.
    let is_upload = !http_body::Body::is_end_stream(&outgoing.body);
    let sent_by = if is_upload { deadline } else { head_by };
    // A client's body is not held, so it is never sent again.
    let sent = settings.upstream.send(outgoing, || {});
    let response = match timeout_at(sent_by, sent).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(not_sent(name, &error)),
        Err(_) => {
            let message = format!("The provider `{name}` sent no response head in time.");
            return Err(Error::upstream(Code::ProviderTimeout, name, message));
        }
    };
    let download =
        RelayBounds { limit: bounds.max_download_bytes, idle: bounds.idle_timeout, deadline };
    let patience = bounds.error_body_timeout;
    let from = (provider, credential);
    Ok(passed_back(router, from, response, download, patience).await)
}

/// The provider, if it is active, and the listed path that covers the one asked for.
fn allowed<'a>(
    settings: &'a Settings,
    name: &str,
    path: &str,
) -> Result<(&'a Provider, &'a str), Error> {
    let Some(provider) = settings.config.catalog.providers.get(name) else {
        let message =
            "There is no active provider of that name here; GET /v1/models tells what is.";
        return Err(Error::new(Code::NotFound, message));
    };
    let covers = |listed: &&String| {
        let rest = path.strip_prefix(listed.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match provider.relay.iter().find(covers) {
        Some(listed) => Ok((provider, listed)),
        None => Err(Error::new(
            Code::NotFound,
            format!(
                "This path of the provider `{name}` is not open here; the operator lists those \
                 that are under `relay` of [providers.{name}]."
            ),
        )),
    }
}

fn body_is_larger(body: &Incoming, limit: usize) -> bool {
    use http_body::Body as _;
    body.size_hint().lower() > limit as u64
}

fn too_large(limit: usize) -> Error {
    let message =
        format!("The body is larger than the {limit} bytes that upstream.max_upload allows.");
    Error::new(Code::PayloadTooLarge, message)
}

/// What kept the request from reaching the provider: the client's body, or the way.
fn not_sent(name: &str, failure: &legacy::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(failure);
    while let Some(error) = cause {
        match error.downcast_ref() {
            Some(Broken::TooLarge { limit }) => return too_large(*limit),
            Some(Broken::TooSlow) => {
                let message = "The body did not arrive within server.body_timeout.";
                return Error::new(Code::RequestTimeout, message);
            }
            Some(Broken::Off) => {
                let message = "The body broke off before its end.";
                return Error::new(Code::InvalidRequest, message);
            }
            None => cause = error.source(),
        }
    }
    unsent(name, failure)
}

fn sentence(breach: &str) -> String {
    let mut characters = breach.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}

/// The provider's answer. What is no success is held whole, for some quote the
/// credential.
async fn passed_back(
    router: &Router,
    called: Called<'_>,
    response: Response<Incoming>,
    bounds: RelayBounds,
    patience: Duration,
) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let mut headers = headers(router, called, &parts.headers);
    let body = if parts.status.is_success() {
        RelayedBody::new(body, bounds).boxed_unsync()
    } else {
        headers.remove(CONTENT_ENCODING);
        let told = (&parts, body);
        let text = refusal(router, called, told, bounds.idle, patience).await;
        Full::new(text.unwrap_or_default()).map_err(|never| match never {}).boxed_unsync()
    };
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    *response.headers_mut() = headers;
    response
}

/// The provider's headers, but for those of its connection and its cookies, which are
/// the operator's.
fn headers(router: &Router, called: Called<'_>, from: &HeaderMap) -> HeaderMap {
    let named = connection_headers(from);
    let mut headers = HeaderMap::with_capacity(from.len());
    for (name, value) in from {
        if NOT_PASSED_BACK.contains(&name.as_str()) || named.contains(name) {
            continue;
        }
        let mut bytes = value.as_bytes().to_vec();
        router.credentials.mask(called, &mut bytes);
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            headers.append(name.clone(), value);
        }
    }
    headers
}

/// One line of the access log, written when the answer has ended, however it ends.
struct Record {
    metrics: Arc<Metrics>,
    began: std::time::Instant,
    method: Method,
    provider: String,
    /// The listed path, never the one asked for: that may hold anything.
    prefix: String,
    /// None while the head has not been sent.
    status: Option<StatusCode>,
    error: Option<Code>,
    /// Passed back so far.
    bytes: u64,
    /// What the answer has in all, where that is known.
    expected: Option<u64>,
    is_complete: bool,
    admitted: Admitted,
    /// Among the requests that the provider may be sent.
    provider_place: Option<Pass>,
}

impl Record {
    fn open(router: &Router, method: &Method, provider: &str, admitted: Admitted) -> Self {
        router.metrics.in_flight.inc();
        let is_known = |it: &str| router.settings().config.catalog.providers.contains_key(it);
        Self {
            metrics: router.metrics.clone(),
            began: std::time::Instant::now(),
            method: method.clone(),
            provider: if is_known(provider) { provider.to_owned() } else { String::new() },
            prefix: String::new(),
            status: None,
            error: None,
            bytes: 0,
            expected: None,
            is_complete: false,
            admitted,
            provider_place: None,
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
        // 499 is what access logs say of a client that left before an answer.
        let status = self.status.map_or(499, |status| status.as_u16());
        self.metrics.requests.get_or_create(&RequestLabels { route: ROUTE, status }).inc();
        let outcome = match self.error {
            Some(code) => code.name(),
            None if self.is_complete || self.expected == Some(self.bytes) => "ok",
            None => "cancelled",
        };
        tracing::info!(
            target: "plugway::access",
            route = ROUTE,
            method = %self.method,
            provider = self.provider,
            path = self.prefix,
            status,
            outcome,
            response_bytes = self.bytes,
            duration_ms = self.began.elapsed().as_millis() as u64,
        );
    }
}

/// An answer that is on its way, and its record.
struct Recorded {
    body: Body,
    record: Record,
}

impl http_body::Body for Recorded {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let next = Pin::new(&mut self.body).poll_frame(context);
        match &next {
            Poll::Ready(Some(Ok(frame))) => {
                self.record.bytes += frame.data_ref().map_or(0, |chunk| chunk.len() as u64);
            }
            Poll::Ready(Some(Err(_))) => self.record.error = Some(Code::ProviderUnavailable),
            Poll::Ready(None) => self.record.is_complete = true,
            Poll::Pending => {}
        }
        next
    }

    /// Not known before it was asked: a body that ends is dropped before its last
    /// bytes are sent, and an answer without a body has to be asked too.
    fn is_end_stream(&self) -> bool {
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
