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

use cohere::Cohere;
use plugway_sdk::chat::{
    Failure, FailureKind, FunctionTool, Media, MediaKind, MediaSource, Message, Part, Request,
    ResultBody, ResultPart, Role, ToolResult,
};
use plugway_sdk::provider::{Provider, UpstreamRequest};
use plugway_sdk::testing::{self, endpoint};
use serde_json::{Value, json};

/// The client format whose native values the adapter understands.
const NATIVE: &str = "cohere-chat";

/// A request of one user message `hi` from a client of another format.
fn request() -> Request {
    testing::request()
}

/// The same from a client that speaks the provider's own dialect.
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

fn encode(request: &Request) -> Result<UpstreamRequest, Failure> {
    Cohere::encode(request.clone(), endpoint(&[]))
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

fn image(source: MediaSource) -> Media {
    Media {
        kind: MediaKind::Image,
        source,
        mime: Some("image/webp".into()),
        name: None,
        detail: Some("high".into()),
    }
}

fn plain_document(name: Option<&str>, text: &str) -> Media {
    Media {
        kind: MediaKind::Document,
        source: MediaSource::Text(text.into()),
        mime: None,
        name: name.map(Into::into),
        detail: None,
    }
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
