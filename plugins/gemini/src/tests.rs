//! Requests and answers, written by hand in the format's shapes.

mod answers;
mod bad_input;
mod claude;
mod failures;
mod interfaces;
mod messages;
mod requests;
mod sources;
mod streams;

use crate::Gemini;
use plugway_sdk::chat::{Failure, FailureKind, Message, Part, Request, Role};
use plugway_sdk::provider::{Framing, Provider, UpstreamRequest};
use plugway_sdk::testing::{Answer, Transcript, check_contract, endpoint, streamed, whole};
use serde_json::{Value, json};

/// Seals are letters and digits; the adapter must carry them and no more.
const SEAL: &str = "Zq8Jm3Xw0PbT5nVr7KdY";

/// An endpoint of Vertex.
const VERTEX: [(&str, &str); 3] =
    [("platform", "\"vertex\""), ("project", "\"acme\""), ("location", "\"us-east5\"")];

/// A request to a model of the third generation.
fn request() -> Request {
    Request { model: "gemini-3-flash".into(), ..plugway_sdk::testing::request() }
}

/// The same from a client that speaks this format.
fn native() -> Request {
    Request { dialect: "gemini".into(), ..request() }
}

fn upstream(request: Request, options: &[(&str, &str)]) -> Result<UpstreamRequest, Failure> {
    <Gemini as Provider>::encode(request, endpoint(options))
}

fn body(request: Request, options: &[(&str, &str)]) -> Result<Value, Failure> {
    let upstream = upstream(request, options)?;
    Ok(serde_json::from_slice(&upstream.body).expect("the body is JSON"))
}

/// Checks the value that a JSON pointer leads to in the body that a request becomes.
fn check_at(request: Request, options: &[(&str, &str)], pointer: &str, expected: Value) {
    let body = body(request, options).expect("the request can be said");
    let found = body.pointer(pointer).cloned().unwrap_or(Value::Null);
    assert_eq!(found, expected, "{pointer} of {body}");
}

fn check(request: Request, pointer: &str, expected: Value) {
    check_at(request, &[], pointer, expected);
}

fn check_refused(request: Request, about: &str) {
    let failure = body(request, &[]).expect_err(about);
    assert_eq!(failure.kind, FailureKind::Unsupported, "{failure:?}");
    assert!(failure.message.contains(about), "{}", failure.message);
}

fn says(role: Role, parts: Vec<Part>) -> Vec<Message> {
    vec![Message::new(role, parts)]
}

/// A response of one candidate.
fn response(parts: Value, reason: &str) -> Value {
    json!({
        "candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": reason,
            "index": 0}],
        "modelVersion": "gemini-3-flash", "responseId": "Ab12-cd_34",
    })
}

/// A chunk of one candidate that goes on.
fn chunk(parts: Value) -> Value {
    json!({
        "candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0}],
        "modelVersion": "gemini-3-flash", "responseId": "Ab12-cd_34",
    })
}

fn decode_whole(body: &Value, memo: &str) -> Answer {
    let events = whole::<Gemini>(&Transcript::new(200, body.to_string()), memo);
    check_contract(&events).unwrap();
    Answer::of(&events)
}

fn decode_stream(chunks: &[Value], memo: &str) -> Answer {
    let data: Vec<String> = chunks.iter().map(Value::to_string).collect();
    let transcript = Transcript::sse(data.iter().map(String::as_str));
    let events = streamed::<Gemini>(&transcript, Framing::Sse, memo);
    check_contract(&events).unwrap();
    Answer::of(&events)
}

/// Checks that a whole answer and a streamed one are the same, and returns it.
fn decode_both(body: &Value, chunks: &[Value], memo: &str) -> Answer {
    let answer = decode_whole(body, memo);
    assert_eq!(answer, decode_stream(chunks, memo));
    answer
}
