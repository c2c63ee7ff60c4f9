//! The adapter against hand-written requests, answers and errors.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests, which the lint does not take for tests"
)]

mod answers;
mod conversations;
mod endpoints;
mod failures;
mod native;
mod parameters;
mod streams;
mod tools;

use anthropic::Anthropic;
use plugway_sdk::chat::{
    Failure, FailureKind, FunctionTool, Media, MediaKind, MediaSource, Message, Part, Request,
    ResultBody, ResultPart, Role, ToolResult,
};
use plugway_sdk::provider::{Endpoint, Provider, UpstreamRequest};
use plugway_sdk::testing::{self, endpoint};
use serde_json::{Value, json};

/// The client format whose native values the adapter understands.
const NATIVE: &str = "anthropic-messages";

/// A request of one user message `hi` to a model of unknown make.
fn request() -> Request {
    testing::request()
}

/// The same from a client that speaks the provider's own dialect.
fn native_request() -> Request {
    Request { dialect: NATIVE.into(), ..request() }
}

fn user(parts: Vec<Part>) -> Message {
    Message::new(Role::User, parts)
}

fn assistant(parts: Vec<Part>) -> Message {
    Message::new(Role::Assistant, parts)
}

/// A model of the generation that takes reasoning budgets.
const BUDGETS: &str = "claude-sonnet-4-5";

/// A model of the generation that decides for itself how much to think.
const ADAPTIVE: &str = "claude-opus-4-8";

fn encode(request: &Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
    Anthropic::encode(request.clone(), endpoint)
}

fn body_at(request: &Request, endpoint: Endpoint) -> Value {
    let upstream = encode(request, endpoint).unwrap();
    serde_json::from_slice(&upstream.body).unwrap()
}

fn body(request: &Request) -> Value {
    body_at(request, endpoint(&[]))
}

/// The body is that of a plain request but for these fields; null ones are missing.
#[track_caller]
fn check(request: Request, differences: Value) {
    let mut expected = json!({
        "model": request.model,
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    });
    for (name, value) in differences.as_object().unwrap() {
        expected[name] = value.clone();
    }
    assert_eq!(body(&request), expected);
}

#[track_caller]
fn check_refused(request: Request, kind: FailureKind) {
    let failure = encode(&request, endpoint(&[])).expect_err("refused");
    assert_eq!(failure.kind, kind, "{}", failure.message);
}

fn conversation(messages: Vec<Message>) -> Request {
    Request { messages, ..request() }
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn media(kind: MediaKind, mime: Option<&str>, source: MediaSource) -> Media {
    Media { kind, source, mime: mime.map(Into::into), name: None, detail: Some("low".into()) }
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
