//! Anthropic's models through Invoke.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bedrock::Bedrock;
use plugway_sdk::chat::{Event, FailureKind, Media, MediaKind, MediaSource, Request};
use plugway_sdk::provider::{Endpoint, Frame};
use plugway_sdk::testing::{Answer, Transcript, check_contract, endpoint, whole};
use serde_json::{Value, json};

use crate::{CLAUDE, body_at, encode, frame, request, streamed, user};

fn invoke(options: &[(&str, &str)]) -> Endpoint {
    let mut options = options.to_vec();
    options.push(("api", "\"invoke\""));
    endpoint(&options)
}

fn native() -> Request {
    Request { dialect: "anthropic-messages".into(), ..request(CLAUDE) }
}

#[test]
fn the_body_is_anthropics_and_the_path_says_the_rest() {
    let mut it = native();
    it.streaming = true;
    it.headers = vec![("anthropic-beta".into(), "a-1,b-2".into())];
    let upstream = encode(&it, invoke(&[])).unwrap();
    let path = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream";
    assert_eq!(upstream.path, path);
    let body: Value = serde_json::from_slice(&upstream.body).unwrap();
    let expected = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "anthropic_beta": ["a-1", "b-2"],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "max_tokens": 4096,
    });
    assert_eq!(body, expected);
    let whole = Request { streaming: false, ..it };
    assert!(encode(&whole, invoke(&[])).unwrap().path.ends_with("/invoke"));
    let known = body_at(&whole, invoke(&[("betas", r#"["b-2"]"#)]));
    assert_eq!(known["anthropic_beta"], json!(["b-2"]));
}

#[test]
fn guardrail_and_latency_are_headers() {
    let guardrail = r#"{"guardrailIdentifier":"g","guardrailVersion":"1"}"#;
    let options = [("guardrail", guardrail), ("latency", "\"optimized\"")];
    let headers = encode(&native(), invoke(&options)).unwrap().headers;
    let has = |name: &str, value: &str| headers.contains(&(name.into(), value.into()));
    assert!(has("x-amzn-bedrock-guardrailidentifier", "g"));
    assert!(has("x-amzn-bedrock-guardrailversion", "1"));
    assert!(has("x-amzn-bedrock-performanceconfig-latency", "optimized"));
    let wrong = encode(&native(), invoke(&[("guardrail", "{}")])).unwrap_err();
    assert_eq!(wrong.kind, FailureKind::Unsupported);
}

#[test]
fn media_by_url_are_for_the_router_to_fetch() {
    let image = Media {
        kind: MediaKind::Image,
        source: MediaSource::Uri("https://a.test/i.png".into()),
        mime: None,
        name: None,
        detail: None,
    };
    let it = Request { messages: vec![user(vec![image.into()])], ..native() };
    let failure = encode(&it, invoke(&[])).unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("fetch"));
}

const EVENTS: [&str; 6] = [
    r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-test","content":[],"usage":{"input_tokens":4,"output_tokens":1}}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}"#,
    r#"{"type":"content_block_stop","index":0}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}"#,
    r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":4}}"#,
];

fn chunk(event: &str) -> Frame {
    frame("chunk", json!({"bytes": BASE64_STANDARD.encode(event), "p": "abc"}))
}

fn answer(frames: Vec<Frame>) -> Answer {
    let memo = encode(&native(), invoke(&[])).unwrap().memo;
    let events = streamed(frames, &memo);
    check_contract(&events).unwrap();
    Answer::of(&events)
}

#[test]
fn whole_and_streamed_answers_are_read_alike() {
    let from_stream = answer(EVENTS.map(chunk).into());
    assert_eq!(from_stream.text(0), "Hello");
    assert_eq!(from_stream.failure, None);
    let body = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test",
        "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 4, "output_tokens": 2},
    });
    let memo = encode(&native(), invoke(&[])).unwrap().memo;
    let events = whole::<Bedrock>(&Transcript::new(200, body.to_string()), &memo);
    check_contract(&events).unwrap();
    assert_eq!(Answer::of(&events), from_stream);
}

#[test]
fn native_blocks_are_for_native_clients() {
    let body = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test",
        "content": [{"type": "future", "x": 1}], "stop_reason": "end_turn",
    });
    let parts = |request: &Request| {
        let memo = encode(request, invoke(&[])).unwrap().memo;
        let events = whole::<Bedrock>(&Transcript::new(200, body.to_string()), &memo);
        Answer::of(&events).parts.len()
    };
    assert_eq!(parts(&native()), 1);
    assert_eq!(parts(&request(CLAUDE)), 0);
}

#[test]
fn an_error_inside_a_success_is_one() {
    let body = r#"{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}"#;
    let events = whole::<Bedrock>(&Transcript::new(200, body), "");
    assert!(matches!(&events[..], [Event::Failed(it)] if it.kind == FailureKind::Overloaded));
}

#[test]
fn streams_that_break_are_failures() {
    let broken = |frames: Vec<Frame>| answer(frames).failure.map(|failure| failure.kind);
    let begun = || EVENTS[..3].iter().map(|event| chunk(event)).collect::<Vec<_>>();
    assert_eq!(broken(begun()), Some(FailureKind::Unavailable), "cut");
    for (name, kind) in [
        ("modelStreamErrorException", FailureKind::Unavailable),
        ("throttlingException", FailureKind::RateLimited),
    ] {
        let mut frames = begun();
        frames.push(frame(name, json!({"message": "No more."})));
        assert_eq!(broken(frames), Some(kind));
    }
    for data in [json!({"bytes": "?"}), json!({"p": "a"}), json!({"bytes": null})] {
        let mut frames = begun();
        frames.push(frame("chunk", data));
        assert_eq!(broken(frames), Some(FailureKind::Unavailable));
    }
    // An error that the model's own format tells of.
    let mut frames = begun();
    frames.push(chunk(r#"{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}"#));
    assert_eq!(broken(frames), Some(FailureKind::Overloaded));
    let events: Vec<Event> = streamed(vec![], "");
    assert_eq!(events.len(), 1, "an empty stream is a failure");
}
