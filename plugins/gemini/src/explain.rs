//! What Google's errors mean for the request: whose fault, and whether another
//! endpoint may do better.

use plugway_formats::anthropic_messages;
use plugway_formats::report::{cleaned, kind_of_prose};
use plugway_sdk::chat::{Failure, FailureKind};
use plugway_sdk::provider::UpstreamResponse;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::claude;

/// Explains a response that is no success.
pub(crate) fn explain(response: &UpstreamResponse) -> Failure {
    let head = &response.head;
    match ApiError::read(&response.body) {
        Some(error) => {
            let failure = error.failure(head.status);
            Failure { retry_after_ms: head.retry_after_ms().or(failure.retry_after_ms), ..failure }
        }
        None if claude::is_error(&response.body) => anthropic_messages::explain(response),
        // A proxy's page, most likely.
        None => Failure::from_head(head, format!("Google answered with status {}", head.status)),
    }
}

/// The error in an answer that began as a success.
pub(crate) fn inside(error: &RawValue) -> Failure {
    match serde_json::from_str::<ApiError>(error.get()) {
        Ok(error) => {
            let status = error.code.unwrap_or(500);
            error.failure(status)
        }
        Err(_) => Failure::unavailable("Gemini failed in the middle of its answer"),
    }
}

/// `google.rpc.Status`.
#[derive(Deserialize)]
struct ApiError {
    code: Option<u16>,
    message: Option<String>,
    status: Option<String>,
    details: Option<Vec<Option<Detail>>>,
}

#[derive(Deserialize)]
struct Wrapped {
    error: ApiError,
}

/// `ErrorInfo`, `RetryInfo` or `BadRequest`, told apart by their fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    reason: Option<String>,
    retry_delay: Option<String>,
    field_violations: Option<Vec<Violation>>,
}

#[derive(Deserialize)]
struct Violation {
    field: Option<String>,
}

impl ApiError {
    /// An object, or the list that a stream without frames is.
    fn read(body: &[u8]) -> Option<Self> {
        let wrapped: Option<Wrapped> = serde_json::from_slice(body).ok();
        let wrapped = wrapped.or_else(|| {
            let list: Vec<Wrapped> = serde_json::from_slice(body).ok()?;
            list.into_iter().next()
        });
        wrapped.map(|it| it.error)
    }

    fn failure(self, status: u16) -> Failure {
        let message = self.message.as_deref().unwrap_or_default().trim();
        let details: Vec<&Detail> = self.details.iter().flatten().flatten().collect();
        let reason = details.iter().find_map(|it| it.reason.as_ref());
        let kind = self.kind(status, reason.map(String::as_str), &message.to_lowercase());
        let violations = details.iter().flat_map(|it| it.field_violations.iter().flatten());
        Failure {
            code: reason.or(self.status.as_ref()).cloned(),
            param: violations.filter_map(|it| it.field.clone()).find(|field| !field.is_empty()),
            retry_after_ms: details.iter().find_map(|it| milliseconds(it.retry_delay.as_deref()?)),
            ..Failure::new(
                kind,
                match message {
                    "" => "Google refused the request without a reason".into(),
                    message => cleaned(message),
                },
            )
        }
    }

    fn kind(&self, status: u16, reason: Option<&str>, message: &str) -> FailureKind {
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
        if let Some(kind) = reason.and_then(kind_of_reason) {
            return kind;
        }
        match self.status.as_deref() {
            Some("INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE") => {
                kind_of_refusal(message, status)
            }
            Some("PERMISSION_DENIED") if says(&["unregistered callers", "api key"]) => {
                FailureKind::Authentication
            }
            // Of things that the request names.
            Some("PERMISSION_DENIED" | "NOT_FOUND") if says(&["cachedcontent", "the file "]) => {
                FailureKind::InvalidRequest
            }
            Some("RESOURCE_EXHAUSTED") if says(&["prepayment", "credits are depleted"]) => {
                FailureKind::PaymentRequired
            }
            Some("UNAUTHENTICATED") => FailureKind::Authentication,
            Some("PERMISSION_DENIED") => FailureKind::PermissionDenied,
            Some("NOT_FOUND") => FailureKind::ModelNotFound,
            // Its quotas are renewed by the minute or the day.
            Some("RESOURCE_EXHAUSTED") => FailureKind::RateLimited,
            Some("DEADLINE_EXCEEDED") => FailureKind::Timeout,
            Some("UNAVAILABLE") => FailureKind::Overloaded,
            Some("UNIMPLEMENTED") => FailureKind::Unsupported,
            Some("INTERNAL" | "UNKNOWN" | "DATA_LOSS" | "ABORTED" | "CANCELLED") => {
                FailureKind::Unavailable
            }
            _ => FailureKind::from_status(status),
        }
    }
}

fn kind_of_reason(reason: &str) -> Option<FailureKind> {
    Some(match reason {
        "API_KEY_INVALID"
        | "API_KEY_EXPIRED"
        | "ACCESS_TOKEN_EXPIRED"
        | "ACCESS_TOKEN_TYPE_UNSUPPORTED"
        | "CREDENTIALS_MISSING" => FailureKind::Authentication,
        "API_KEY_SERVICE_BLOCKED"
        | "API_KEY_HTTP_REFERRER_BLOCKED"
        | "API_KEY_IP_ADDRESS_BLOCKED"
        | "CONSUMER_SUSPENDED"
        | "SERVICE_DISABLED"
        | "IAM_PERMISSION_DENIED" => FailureKind::PermissionDenied,
        "BILLING_DISABLED" => FailureKind::PaymentRequired,
        "RATE_LIMIT_EXCEEDED" | "RESOURCE_QUOTA_EXCEEDED" => FailureKind::RateLimited,
        _ => return None,
    })
}

/// The API calls most things an invalid argument; only its message tells them apart.
fn kind_of_refusal(message: &str, status: u16) -> FailureKind {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    if says(&["api key"]) {
        FailureKind::Authentication
    } else if says(&["input token count", "maximum number of tokens"]) {
        FailureKind::ContextLengthExceeded
    } else if says(&["billing"]) {
        FailureKind::PaymentRequired
    } else if says(&["location is not supported"]) {
        FailureKind::PermissionDenied
    } else if says(&["cannot fetch content", "is not enabled for", "unsupported mime type"]) {
        // Another provider may fetch, or have it.
        FailureKind::Unsupported
    } else {
        kind_of_prose(400, message).unwrap_or_else(|| FailureKind::from_status(status))
    }
}

/// Of a duration such as `34.074824224s`.
fn milliseconds(duration: &str) -> Option<u64> {
    let seconds: f64 = duration.strip_suffix('s')?.parse().ok()?;
    let milliseconds = (seconds * 1000.0).round();
    // A week: beyond it the delay is nonsense, and the cast below is exact.
    (0.0..=604_800_000.0).contains(&milliseconds).then_some(milliseconds as u64)
}
