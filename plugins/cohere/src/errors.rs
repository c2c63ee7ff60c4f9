//! What the API's errors mean for the request: whose fault, and whether another
//! endpoint may do better. An error is a message and an id; the status tells the rest.

use plugway_formats::report::{cleaned, kind_of_prose};
use plugway_sdk::chat::{Failure, FailureKind};
use plugway_sdk::provider::{ResponseHead, UpstreamResponse};
use serde_json::Value;

/// Explains a response that is no success.
pub(crate) fn explain(response: &UpstreamResponse) -> Failure {
    let body = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
    let message = body.get("message").and_then(Value::as_str);
    failure(&response.head, message.unwrap_or_default())
}

/// The error in a body or event that came with a success; none in an answer, whose
/// message is an object.
pub(crate) fn inside(answer: &Value) -> Option<Failure> {
    let message = answer.get("message")?.as_str()?;
    Some(failed(message))
}

/// What an answer says that failed while it was written.
pub(crate) fn failed(message: &str) -> Failure {
    failure(&ResponseHead { status: 500, headers: Vec::new() }, message)
}

/// The provider answered with something that is no answer.
pub(crate) fn unreadable() -> Failure {
    Failure::unavailable("Cohere sent an answer that cannot be read")
}

fn failure(head: &ResponseHead, message: &str) -> Failure {
    let status = head.status;
    let kind = kind(status, &message.to_ascii_lowercase());
    let message = match cleaned(message) {
        // A proxy's page, most likely.
        empty if empty.is_empty() => format!("Cohere answered with status {status}"),
        message => message,
    };
    Failure { kind, ..Failure::from_head(head, message) }
}

fn kind(status: u16, message: &str) -> FailureKind {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    match status {
        // Input or output was blocked.
        498 => FailureKind::ContentPolicy,
        // The client was taken to have left.
        499 => FailureKind::Timeout,
        400 | 422 if says(&["too many tokens", "token limit"]) => {
            FailureKind::ContextLengthExceeded
        }
        // A monthly allowance is money, not speed.
        429 if says(&["month"]) => FailureKind::PaymentRequired,
        401 => FailureKind::Authentication,
        _ => kind_of_prose(status, message).unwrap_or_else(|| FailureKind::from_status(status)),
    }
}
