//! What the API's errors mean for the request: whose fault, and whether another
//! endpoint may do better.

use plugway_sdk::chat::{Failure, FailureKind};
use plugway_sdk::provider::UpstreamResponse;

use crate::json::Fields;
use crate::report::cleaned;

/// Explains a response that is no success.
pub(super) fn explain(response: &UpstreamResponse) -> Failure {
    let head = &response.head;
    let body = std::str::from_utf8(&response.body).ok().and_then(Fields::read);
    match body.and_then(|body| ApiError::read(&body)) {
        Some(error) => Failure {
            retry_after_ms: head.retry_after_ms(),
            ..error.failure(FailureKind::from_status(head.status))
        },
        // A proxy's page, most likely.
        None => Failure::from_head(head, format!("Anthropic answered with status {}", head.status)),
    }
}

/// The error in an answer that began as a success; none where it is a message.
pub(super) fn inside(answer: &Fields) -> Option<Failure> {
    let is_error = answer.text("type").as_deref() == Some("error");
    if !is_error && answer.get("content").is_some() {
        return None;
    }
    Some(ApiError::read(answer)?.failure(FailureKind::Unavailable))
}

struct ApiError {
    kind: Option<String>,
    message: String,
    /// Finer than the kind, where there is one.
    code: Option<String>,
}

impl ApiError {
    fn read(body: &Fields) -> Option<Self> {
        let error = Fields::read(body.get("error")?)?;
        let details = error.get("details").and_then(Fields::read);
        Some(Self {
            kind: error.text("type"),
            message: error.text("message").unwrap_or_default(),
            code: details.and_then(|details| details.text("error_code")),
        })
    }

    /// `implied` is what stands where the error's type is unknown.
    fn failure(self, implied: FailureKind) -> Failure {
        let kind = match self.kind.as_deref() {
            // The request came too slowly, which says nothing of what it asks for.
            Some("invalid_request_error") if implied == FailureKind::Timeout => implied,
            Some("invalid_request_error") => refused(&self.message),
            Some("authentication_error") => FailureKind::Authentication,
            Some("permission_error") => FailureKind::PermissionDenied,
            Some("billing_error") => FailureKind::PaymentRequired,
            Some("not_found_error") if self.message.starts_with("File") => {
                FailureKind::InvalidRequest
            }
            Some("not_found_error") => FailureKind::ModelNotFound,
            Some("request_too_large") => FailureKind::ContextLengthExceeded,
            Some("rate_limit_error") if self.is_about_money() => FailureKind::PaymentRequired,
            Some("rate_limit_error") => FailureKind::RateLimited,
            Some("overloaded_error") => FailureKind::Overloaded,
            Some("timeout_error") => FailureKind::Timeout,
            Some("api_error") => FailureKind::Unavailable,
            // Of another server that speaks this format.
            _ if implied == FailureKind::InvalidRequest => refused(&self.message),
            _ => implied,
        };
        let message = match self.message.trim() {
            "" => "Anthropic refused the request without a reason".into(),
            message => cleaned(message),
        };
        Failure {
            param: param(&self.message, kind),
            code: self.code.or(self.kind),
            ..Failure::new(kind, message)
        }
    }

    /// A limit on spending, not on speed.
    fn is_about_money(&self) -> bool {
        self.code.as_deref().is_some_and(|code| code.ends_with("spend_limit_reached"))
    }
}

/// The API calls most things an invalid request; only its message tells them apart.
fn refused(message: &str) -> FailureKind {
    let message = message.to_ascii_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    if says(&["prompt is too long", "exceed context limit", "context window", "context size"]) {
        FailureKind::ContextLengthExceeded
    } else if says(&["credit balance", "usage limits", "spend limit"]) {
        FailureKind::PaymentRequired
    } else if says(&["content filtering policy", "usage policy"]) {
        FailureKind::ContentPolicy
    } else if says(&[
        "not support",
        "unsupported",
        "schema is too",
        "schemas contain",
        "too many strict",
    ]) {
        // Its own bounds: another provider may have others.
        FailureKind::Unsupported
    } else {
        FailureKind::InvalidRequest
    }
}

/// The field that a message such as `tools.0.name: Field required` begins with.
fn param(message: &str, kind: FailureKind) -> Option<String> {
    let (field, _) = message.split_once(": ")?;
    let is_field = field
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_'));
    let of_request = matches!(
        kind,
        FailureKind::InvalidRequest | FailureKind::ModelNotFound | FailureKind::Unsupported
    );
    (is_field && of_request && !field.is_empty()).then(|| field.into())
}
