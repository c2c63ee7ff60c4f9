//! Anthropic's models on Vertex.

use super::*;
use plugway_sdk::chat::*;
use plugway_sdk::provider::{ResponseHead, UpstreamResponse};
use plugway_sdk::testing::explained;
use plugway_sdk::token_count::TokenCount;

const OPTIONS: [(&str, &str); 4] = [
    ("platform", "\"vertex\""),
    ("project", "\"acme\""),
    ("location", "\"us-east5\""),
    ("publisher", "\"anthropic\""),
];

const MODELS: &str = "/projects/acme/locations/us-east5/publishers/anthropic/models";

fn asks() -> Request {
    Request { model: "claude-sonnet-9@20310101".into(), max_tokens: Some(50), ..request() }
}

#[test]
fn the_model_is_in_the_path_and_the_version_in_the_body() {
    let whole = upstream(asks(), &OPTIONS).unwrap();
    assert_eq!(whole.path, format!("{MODELS}/claude-sonnet-9@20310101:rawPredict"));
    let body: Value = serde_json::from_slice(&whole.body).unwrap();
    assert_eq!(body["anthropic_version"], "vertex-2023-10-16");
    assert_eq!((body.get("model"), body["max_tokens"].as_u64()), (None, Some(50)));

    let stream = upstream(Request { streaming: true, ..asks() }, &OPTIONS).unwrap();
    assert_eq!(stream.path, format!("{MODELS}/claude-sonnet-9@20310101:streamRawPredict"));
    let body: Value = serde_json::from_slice(&stream.body).unwrap();
    assert_eq!(body["stream"], true);
}

#[test]
fn answers_are_read_in_their_own_format() {
    let asked = Request { dialect: "anthropic-messages".into(), ..asks() };
    let memo = upstream(asked, &OPTIONS).unwrap().memo;
    let body = json!({"id": "msg_1", "type": "message", "role": "assistant",
        "model": "claude-sonnet-9", "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 1}});
    let answer = decode_whole(&body, &memo);
    assert_eq!((answer.text(0).as_str(), answer.usage[0].prompt_tokens), ("hello", 3));

    let chunks = [
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "claude-sonnet-9",
            "usage": {"input_tokens": 3, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": "hello"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ];
    let streamed = decode_stream(&chunks, &memo);
    assert_eq!((&streamed.text(0), &streamed.usage), (&answer.text(0), &answer.usage));
    let cut = decode_stream(&chunks[..3], &memo);
    assert_eq!(cut.failure.unwrap().kind, FailureKind::Unavailable);
}

#[test]
fn errors_are_of_either_format() {
    let explain =
        |status, body: Value| explained::<Gemini>(&Transcript::new(status, body.to_string()));
    let theirs = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}});
    assert_eq!(explain(529, theirs).kind, FailureKind::Overloaded);
    let googles = json!({"code": 403, "status": "PERMISSION_DENIED", "message": "No."});
    let failure = explain(403, json!([{"error": googles}]));
    assert_eq!(failure.kind, FailureKind::PermissionDenied);
}

#[test]
fn tokens_are_counted_by_a_model_of_that_name() {
    let upstream = <Gemini as TokenCount>::encode(asks(), endpoint(&OPTIONS)).unwrap();
    assert_eq!(upstream.path, format!("{MODELS}/count-tokens:rawPredict"));
    let body: Value = serde_json::from_slice(&upstream.body).unwrap();
    assert_eq!(body["model"], "claude-sonnet-9@20310101");
    let head = ResponseHead { status: 200, headers: Vec::new() };
    let answer = UpstreamResponse { head, body: br#"{"input_tokens":12}"#.to_vec() };
    assert_eq!(<Gemini as TokenCount>::decode(answer, upstream.memo), Ok(12));
}
