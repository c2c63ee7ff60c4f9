//! Refusals, and whose fault they are.

use super::OpenAi;
use FailureKind::*;
use plugway_sdk::chat::FailureKind;
use plugway_sdk::testing::{Transcript, explained};

fn check(status: u16, body: &str, expected: FailureKind) {
    let failure = explained::<OpenAi>(&Transcript::new(status, body));
    assert_eq!(failure.kind, expected, "{status} {body}");
    assert!(!failure.message.is_empty());
}

/// An error in OpenAI's own shape.
fn error(kind: &str, code: &str, message: &str) -> String {
    serde_json::json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
        .to_string()
}

#[test]
fn classes_of_errors() {
    let invalid = "invalid_request_error";
    check(400, &error(invalid, "invalid_value", "Invalid 'n'"), InvalidRequest);
    check(400, &error(invalid, "invalid_image_url", "Cannot fetch"), InvalidRequest);
    check(400, &error(invalid, "context_length_exceeded", "Too long"), ContextLengthExceeded);
    check(400, &error(invalid, "content_policy_violation", "No"), ContentPolicy);
    check(400, &error(invalid, "unsupported_parameter", "No 'top_p'"), Unsupported);
    check(401, &error(invalid, "invalid_api_key", "Incorrect key"), Authentication);
    check(403, &error(invalid, "unsupported_country", "Not here"), PermissionDenied);
    check(404, &error(invalid, "model_not_found", "No such model"), ModelNotFound);
    check(408, "", Timeout);
    check(429, &error("insufficient_quota", "insufficient_quota", "Pay"), PaymentRequired);
    check(429, &error("tokens", "rate_limit_exceeded", "Slower"), RateLimited);
    check(402, r#"{"error":{"message":"Insufficient credits","code":402}}"#, PaymentRequired);
    check(500, &error("server_error", "", "Oops"), Unavailable);
    check(502, "<html><body>Bad gateway</body></html>", Unavailable);
    check(503, &error("server_error", "", "Busy"), Overloaded);
    check(504, "upstream timed out", Timeout);
    check(529, "", Overloaded);
}

#[test]
fn shapes_of_other_servers() {
    check(404, r#"{"error":"no such model"}"#, ModelNotFound);
    check(401, r#"{"detail":"Invalid API Key"}"#, Authentication);
    check(422, r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#, InvalidRequest);
    check(
        400,
        r#"{"object":"error","message":"Invalid model: x","type":"invalid_model"}"#,
        ModelNotFound,
    );
    check(
        400,
        r#"[{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}]"#,
        InvalidRequest,
    );
    check(
        400,
        r#"{"error":{"code":400,"message":"exceeds the available context size"}}"#,
        ContextLengthExceeded,
    );
    check(500, r#"{"error":{"code":500,"message":"image input is not supported"}}"#, Unsupported);
    check(400, r#"{"error":{"code":"tool_use_failed","message":"bad call"}}"#, Unavailable);
}

#[test]
fn what_is_passed_on() {
    let transcript = Transcript::new(
        429,
        r#"{"error":{"message":"Too fast","type":"requests","code":null,"param":"n"}}"#,
    )
    .header("retry-after", "1.5");
    let failure = explained::<OpenAi>(&transcript);
    assert_eq!(failure.message, "Too fast");
    assert_eq!(failure.code.as_deref(), Some("requests"));
    assert_eq!(failure.param.as_deref(), Some("n"));
    assert_eq!(failure.retry_after_ms, Some(1500));
}

fn check_message(message: &str, expected: &str) {
    let failure = explained::<OpenAi>(&Transcript::new(400, error("", "", message)));
    assert_eq!(failure.message, expected);
}

#[test]
fn messages_hold_no_keys_and_no_pages() {
    check_message(
        "Incorrect API key provided: sk-proj-abc123. See https://example.com/keys.",
        "Incorrect API key provided: [redacted] See https://example.com/keys.",
    );
    check_message("for 'org-AbC' on\ntokens", "for [redacted] on tokens");
    check_message("key ****-key is\t invalid", "key [redacted] is invalid");
    check_message(&"long ".repeat(1000), &format!("{}...", &"long ".repeat(1000)[..600]));
    let page = explained::<OpenAi>(&Transcript::new(502, "<html>nginx at 10.0.0.7</html>"));
    assert_eq!(page.message, "the provider answered with status 502");
}
