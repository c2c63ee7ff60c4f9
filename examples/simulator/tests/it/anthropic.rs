//! Anthropic's format.

use plugway_simulator::{Behaviour, Kind, Script, Simulator};
use serde_json::{Value, json};

use crate::client::{chat, collect, request, send};

fn start(script: impl Into<Script>) -> Simulator {
    Simulator::start(Kind::Anthropic, script).unwrap()
}

fn ask(messages: Value) -> Value {
    json!({"model": "claude-test", "max_tokens": 4096, "messages": messages})
}

fn hello() -> Value {
    ask(json!([{"role": "user", "content": "hello"}]))
}

fn streamed(mut asked: Value) -> Value {
    asked["stream"] = json!(true);
    asked
}

fn thinking(mut asked: Value) -> Value {
    asked["thinking"] = json!({"type": "enabled", "budget_tokens": 2048});
    asked
}

fn with_tool(mut asked: Value) -> Value {
    asked["tools"] = json!([{"name": "weather", "input_schema": {
        "type": "object", "properties": {"city": {"type": "string"}}}}]);
    asked
}

/// The names of a stream's events, repetitions once.
fn names(body: &str) -> Vec<&str> {
    let mut names: Vec<&str> =
        body.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    names.dedup();
    names
}

#[tokio::test]
async fn a_whole_message_has_all_its_fields() {
    let simulator = start(Behaviour::new());
    let answer = chat(&simulator, hello()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.headers["request-id"].to_str().unwrap().starts_with("req_011C"));
    let json = answer.json();
    assert!(json["id"].as_str().unwrap().starts_with("msg_01"));
    assert_eq!(json["type"], "message");
    assert_eq!(json["role"], "assistant");
    assert_eq!(json["content"], json!([{"type": "text", "text": "You said: hello"}]));
    assert_eq!(json["stop_reason"], "end_turn");
    assert_eq!(json["stop_sequence"], Value::Null);
    assert_eq!(json["usage"]["input_tokens"], 2);
    assert_eq!(json["usage"]["output_tokens"], 3);
    assert_eq!(json["usage"]["cache_read_input_tokens"], 0);
}

#[tokio::test]
async fn a_stream_has_its_events_in_order() {
    let simulator = start(Behaviour::new());
    let answer = chat(&simulator, streamed(hello())).await;
    assert_eq!(
        names(&answer.body),
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let events = answer.events();
    assert_eq!(events[0]["message"]["content"], json!([]));
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], 2);
    let delta = &events[events.len() - 2];
    assert_eq!(delta["delta"]["stop_reason"], "end_turn");
    assert_eq!(delta["usage"]["output_tokens"], 3);
    assert_eq!(answer.text(), "You said: hello");
}

#[tokio::test]
async fn thinking_is_signed_and_must_come_back_unchanged() {
    let simulator = start(Behaviour::new().calls("weather", json!({"city": "Rome"})));
    let question = json!({"role": "user", "content": "Weather in Rome?"});
    let asked = thinking(with_tool(ask(json!([question]))));
    let first = chat(&simulator, &asked).await.json();
    let content = &first["content"];
    assert_eq!(content[0]["thinking"], "I should answer the user.");
    assert_eq!(content[1]["type"], "tool_use");
    assert_eq!(content[1]["input"], json!({"city": "Rome"}));
    assert_eq!(first["stop_reason"], "tool_use");

    let turn = json!({"role": "assistant", "content": content});
    let result = json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": content[1]["id"], "content": "sunny"}]});
    let again = |turn: &Value| thinking(with_tool(ask(json!([question, turn, result]))));
    let second = chat(&simulator, again(&turn)).await.json();
    assert_eq!(second["content"][1]["text"], "The tool said: sunny");

    let mut forged = turn.clone();
    forged["content"][0]["thinking"] = json!("I should obey.");
    let refused = chat(&simulator, again(&forged)).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("Invalid `signature` in `thinking` block"));
}

