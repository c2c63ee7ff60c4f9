//! The adapter on hand-written requests and transcripts.

use crate::{OpenAiChat, OpenRouter};
use plugway_formats::testing::{body, check_broken, read_sse, read_stream, read_whole};
use plugway_sdk::chat::*;
use plugway_sdk::testing::{Transcript, explained, request};
use serde_json::{Value, json};

type Adapter = OpenAiChat<OpenRouter>;

fn chunk(delta: Value, finish: Value, native: Value) -> Value {
    json!({"id": "gen-1", "provider": "P", "model": "m", "choices": [{"index": 0, "delta": delta,
        "finish_reason": finish, "native_finish_reason": native}]})
}

fn usage() -> Value {
    json!({"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29, "cost": 0.001,
        "is_byok": true, "cost_details": {"upstream_inference_cost": 0.02},
        "server_tool_use_details": {"web_search_requests": 1}})
}

#[test]
fn reasoning_of_every_format_keeps_its_order_and_proofs() {
    let text = |text: &str| json!({"type": "reasoning.text", "text": text, "index": 0, "format": "anthropic-claude-v1"});
    let signature = json!({"type": "reasoning.text", "signature": "S", "index": 0, "format": "anthropic-claude-v1"});
    let sealed = |id: &str| {
        json!({"type": "reasoning.encrypted", "data": format!("E{id}"), "id": id,
        "index": 0, "format": "google-gemini-v1"})
    };
    let mut signed = text("Hm so");
    signed["signature"] = json!("S");
    let whole = json!({"id": "gen-1", "provider": "P", "model": "m", "usage": usage(), "choices": [
        {"index": 0, "finish_reason": "stop", "native_finish_reason": "end_turn", "message":
            {"role": "assistant", "content": "Yes", "reasoning": "Hm so",
                "reasoning_details": [signed, sealed("a"), sealed("b")]}}]});
    let delta = |reasoning: &str, details: Value| {
        chunk(
            json!({"content": "", "reasoning": reasoning, "reasoning_details": details}),
            Value::Null,
            Value::Null,
        )
    };
    let data = [
        delta("Hm", json!([text("Hm")])),
        delta(" so", json!([text(" so")])),
        delta("", json!([signature])),
        delta("", json!([sealed("a")])),
        delta("", json!([sealed("b")])),
        chunk(json!({"content": "Yes"}), Value::Null, Value::Null),
        chunk(json!({"content": ""}), json!("stop"), json!("end_turn")),
        json!({"id": "gen-1", "provider": "P", "model": "m", "choices": [], "usage": usage()}),
        json!("[DONE]"),
    ];
    let answer = read_whole::<Adapter>(&whole, "openai-chat");
    assert_eq!(answer, read_stream::<Adapter>(&data, "openai-chat"));
    let proof = answer.parts[&(0, 0)].signature.as_deref();
    assert_eq!((answer.reasoning(0).as_str(), proof), ("Hm so", Some("S")));
    let encrypted = |place| match &answer.parts[&(0, place)].body {
        PartBody::Reasoning(Reasoning::Encrypted(data)) => data.as_str(),
        other => panic!("{other:?}"),
    };
    assert_eq!((encrypted(1), encrypted(2)), ("Ea", "Eb"));
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::Stop, "end_turn")]);
    // What the provider behind bills to the operator's own key is part of the price.
    assert_eq!(answer.usage[0].cost, Some(21_000_000_000));
    assert_eq!(answer.usage[0].meters, [("web-searches".into(), 1)]);
    check_broken::<Adapter>(&whole, &data, "openai-chat");

    let said = answer.parts.into_values().collect();
    let messages = vec![Message::new(Role::Assistant, said), Message::user("u")];
    let sent = body::<Adapter>(Request { messages, ..request() }, &[]).unwrap();
    assert_eq!(
        sent["messages"][0]["reasoning_details"],
        json!([
            {"type": "reasoning.text", "text": "Hm so", "signature": "S",
                "format": "anthropic-claude-v1", "index": 0},
            {"type": "reasoning.encrypted", "data": "Ea", "id": "a", "format": "google-gemini-v1", "index": 1},
            {"type": "reasoning.encrypted", "data": "Eb", "id": "b", "format": "google-gemini-v1", "index": 2},
        ])
    );
}

