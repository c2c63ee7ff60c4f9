//! The adapter on hand-written requests and transcripts.

use crate::{DeepSeek, OpenAiChat};
use plugway_formats::testing::{body, check_broken, read_stream, read_whole};
use plugway_sdk::chat::*;
use plugway_sdk::provider::Provider;
use plugway_sdk::testing::{Transcript, endpoint, explained, request};
use serde_json::{Value, json};

type Adapter = OpenAiChat<DeepSeek>;

#[test]
fn reasoning_and_caching_whole_and_streamed() {
    let usage = json!({"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42,
        "prompt_cache_hit_tokens": 16, "prompt_cache_miss_tokens": 14,
        "completion_tokens_details": {"reasoning_tokens": 8}});
    let whole = json!({"id": "d1", "model": "m", "system_fingerprint": "fp", "usage": usage,
        "choices": [{"index": 0, "finish_reason": "stop", "message":
            {"role": "assistant", "reasoning_content": "Hm. So", "content": "Yes"}}]});
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "d1", "model": "m", "system_fingerprint": "fp",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": null})
    };
    let mut last = chunk(json!({"content": ""}), json!("stop"));
    last["usage"] = usage.clone();
    let data = [
        chunk(json!({"role": "assistant", "content": null, "reasoning_content": ""}), Value::Null),
        chunk(json!({"content": null, "reasoning_content": "Hm. "}), Value::Null),
        chunk(json!({"content": null, "reasoning_content": "So"}), Value::Null),
        chunk(json!({"content": "Yes", "reasoning_content": null}), Value::Null),
        last,
        json!("[DONE]"),
    ];
    let answer = read_whole::<Adapter>(&whole, "openai-chat");
    assert_eq!(answer, read_stream::<Adapter>(&data, "openai-chat"));
    assert_eq!((answer.reasoning(0).as_str(), answer.text(0).as_str()), ("Hm. So", "Yes"));
    assert_eq!((answer.usage[0].cache_read_tokens, answer.usage[0].reasoning_tokens), (16, 8));
    check_broken::<Adapter>(&whole, &data[1..], "openai-chat");
}

#[test]
fn reasoning_goes_back() {
    let said = vec![Part::reasoning("Hm"), ToolCall::new("c", "f", "{}").into()];
    let messages = vec![Message::new(Role::Assistant, said), Message::user("u")];
    let sent = body::<Adapter>(Request { messages, ..request() }, &[]).unwrap();
    assert_eq!(sent["messages"][0]["reasoning_content"], json!("Hm"));
}

#[test]
fn reasoning_is_switched() {
    let asked = |wanted: ReasoningOptions| {
        body::<Adapter>(Request { reasoning: Some(wanted), ..request() }, &[]).unwrap()
    };
    let off = asked(ReasoningOptions { enabled: Some(false), ..ReasoningOptions::default() });
    assert_eq!(off["thinking"], json!({"type": "disabled"}));
    assert!(off.get("reasoning_effort").is_none());
    let on = ReasoningOptions {
        enabled: Some(true),
        effort: Some("xhigh".into()),
        ..ReasoningOptions::default()
    };
    let on = asked(on);
    assert_eq!(on["thinking"], json!({"type": "enabled"}));
    assert_eq!(on["reasoning_effort"], json!("high"));
}

#[test]
fn a_beginning_is_continued_elsewhere() {
    let messages = vec![Message::user("u"), Message::assistant("Once")];
    let upstream = Adapter::encode(Request { messages, ..request() }, endpoint(&[])).unwrap();
    assert_eq!(upstream.path, "/beta/chat/completions");
    let body: Value = serde_json::from_slice(&upstream.body).unwrap();
    assert_eq!(body["messages"][1]["prefix"], json!(true));
    assert_eq!(Adapter::encode(request(), endpoint(&[])).unwrap().path, "/chat/completions");
}

#[test]
fn whose_fault_it_is() {
    let check = |status, message: &str, kind: &str, expected| {
        let error = json!({"error": {"message": message, "type": kind, "param": null,
            "code": "invalid_request_error"}});
        let failure = explained::<Adapter>(&Transcript::new(status, error.to_string()));
        assert_eq!(failure.kind, expected, "{message}");
    };
    let invalid = "invalid_request_error";
    check(401, "Authentication Fails", "authentication_error", FailureKind::Authentication);
    check(402, "Insufficient Balance", "unknown_error", FailureKind::PaymentRequired);
    check(
        400,
        "Failed to deserialize the JSON body: messages[0]: unknown variant `image_url`",
        invalid,
        FailureKind::Unsupported,
    );
    check(
        400,
        "The supported API model names are a or b, but you passed c.",
        invalid,
        FailureKind::ModelNotFound,
    );
}
