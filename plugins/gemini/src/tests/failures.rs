//! Refusals, and whose fault they are.

use super::*;
use FailureKind as Kind;
use plugway_sdk::chat::*;
use plugway_sdk::testing::explained;

fn explain(status: u16, body: &str) -> Failure {
    explained::<Gemini>(&Transcript::new(status, body))
}

fn error(code: u16, status: &str, message: &str, details: Value) -> String {
    json!({"error": {"code": code, "status": status, "message": message, "details": details}})
        .to_string()
}

fn check_kind(code: u16, status: &str, message: &str, expected: Kind) {
    let failure = explain(code, &error(code, status, message, json!([])));
    assert_eq!(failure.kind, expected, "{status}: {message}");
    assert_eq!((failure.message.as_str(), failure.code.as_deref()), (message, Some(status)));
}

#[test]
fn arguments_that_are_refused() {
    let check = |message: &str, expected| check_kind(400, "INVALID_ARGUMENT", message, expected);
    check("Please use a valid role: user, model.", Kind::InvalidRequest);
    check("API key not valid.", Kind::Authentication);
    check("API key expired. Please renew it.", Kind::Authentication);
    check(
        "The input token count (9) exceeds the maximum number of tokens allowed (5).",
        Kind::ContextLengthExceeded,
    );
    check(
        "The input token count is 9 but model only supports up to 5.",
        Kind::ContextLengthExceeded,
    );
    check("Logprobs is not enabled for this model", Kind::Unsupported);
    check("Cannot fetch content from the provided URL.", Kind::Unsupported);
    let location = "User location is not supported for the API use.";
    check_kind(400, "FAILED_PRECONDITION", location, Kind::PermissionDenied);
}

#[test]
fn every_status_has_its_kind() {
    let check = check_kind;
    check(401, "UNAUTHENTICATED", "Request had invalid credentials.", Kind::Authentication);
    check(403, "PERMISSION_DENIED", "The caller lacks permission.", Kind::PermissionDenied);
    let unregistered = "Method doesn't allow unregistered callers.";
    check(403, "PERMISSION_DENIED", unregistered, Kind::Authentication);
    let cached = "CachedContent not found (or permission denied)";
    check(403, "PERMISSION_DENIED", cached, Kind::InvalidRequest);
    check(404, "NOT_FOUND", "models/m is not found for API version v1beta", Kind::ModelNotFound);
    let file = "You do not have permission to access the File abc or it may not exist.";
    check(403, "PERMISSION_DENIED", file, Kind::InvalidRequest);
    check(404, "NOT_FOUND", "Model `projects/profile 1/m` not found.", Kind::ModelNotFound);
    check(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted", Kind::RateLimited);
    let depleted = "Your prepayment credits are depleted.";
    check(429, "RESOURCE_EXHAUSTED", depleted, Kind::PaymentRequired);
    check(500, "INTERNAL", "An internal error has occurred.", Kind::Unavailable);
    check(501, "UNIMPLEMENTED", "Not here.", Kind::Unsupported);
    check(503, "UNAVAILABLE", "The model is overloaded.", Kind::Overloaded);
    check(504, "DEADLINE_EXCEEDED", "Too slow.", Kind::Timeout);
    check(499, "A_STATUS_OF_THE_FUTURE", "What?", Kind::Other);
}

#[test]
fn details_tell_code_field_and_delay() {
    let details = json!([
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "q"}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.0748s"},
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"},
        null,
    ]);
    let failure = explain(429, &error(429, "RESOURCE_EXHAUSTED", "You exceeded it.", details));
    assert_eq!(failure.kind, Kind::RateLimited);
    assert_eq!(failure.code.as_deref(), Some("RATE_LIMIT_EXCEEDED"));
    assert_eq!(failure.retry_after_ms, Some(34_075));

    let details = json!([{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations":
        [{"field": "contents[0].parts", "description": "must not be empty"}]}]);
    let failure = explain(400, &error(400, "INVALID_ARGUMENT", "Empty.", details));
    assert_eq!(failure.param.as_deref(), Some("contents[0].parts"));

    let details = json!([{"reason": "API_KEY_INVALID", "domain": "googleapis.com"}]);
    let failure = explain(400, &error(400, "INVALID_ARGUMENT", "Bad key.", details));
    assert_eq!(failure.kind, Kind::Authentication);
    assert_eq!(failure.code.as_deref(), Some("API_KEY_INVALID"));

    for delay in ["soon", "-1s", "1e300s", "5"] {
        let details = json!([{"retryDelay": delay}]);
        let failure = explain(429, &error(429, "RESOURCE_EXHAUSTED", "Wait.", details));
        assert_eq!(failure.retry_after_ms, None, "{delay}");
    }
}

#[test]
fn a_header_knows_the_delay_best() {
    let body = error(429, "RESOURCE_EXHAUSTED", "Wait.", json!([{"retryDelay": "9s"}]));
    let transcript = Transcript::new(429, body).header("retry-after", "2");
    assert_eq!(explained::<Gemini>(&transcript).retry_after_ms, Some(2000));
}

#[test]
fn errors_come_under_any_name() {
    let body = error(429, "RESOURCE_EXHAUSTED", "Wait.", json!([]));
    // As an event stream that is none, and as the list that a stream without frames is.
    let named = Transcript::new(429, body.clone()).header("content-type", "text/event-stream");
    assert_eq!(explained::<Gemini>(&named).kind, Kind::RateLimited);
    assert_eq!(explain(429, &format!("[{body}\n]")).kind, Kind::RateLimited);
    let page = explain(502, "<html><title>Error 502 (Server Error)!!1</title></html>");
    assert_eq!((page.kind, page.code), (Kind::Unavailable, None));
    assert_eq!(explain(404, "").kind, Kind::ModelNotFound);
    let silent = explain(400, r#"{"error":{"code":400}}"#);
    assert_eq!(silent.kind, Kind::InvalidRequest);
    assert!(!silent.message.is_empty());
}

#[test]
fn keys_are_masked() {
    let body = error(403, "PERMISSION_DENIED", "Key AIzaSyA1b2C3 is blocked", json!([]));
    assert_eq!(explain(403, &body).message, "Key [redacted] is blocked");
}
