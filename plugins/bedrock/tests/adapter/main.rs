//! The adapter against hand-written requests, answers and errors.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests, which the lint does not take for tests"
)]

mod answers;
mod conversations;
mod failures;
mod invoke;
mod media;
mod offers;
mod parameters;
mod streams;
mod tools;

use bedrock::Bedrock;
use plugway_sdk::chat::{
    Event, Failure, FailureKind, FunctionTool, Message, Part, Request, ResultBody, ResultPart,
    Role, ToolResult,
};
use plugway_sdk::provider::{
    Endpoint, Frame, Provider, ResponseHead, StreamDecoder, UpstreamRequest,
};
use plugway_sdk::testing::{self, endpoint};
use serde_json::{Value, json};

/// Converse's own words.
const NATIVE: &str = "bedrock-converse";

/// A model of no family that the adapter knows.
const OTHER: &str = "vendor.model-1";

/// One of Anthropic's that takes reasoning budgets, schemas and cache points.
const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

const NOVA: &str = "us.amazon.nova-2-lite-v1:0";

fn request(model: &str) -> Request {
    Request { model: model.into(), ..testing::request() }
}

fn native_request(model: &str) -> Request {
    Request { dialect: NATIVE.into(), ..request(model) }
}

fn user(parts: Vec<Part>) -> Message {
    Message::new(Role::User, parts)
}

fn assistant(parts: Vec<Part>) -> Message {
    Message::new(Role::Assistant, parts)
}

fn conversation(model: &str, messages: Vec<Message>) -> Request {
    Request { messages, ..request(model) }
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

fn encode(request: &Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
    Bedrock::encode(request.clone(), endpoint)
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
    let mut expected = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    for (name, value) in differences.as_object().unwrap() {
        expected[name] = value.clone();
    }
    assert_eq!(body(&request), expected);
}

#[track_caller]
fn check_refused(request: Request, kind: FailureKind) -> Failure {
    let failure = encode(&request, endpoint(&[])).expect_err("refused");
    assert_eq!(failure.kind, kind, "{}", failure.message);
    failure
}

/// The memo of a request from a client of this dialect.
fn memo(model: &str, dialect: &str) -> String {
    let request = Request { dialect: dialect.into(), ..request(model) };
    encode(&request, endpoint(&[])).unwrap().memo
}

fn head() -> ResponseHead {
    ResponseHead { status: 200, headers: vec![("x-amzn-requestid".into(), "r-1".into())] }
}

fn frame(kind: &str, data: Value) -> Frame {
    Frame { kind: Some(kind.into()), data: data.to_string().into() }
}

/// What the decoder makes of these frames; the body ends after them.
fn streamed(frames: Vec<Frame>, memo: &str) -> Vec<Event> {
    let mut decoder = <Bedrock as Provider>::Decoder::new(head(), memo.into());
    let mut events = Vec::new();
    for frame in frames {
        decoder.push(frame, &mut events);
        if matches!(events.last(), Some(Event::Failed(_))) {
            return events;
        }
    }
    decoder.end(&mut events);
    events
}
