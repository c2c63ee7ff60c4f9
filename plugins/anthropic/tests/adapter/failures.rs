//! What the API's errors are taken for.

use anthropic::Anthropic;
use plugway_sdk::chat::{Failure, FailureKind};
use plugway_sdk::testing::{Transcript, explained};
use serde_json::json;

fn explain(status: u16, error: &str, message: &str) -> Failure {
    let body = json!({
        "type": "error",
        "error": {"type": error, "message": message},
        "request_id": "req_1",
    });
    explained::<Anthropic>(&Transcript::new(status, body.to_string()))
}

#[test]
fn error_types_become_kinds() {
    use FailureKind::*;
    let invalid = "invalid_request_error";
    let cases = [
        (400, invalid, "temperature: range: 0..1", InvalidRequest),
        (400, invalid, "prompt is too long: 200001 tokens > 200000 maximum", ContextLengthExceeded),
        (
            400,
            invalid,
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
            ContextLengthExceeded,
        ),
        (
            400,
            invalid,
            "Your credit balance is too low to access the Anthropic API.",
            PaymentRequired,
        ),
        (400, invalid, "You have reached your specified API usage limits.", PaymentRequired),
        (400, invalid, "Output blocked by content filtering policy", ContentPolicy),
        (400, invalid, "This model does not support effort level 'xhigh'.", Unsupported),
        (400, invalid, "Schema is too complex for compilation.", Unsupported),
        (
            400,
            "exceed_context_size_error",
            "request (3031 tokens) exceeds the available context size (2048 tokens)",
            ContextLengthExceeded,
        ),
        (401, "authentication_error", "invalid x-api-key", Authentication),
        (402, "billing_error", "Check your payment details.", PaymentRequired),
        (403, "permission_error", "Not for this key.", PermissionDenied),
        (404, "not_found_error", "model: claude-none", ModelNotFound),
        (404, "not_found_error", "File not found: file_1", InvalidRequest),
        (413, "request_too_large", "Request exceeds the maximum size", ContextLengthExceeded),
        (429, "rate_limit_error", "Slow down.", RateLimited),
        (500, "api_error", "Internal server error", Unavailable),
        (504, "timeout_error", "Timed out.", Timeout),
        (529, "overloaded_error", "Overloaded", Overloaded),
        (409, "conflict_error", "Twice.", Other),
    ];
    for (status, error, message, kind) in cases {
        let failure = explain(status, error, message);
        assert_eq!(failure.kind, kind, "{error}: {message}");
        assert_eq!(failure.message, message);
        assert_eq!(failure.code.as_deref(), Some(error));
    }
}

#[test]
fn the_field_at_fault_is_named() {
    let cases = [
        ("temperature: range: 0..1", Some("temperature")),
        (
            "tools.0.custom.input_schema.type: Field required",
            Some("tools.0.custom.input_schema.type"),
        ),
        ("prompt is too long: 5 > 4", None),
        ("no field here", None),
    ];
    for (message, param) in cases {
        let failure = explain(400, "invalid_request_error", message);
        assert_eq!(failure.param.as_deref(), param, "{message}");
    }
}

#[test]
fn spending_limits_are_no_rate_limits() {
    let body = json!({"type": "error", "error": {
        "type": "rate_limit_error",
        "message": "Limit reached.",
        "details": {"error_code": "enforced_spend_limit_reached"},
    }});
    let failure = explained::<Anthropic>(&Transcript::new(429, body.to_string()));
    assert_eq!(failure.kind, FailureKind::PaymentRequired);
    assert_eq!(failure.code.as_deref(), Some("enforced_spend_limit_reached"));
}

#[test]
fn a_request_that_came_too_slowly_is_not_wrong() {
    let failure = explain(408, "invalid_request_error", "Timed out reading the request body.");
    assert_eq!(failure.kind, FailureKind::Timeout);
}

#[test]
fn retry_after_is_passed_on() {
    let body = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "Slow."}});
    let transcript = Transcript::new(429, body.to_string()).header("retry-after", "12");
    assert_eq!(explained::<Anthropic>(&transcript).retry_after_ms, Some(12_000));
}

#[test]
fn bodies_that_are_no_errors_leave_the_status_to_speak() {
    let cases = [
        (502, "<html><body>Bad Gateway</body></html>", FailureKind::Unavailable),
        (403, "<html>blocked</html>", FailureKind::PermissionDenied),
        (529, "", FailureKind::Overloaded),
        (503, "{\"detail\":\"down\"}", FailureKind::Overloaded),
    ];
    for (status, body, kind) in cases {
        let failure = explained::<Anthropic>(&Transcript::new(status, body));
        assert_eq!(failure.kind, kind);
        assert_eq!(failure.message, format!("Anthropic answered with status {status}"));
    }
}

#[test]
fn credentials_never_reach_the_client() {
    let secret = "Zk3mQ9vB7xT1nL5wR8cJ2hD6sF4gA0pY";
    let message =
        format!("bad key sk-ant-api03-AbC_d-9, or {secret}? Ask for req_011CdufXo8Y2LVfY2veyuQWG.");
    let failure = explain(401, "authentication_error", &message);
    assert_eq!(
        failure.message,
        "bad key [redacted] or [redacted] Ask for req_011CdufXo8Y2LVfY2veyuQWG."
    );
    let long = explain(400, "invalid_request_error", &"ä ".repeat(2000));
    assert!(long.message.chars().count() < 700);
}
