//! What the API's errors are taken for.

use cohere::Cohere;
use plugway_sdk::chat::FailureKind;
use plugway_sdk::testing::{Transcript, explained};
use serde_json::json;

#[test]
fn statuses_and_words_become_kinds() {
    use FailureKind::*;
    let cases = [
        (400, "invalid request: message must be at least 1 token long", InvalidRequest),
        (400, "too many tokens: size limit exceeded by 11326 tokens", ContextLengthExceeded),
        (400, "tool_choice is not supported for this model", Unsupported),
        (401, "invalid api token", Authentication),
        (402, "Please add a payment method", PaymentRequired),
        (403, "you may not use this model", PermissionDenied),
        (404, "model 'command-x' not found, make sure the ID is right", ModelNotFound),
        (422, "invalid type: parameter p is of type string", InvalidRequest),
        (429, "Too many requests: limited to 20 calls / minute", RateLimited),
        (429, "You are using a Trial key, limited to 1000 API calls / month", PaymentRequired),
        (498, "Please enter valid text; the message was blocked", ContentPolicy),
        (499, "request cancelled", Timeout),
        (500, "internal server error", Unavailable),
        (503, "service unavailable", Overloaded),
        (504, "timed out", Timeout),
    ];
    for (status, message, kind) in cases {
        let body = json!({"message": message, "id": "e1"});
        let failure = explained::<Cohere>(&Transcript::new(status, body.to_string()));
        assert_eq!(failure.kind, kind, "{status} {message}");
        assert_eq!(failure.message, message);
    }
}

#[test]
fn bodies_that_are_no_errors_leave_the_status_to_speak() {
    for body in ["", "<html>Bad Gateway</html>", "null", "[]", r#"{"message":null}"#] {
        let failure = explained::<Cohere>(&Transcript::new(502, body));
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert_eq!(failure.message, "Cohere answered with status 502");
    }
}

#[test]
fn retry_after_is_passed_on_and_keys_are_not() {
    let body = json!({"message": "key co-Zk3mQ9vB7xT1nL5wR8cJ2hD6sF4gA0pY is slow"});
    let transcript = Transcript::new(429, body.to_string()).header("retry-after", "3");
    let failure = explained::<Cohere>(&transcript);
    assert_eq!(failure.retry_after_ms, Some(3000));
    assert_eq!(failure.message, "key [redacted] is slow");
}
