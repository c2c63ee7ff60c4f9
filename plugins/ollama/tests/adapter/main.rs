//! The adapter against hand-written requests, answers and errors.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests, which the lint does not take for tests"
)]

mod answers;
mod bad_input;
mod conversations;
mod errors;
mod others;
mod parameters;

use ollama::Ollama;
use plugway_sdk::chat::{
    Failure, FailureKind, FunctionTool, Media, MediaKind, MediaSource, Message, Part, Request,
    ResultBody, ResultPart, Role, ToolResult,
};
use plugway_sdk::provider::{Endpoint, Provider, UpstreamRequest};
use plugway_sdk::testing::{self, endpoint};
use serde_json::{Value, json};

/// The client format whose native values the adapter understands.
const NATIVE: &str = "ollama";

/// A request of one user message `hi` from a client of another format.
fn request() -> Request {
    testing::request()
}

/// The same from a client that speaks the server's own dialect.
fn native_request() -> Request {
    Request { dialect: NATIVE.into(), ..request() }
}

fn conversation(messages: Vec<Message>) -> Request {
    Request { messages, ..request() }
}

fn user(parts: Vec<Part>) -> Message {
    Message::new(Role::User, parts)
}

fn assistant(parts: Vec<Part>) -> Message {
    Message::new(Role::Assistant, parts)
}

fn encode_at(request: &Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
    Ollama::encode(request.clone(), endpoint)
}

fn encode(request: &Request) -> Result<UpstreamRequest, Failure> {
    encode_at(request, endpoint(&[]))
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&encode(request).unwrap().body).unwrap()
}

/// The body is that of a plain request but for these fields.
#[track_caller]
fn check(request: Request, differences: Value) {
    let mut expected = json!({
        "model": request.model,
        "messages": [{"role": "user", "content": "hi"}],
        "stream": false,
    });
    for (name, value) in differences.as_object().unwrap() {
        expected[name] = value.clone();
    }
    assert_eq!(body(&request), expected);
}

/// The messages of the body are these.
#[track_caller]
fn check_messages(request: &Request, expected: Value) {
    assert_eq!(body(request)["messages"], expected);
}

#[track_caller]
fn refused(request: &Request) -> Failure {
    let failure = encode(request).expect_err("refused");
    assert_eq!(failure.kind, FailureKind::Unsupported, "{}", failure.message);
    failure
}

fn media(kind: MediaKind, source: MediaSource) -> Media {
    Media { kind, source, mime: Some("image/png".into()), name: None, detail: Some("low".into()) }
}

fn picture(base64: &str) -> Part {
    media(MediaKind::Image, MediaSource::Base64(base64.into())).into()
}

fn result(call_id: &str, content: Vec<ResultBody>) -> ToolResult {
    ToolResult {
        call_id: call_id.into(),
        name: "look".into(),
        content: content.into_iter().map(ResultPart::from).collect(),
        failed: false,
        freeform: false,
    }
}

fn function(name: &str, parameters: Option<&str>) -> FunctionTool {
    FunctionTool {
        name: name.into(),
        description: None,
        parameters: parameters.map(Into::into),
        strict: None,
        cache: None,
        extra: Vec::new(),
    }
}
