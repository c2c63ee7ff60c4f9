//! The adapter on hand-written requests and transcripts.

use crate::{Groq, OpenAiChat};
use plugway_formats::testing::{body, check_broken, read_sse, read_stream, read_whole};
use plugway_sdk::chat::*;
use plugway_sdk::testing::request;
use serde_json::{Value, json};

type Adapter = OpenAiChat<Groq>;

fn chunk(delta: Value, finish: Value) -> Value {
    json!({"id": "g1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

#[test]
fn usage_has_a_name_of_its_own() {
    let usage = json!({"queue_time": 0.1, "prompt_tokens": 20, "completion_tokens": 9,
        "total_tokens": 29, "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 5}});
    let whole = json!({"id": "g1", "model": "m", "service_tier": "on_demand", "usage": usage,
        "x_groq": {"id": "req"}, "choices": [{"index": 0, "finish_reason": "stop", "message":
            {"role": "assistant", "reasoning": "Hm", "content": "Yes", "channel": "analysis"}}]});
    let mut first = chunk(json!({"role": "assistant", "content": ""}), Value::Null);
    first["x_groq"] = json!({"id": "req"});
    first["service_tier"] = json!("on_demand");
    let mut last = chunk(json!({}), json!("stop"));
    last["x_groq"] = json!({"id": "req", "usage": usage});
    let data = [
        first,
        chunk(json!({"reasoning": "H", "channel": "analysis"}), Value::Null),
        chunk(json!({"reasoning": "m", "channel": "analysis"}), Value::Null),
        chunk(json!({"content": "Yes"}), Value::Null),
        last,
        json!("[DONE]"),
    ];
    let answer = read_whole::<Adapter>(&whole, "openai-chat");
    assert_eq!(answer, read_stream::<Adapter>(&data, "openai-chat"));
    assert_eq!((answer.usage[0].cache_read_tokens, answer.usage[0].reasoning_tokens), (8, 5));
    check_broken::<Adapter>(&whole, &data, "openai-chat");
}

#[test]
fn an_error_inside_a_stream_is_an_event() {
    let text = chunk(json!({"content": "x"}), Value::Null);
    let error = json!({"error": {"message": "Tool call validation failed: bad", "type":
        "invalid_request_error", "status_code": 400}});
    let answer = read_sse::<Adapter>(
        &format!("data: {text}\n\nevent: error\ndata: {error}\n\n"),
        "openai-chat",
    );
    assert_eq!(answer.text(0), "x");
    // The model's fault: another may do better.
    assert_eq!(answer.failure.map(|failure| failure.kind), Some(FailureKind::Unavailable));
    let beside = json!({"choices": [], "x_groq": {"id": "req", "error": "over capacity"}});
    let answer = read_stream::<Adapter>(&[text, beside], "openai-chat");
    assert_eq!(answer.failure.map(|failure| failure.message).as_deref(), Some("over capacity"));
}

#[test]
fn reasoning_is_hidden_and_goes_back() {
    let wanted = ReasoningOptions {
        effort: Some("max".into()),
        hidden: true,
        ..ReasoningOptions::default()
    };
    let said = vec![Part::reasoning("Hm"), Part::text("Yes")];
    let asked = Request {
        messages: vec![Message::new(Role::Assistant, said), Message::user("u")],
        reasoning: Some(wanted),
        max_tokens: Some(9),
        ..request()
    };
    assert_eq!(
        body::<Adapter>(asked, &[]).unwrap(),
        json!({"model": "test-model", "reasoning_effort": "high", "include_reasoning": false,
            "max_completion_tokens": 9, "messages": [
                {"role": "assistant", "content": "Yes", "reasoning": "Hm"},
                {"role": "user", "content": "u"}]})
    );
}
