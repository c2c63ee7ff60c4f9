//! The adapter on transcripts, without a router or a network.

use super::*;
use plugway_sdk::chat::FailureKind;
use plugway_sdk::provider::Framing;
use plugway_sdk::testing::{
    Answer, Transcript, check_contract, endpoint, explained, request, streamed, whole,
};

#[test]
fn encodes_text() {
    let upstream = Minimal::encode(request(), endpoint(&[])).unwrap();
    let body: Value = serde_json::from_slice(&upstream.body).unwrap();
    assert_eq!(body["messages"], json!([{"role": "user", "content": "hi"}]));
    assert_eq!(body["stream"], json!(false));
}

#[test]
fn refuses_what_it_cannot_say() {
    let mut asked = request();
    asked.messages[0].parts = vec![PartBody::Native("{}".into()).into()];
    let failure = Minimal::encode(asked, endpoint(&[])).err().unwrap();
    assert_eq!(failure.kind, FailureKind::Unsupported);
}

#[test]
fn whole_and_streamed_answers_are_the_same() {
    let body = r#"{"id":"r1","choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let chunks = [
        r#"{"id":"r1","choices":[{"delta":{"content":"Hel"}}]}"#,
        r#"{"id":"r1","choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}]}"#,
        r#"{"id":"r1","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
        "[DONE]",
    ];
    let at_once = whole::<Minimal>(&Transcript::new(200, body), "");
    let in_bits = streamed::<Minimal>(&Transcript::sse(chunks), Framing::Sse, "");
    check_contract(&at_once).unwrap();
    check_contract(&in_bits).unwrap();
    assert_eq!(Answer::of(&at_once), Answer::of(&in_bits));
    assert_eq!(Answer::of(&in_bits).text(0), "Hello");
}

#[test]
fn failures() {
    let cut = Transcript::sse([r#"{"choices":[{"delta":{"content":"Hel"}}]}"#]);
    let events = streamed::<Minimal>(&cut, Framing::Sse, "");
    assert_eq!(Answer::of(&events).failure.map(|it| it.kind), Some(FailureKind::Unavailable));
    let refused = Transcript::new(429, "").header("retry-after", "2");
    let failure = explained::<Minimal>(&refused);
    assert_eq!((failure.kind, failure.retry_after_ms), (FailureKind::RateLimited, Some(2000)));
}