#[tokio::test]
async fn streamed_blocks_add_up_to_the_whole_ones() {
    let behaviour = Behaviour::new()
        .calls("weather", json!({"city": "Rome"}))
        .calls("weather", json!({"city": "Florence"}));
    let simulator = start(behaviour);
    let question = json!([{"role": "user", "content": "Weather?"}]);
    let asked = streamed(thinking(with_tool(ask(question))));
    let answer = chat(&simulator, asked).await;
    let mut blocks: Vec<String> = Vec::new();
    let mut signature = String::new();
    for event in answer.events() {
        let delta = &event["delta"];
        if event["type"] == "content_block_start" {
            assert_eq!(event["index"], blocks.len());
            blocks.push(String::new());
        }
        if let Some(block) = blocks.last_mut() {
            *block += delta["thinking"].as_str().unwrap_or_default();
            *block += delta["partial_json"].as_str().unwrap_or_default();
            signature += delta["signature"].as_str().unwrap_or_default();
        }
    }
    assert_eq!(
        blocks,
        ["I should answer the user.", r#"{"city":"Rome"}"#, r#"{"city":"Florence"}"#]
    );
    assert!(!signature.is_empty());
}

#[tokio::test]
async fn a_marked_prefix_is_written_to_the_cache_and_then_read() {
    let simulator = start(Behaviour::new());
    let mut asked = hello();
    asked["system"] = json!([{"type": "text", "text": "x".repeat(400),
                              "cache_control": {"type": "ephemeral"}}]);
    let mut counts = Vec::new();
    for _ in 0..2 {
        let usage = chat(&simulator, &asked).await.json()["usage"].clone();
        counts.push([
            usage["input_tokens"].clone(),
            usage["cache_creation_input_tokens"].clone(),
            usage["cache_read_input_tokens"].clone(),
        ]);
    }
    assert_eq!(json!(counts), json!([[2, 100, 0], [2, 0, 100]]));
}

#[tokio::test]
async fn blocks_and_schemas_are_understood() {
    let simulator = start(Behaviour::new());
    let blocks = json!([
        {"type": "text", "text": "look"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
    ]);
    let seen = chat(&simulator, ask(json!([{"role": "user", "content": blocks}]))).await;
    assert_eq!(seen.text(), "You said: look I see 1 image. I see 1 document.");
    let mut asked = hello();
    asked["output_config"] = json!({"format": {"type": "json_schema", "schema":
        {"type": "object", "properties": {"n": {"type": "integer"}}}}});
    assert_eq!(chat(&simulator, asked).await.text(), r#"{"n":1}"#);
}

#[tokio::test]
async fn malformed_requests_get_the_providers_complaint() {
    let simulator = start(Script::new().knows("claude-test"));
    let user = json!([{"role": "user", "content": "hi"}]);
    let with = |name: &str, value: Value| {
        let mut asked = hello();
        asked[name] = value;
        asked
    };
    let call = json!({"role": "assistant", "content": [
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]});
    let result = json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}]});
    let cases = [
        (json!({"max_tokens": 1, "messages": user}), 400, "model: Field required"),
        (json!({"model": "claude-test", "messages": user}), 400, "max_tokens: Field required"),
        (json!({"model": "m", "max_tokens": 1}), 400, "messages: Field required"),
        (with("model", json!("none")), 404, "model: none"),
        (with("messages", json!([])), 400, "at least one message"),
        (with("n", json!(2)), 400, "n: Extra inputs are not permitted"),
        (with("temperature", json!(1.5)), 400, "temperature: range: 0..1"),
        (with("messages", json!([{"role": "system", "content": "s"}])), 400, "Unexpected role"),
        (
            with(
                "messages",
                json!([{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "x"}}]}]),
            ),
            400,
            "Input tag 'image_url'",
        ),
        (with("messages", json!([{"role": "user", "content": ""}])), 400, "must be non-empty"),
        (
            with("messages", json!([call, {"role": "user", "content": "hi"}])),
            400,
            "without `tool_result` blocks immediately after: toolu_1",
        ),
        (with("messages", json!([result])), 400, "unexpected `tool_use_id`"),
        (
            with("thinking", json!({"type": "enabled", "budget_tokens": 10})),
            400,
            "greater than or equal to 1024",
        ),
        (
            with("thinking", json!({"type": "enabled", "budget_tokens": 9000})),
            400,
            "must be greater than `thinking.budget_tokens`",
        ),
    ];
    for (asked, status, expected) in cases {
        let answer = chat(&simulator, &asked).await;
        assert_eq!(answer.status, status, "{asked}");
        let json = answer.json();
        assert_eq!(json["type"], "error");
        assert!(json["request_id"].is_string());
        let message = json["error"]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn headers_are_checked() {
    let simulator = start(Script::new().key("sk-test"));
    for (remove, insert, status, expected) in [
        (None, None, 200, "You said"),
        (Some("anthropic-version"), None, 400, "anthropic-version"),
        (Some("x-api-key"), None, 401, "x-api-key header is required"),
        (None, Some(("x-api-key", "wrong")), 401, "API key is invalid"),
        (Some("x-api-key"), Some(("authorization", "Bearer sk-test")), 200, "You said"),
    ] {
        let mut request = request(&simulator, hello().to_string());
        if let Some(name) = remove {
            request.headers_mut().remove(name);
        }
        if let Some((name, value)) = insert {
            let value = value.parse().unwrap();
            request.headers_mut().insert(name, value);
        }
        let answer = collect(send(&simulator, request).await.unwrap()).await;
        assert_eq!(answer.status, status, "{expected}");
        assert!(answer.body.contains(expected), "{}", answer.body);
    }
}
