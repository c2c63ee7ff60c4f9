//! Responses, as every route writes them.

use super::Body;
use crate::error::{Code, Error};
use crate::record::{GenerationId, Record};
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
};
use http::{Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, Empty, Full};
use plugway_inflate::TAKEN;
use plugway_wire::{Dialect, ErrorBody};
use serde_json::json;

/// Names the generation in every inference response.
pub(crate) const GENERATION_ID: HeaderName = HeaderName::from_static("x-generation-id");

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
    if let Some(wait) = error.retry_after {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.code == Code::UnsupportedCoding {
        response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static(TAKEN));
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
    let mut metadata = Vec::new();
    if !error.reasons.is_empty() {
        let reasons: Vec<_> = error
            .reasons
            .iter()
            .map(|(endpoint, reason)| json!({"endpoint": endpoint, "reason": reason}))
            .collect();
        metadata.push(("endpoints".to_owned(), serde_json::Value::from(reasons).to_string()));
    }
    ErrorBody {
        status: error.code.status().as_u16(),
        message: error.message.clone(),
        kind: error.code.error_type(),
        class: error.code.class(),
        code: Some(error.code.name().to_owned()),
        param: error.param.as_deref().map(str::to_owned),
        provider_name: error.provider.clone(),
        provider_code: error.provider_code.as_deref().map(str::to_owned),
        metadata,
        id: id.map(ToString::to_string),
        router: None,
    }
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