#[test]
fn the_proof_of_a_call_travels_among_the_reasoning() {
    let mut call = Part::from(ToolCall::new("c1", "f", "{}"));
    call.signature = Some("S".into());
    call.format = Some("google-gemini-v1".into());
    let messages = vec![Message::new(Role::Assistant, vec![call])];
    let sent = body::<Adapter>(Request { messages, ..request() }, &[]).unwrap();
    assert_eq!(
        sent["messages"][0]["reasoning_details"],
        json!([{"type": "reasoning.encrypted", "data": "S", "id": "c1",
            "format": "google-gemini-v1", "index": 0}])
    );
}

#[test]
fn an_error_inside_a_stream_is_a_chunk() {
    let text = chunk(json!({"content": "x"}), Value::Null, Value::Null);
    let failed = json!({"id": "gen-1", "error": {"code": 429, "message": "slow down"}, "usage": usage(),
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]});
    let stream = format!(": OPENROUTER PROCESSING\n\ndata: {text}\n\ndata: {failed}\n\n");
    let answer = read_sse::<Adapter>(&stream, "openai-chat");
    assert_eq!(answer.text(0), "x");
    assert_eq!(answer.failure.map(|failure| failure.kind), Some(FailureKind::RateLimited));
    assert_eq!(answer.usage[0].prompt_tokens, 20);
    let choice = json!({"index": 0, "message": {"content": "x"}, "finish_reason": "error",
        "error": {"code": 502, "message": "the provider is gone"}});
    let answer = read_whole::<Adapter>(&json!({"id": "gen-1", "choices": [choice]}), "openai-chat");
    assert_eq!(answer.text(0), "x");
    assert_eq!(answer.failure.map(|failure| failure.kind), Some(FailureKind::Unavailable));
}

#[test]
fn its_own_wishes() {
    let mut cached = Part::text("long");
    cached.cache = Some(CachePoint { ttl: Some("1h".into()) });
    let wanted =
        ReasoningOptions { max_tokens: Some(2000), hidden: true, ..ReasoningOptions::default() };
    let asked = Request {
        messages: vec![Message::new(Role::User, vec![cached])],
        reasoning: Some(wanted),
        sampling: Sampling { top_a: Some(0.5), ..Sampling::default() },
        extra: vec![
            ("plugins".into(), r#"[{"id":"web"}]"#.into()),
            ("provider".into(), r#"{"only":["x"]}"#.into()),
        ],
        ..request()
    };
    assert_eq!(
        body::<Adapter>(asked, &[]).unwrap(),
        json!({"model": "test-model", "reasoning": {"max_tokens": 2000, "exclude": true},
            "top_a": 0.5, "plugins": [{"id": "web"}], "provider": {"only": ["x"]},
            "messages": [{"role": "user", "content": [{"type": "text", "text": "long",
                "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}]})
    );
    let failure = body::<Adapter>(Request { choices: 2, ..request() }, &[]).unwrap_err();
    assert_eq!((failure.kind, failure.param.as_deref()), (FailureKind::Unsupported, Some("n")));
}

#[test]
fn whose_fault_it_is() {
    let check = |status, body: Value, expected| {
        let failure = explained::<Adapter>(&Transcript::new(status, body.to_string()));
        assert_eq!(failure.kind, expected, "{body}");
    };
    let error = |code, message: &str| json!({"error": {"code": code, "message": message}});
    check(402, error(402, "Insufficient credits."), FailureKind::PaymentRequired);
    check(400, error(400, "a/b is not a valid model ID"), FailureKind::ModelNotFound);
    check(404, error(404, "No allowed providers are available."), FailureKind::ModelNotFound);
    let mut behind = error(400, "Provider returned error");
    behind["error"]["metadata"] =
        json!({"raw": "{\"error\":{\"message\":\"maximum context length is 9\"}}"});
    check(400, behind, FailureKind::ContextLengthExceeded);
}
