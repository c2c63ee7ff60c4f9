//! Responses, as every route writes them.

use super::Body;
use crate::error::{Code, Error, Why};
use crate::record::{GenerationId, Record};
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, Empty, Full};
use plugway_inflate::TAKEN;
use plugway_wire::{Dialect, ErrorBody};
use serde_json::{Value, json};

/// Names the generation in every inference response.
pub(crate) const GENERATION_ID: HeaderName = HeaderName::from_static("x-generation-id");

/// OpenRouter's headers of a limit. They come with refusals of the router's own only.
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// Milliseconds since the Unix epoch.
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A whole body.
pub(crate) fn full(
    status: StatusCode,
    content_type: HeaderValue,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response =
        Response::new(Full::new(body.into()).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A JSON body.
pub(crate) fn json_text(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    full(status, JSON, body)
}

/// An error, with its status from the one table, in the envelope of OpenAI's clients.
pub(crate) fn error(error: &Error, id: Option<&GenerationId>) -> Response<Body> {
    error_in(Dialect::OpenAiChat, error, id)
}

/// An error, with its status from the one table, in the envelope of a dialect.
pub(crate) fn error_in(
    dialect: Dialect,
    error: &Error,
    id: Option<&GenerationId>,
) -> Response<Body> {
    told(dialect, error, &envelope(error, id))
}

/// The error that a request ended with, and how it was routed, where its client wants to
/// know.
pub(crate) fn error_of(dialect: Dialect, error: &Error, record: &Record) -> Response<Body> {
    told(dialect, error, &envelope_of(error, record))
}

fn told(dialect: Dialect, error: &Error, envelope: &ErrorBody) -> Response<Body> {
    let status = error.code.status();
    let mut response = json_text(status, dialect.encode_error(envelope));
    if let Some(seconds) = error.retry_seconds() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.code == Code::Unauthorized {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if error.code == Code::UnsupportedCoding {
        response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static(TAKEN));
    }
    if let Some(standing) = &error.standing {
        let headers = response.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(standing.limit));
        headers.insert(REMAINING, HeaderValue::from(standing.remaining));
        headers.insert(RESET, HeaderValue::from(standing.reset_ms));
    }
    if let Some(id) = envelope.id.as_deref().and_then(|id| HeaderValue::try_from(id).ok()) {
        response.headers_mut().insert(GENERATION_ID, id);
    }
    response
}

/// The error that a request ended with, as a dialect's envelope wants it.
pub(crate) fn envelope_of(error: &Error, record: &Record) -> ErrorBody {
    // Of the router's own failures nothing more is told.
    let router = record.metadata().filter(|_| error.code != Code::Internal);
    ErrorBody { router, ..envelope(error, Some(&record.id)) }
}

/// The same error as a dialect's envelope wants it.
pub(crate) fn envelope(error: &Error, id: Option<&GenerationId>) -> ErrorBody {
    ErrorBody {
        status: error.code.status().as_u16(),
        message: error.message.clone(),
        kind: error.code.error_type(),
        class: error.code.class(),
        code: Some(error.code.name().to_owned()),
        param: error.param.as_deref().map(str::to_owned),
        provider_name: error.provider.clone(),
        provider_code: error.provider_code.as_deref().map(str::to_owned),
        metadata: metadata(error),
        availability: error.availability().map(|it| it.to_string()),
        id: id.map(ToString::to_string),
        router: None,
    }
}

/// Why each endpoint did not serve, and what failed before the error that is told.
fn metadata(error: &Error) -> Vec<(String, String)> {
    let mut metadata = Vec::new();
    let reasons = &error.reasons;
    if !reasons.is_empty() {
        let endpoints = reasons.all().iter().map(|reason| {
            let code = match reason.why {
                Why::Excluded(cause) => cause.name(),
                Why::Failed(code) => code.name(),
            };
            json!({
                "endpoint": reason.endpoint,
                "provider": reason.provider,
                "model": reason.model,
                "code": code,
                "reason": reason.text,
            })
        });
        metadata.push(("endpoints".to_owned(), Value::from_iter(endpoints).to_string()));
    }
    let mut failures: Vec<_> = reasons.failures().collect();
    // The last of them is the error itself.
    failures.pop_if(|_| error.provider.is_some());
    if !failures.is_empty() {
        let previous = failures.into_iter().map(|(reason, code)| {
            let status = code.status().as_u16();
            json!({"provider": reason.provider, "code": code.name(), "status": status})
        });
        metadata.push(("previous_errors".to_owned(), Value::from_iter(previous).to_string()));
    }
    if reasons.is_pinned() {
        metadata.push(("pinned".to_owned(), "true".to_owned()));
    }
    metadata
}

/// Says which generation the response is.
pub(crate) fn name_generation(response: &mut Response<Body>, id: &GenerationId) {
    if let Ok(value) = HeaderValue::try_from(id.as_str()) {
        response.headers_mut().insert(GENERATION_ID, value);
    }
}

/// No body.
pub(super) fn nothing(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// The same head without the body: HTTP/2 does not leave that out by itself.
pub(super) fn head_only(response: Response<Body>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(head, Empty::new().map_err(|never| match never {}).boxed_unsync())
}

pub(super) fn method_not_allowed(dialect: Dialect, allowed: &'static str) -> Response<Body> {
    let message = format!("This route takes {allowed} only.");
    let mut response = error_in(dialect, &Error::new(Code::MethodNotAllowed, message), None);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}
