//! What the server's errors are taken for.

use ollama::Ollama;
use plugway_sdk::chat::FailureKind;
use plugway_sdk::testing::{Transcript, explained};
use serde_json::json;

#[test]
fn statuses_and_words_become_kinds() {
    use FailureKind::*;
    let cases = [
        (400, "invalid options: temperature", InvalidRequest),
        (400, "registry.test/tiny:1b does not support tools", Unsupported),
        (400, "\"tiny:1b\" does not support thinking", Unsupported),
        (400, "invalid model name", ModelNotFound),
        (400, "the input length exceeds the context length", ContextLengthExceeded),
        (401, "unauthorized", Authentication),
        (402, "this model needs a subscription", PaymentRequired),
        (403, "not for you", PermissionDenied),
        (404, "model 'none:1b' not found", ModelNotFound),
        (429, "you have reached your hourly usage limit", RateLimited),
        (500, "model requires more system memory (9 GiB) than is available", Unavailable),
        (500, "model 'none:1b' not found", ModelNotFound),
        (502, "upstream error", Unavailable),
        (503, "server busy, please try again.  maximum pending requests exceeded", Overloaded),
    ];
    for (status, message, kind) in cases {
        let body = json!({"error": message});
        let failure = explained::<Ollama>(&Transcript::new(status, body.to_string()));
        assert_eq!(failure.kind, kind, "{status} {message}");
        let words: Vec<&str> = message.split_whitespace().collect();
        assert_eq!(failure.message, words.join(" "));
    }
}

#[test]
fn bodies_that_are_no_errors_leave_the_status_to_speak() {
    for body in ["", "404 page not found", "<html></html>", "null", "[]", r#"{"error":null}"#] {
        let failure = explained::<Ollama>(&Transcript::new(502, body));
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert_eq!(failure.message, "Ollama answered with status 502");
    }
}

#[test]
fn retry_after_is_passed_on() {
    let transcript = Transcript::new(429, r#"{"error":"slow"}"#).header("retry-after", "3");
    assert_eq!(explained::<Ollama>(&transcript).retry_after_ms, Some(3000));
}
