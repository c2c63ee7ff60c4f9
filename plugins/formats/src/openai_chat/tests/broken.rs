//! Answers that are broken, each in every way.

use super::{DIALECT, OpenAi};
use crate::testing::{check_broken, read_sse, read_whole};
use plugway_sdk::chat::FailureKind;
use plugway_sdk::provider::{Frame, Framing, Provider, ResponseHead, StreamDecoder};
use plugway_sdk::testing::{Answer, Transcript, check_contract, streamed};
use serde_json::{Value, json};

#[test]
fn whatever_is_broken_keeps_the_contract() {
    let usage = json!({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 7},
        "completion_tokens_details": {"reasoning_tokens": 3}, "cost": 0.25});
    let call = json!({"index": 0, "id": "c1", "type": "function",
        "function": {"name": "f", "arguments": "{\"né\":1}"}});
    let details = json!([{"type": "reasoning.text", "text": "Hm", "signature": "S", "index": 0},
        {"type": "reasoning.encrypted", "data": "E", "id": "rs", "index": 1}]);
    let said = json!({"role": "assistant", "content": "Ünï", "refusal": "no",
        "reasoning_details": details, "tool_calls": [call],
        "annotations": [{"type": "url_citation", "url_citation": {"url": "u", "start_index": 0, "end_index": 2}}],
        "images": [{"image_url": {"url": "data:image/png;base64,AAAA"}}],
        "audio": {"id": "a", "data": "AAAA"}});
    let body = json!({"id": "r", "model": "m", "service_tier": "default", "usage": usage,
        "choices": [{"index": 0, "message": said, "finish_reason": "tool_calls",
            "logprobs": {"content": [{"token": "x", "logprob": -1.0}]}}]});
    let delta =
        |delta: Value| json!({"id": "r", "model": "m", "choices": [{"index": 0, "delta": delta}]});
    let chunks = [
        delta(json!({"reasoning_content": "Hm"})),
        delta(json!({"content": "Ünï"})),
        delta(json!({"tool_calls": [call]})),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": " "}}]})),
        json!({"id": "r", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
        json!({"id": "r", "choices": [], "usage": usage}),
        json!("[DONE]"),
    ];
    for memo in [DIALECT, "anthropic-messages"] {
        check_broken::<OpenAi>(&body, &chunks, memo);
    }
}

#[test]
fn an_empty_list_of_choices_is_no_answer() {
    let answer = read_whole::<OpenAi>(&json!({"id": "r", "choices": []}), DIALECT);
    assert_eq!(answer.failure.map(|failure| failure.kind), Some(FailureKind::Unavailable));
}

#[test]
fn an_error_page_in_a_success_is_a_failure() {
    for page in ["<html>busy</html>", "{\"error\":{\"message\":\"busy\",\"code\":503}}"] {
        // As a stream, it has no event at all.
        let events = streamed::<OpenAi>(&Transcript::new(200, page), Framing::Sse, DIALECT);
        check_contract(&events).unwrap();
        let kind = Answer::of(&events).failure.map(|failure| failure.kind);
        assert_eq!(kind, Some(FailureKind::Unavailable), "{page}");
    }
}

#[test]
fn arguments_that_are_no_json_are_passed_on() {
    let call = json!({"id": "c", "function": {"name": "f", "arguments": "{\"a\": tru"}});
    let body = json!({"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "stop"}]});
    let answer = read_whole::<OpenAi>(&body, DIALECT);
    assert_eq!(answer.calls(0), [("f", "{\"a\": tru")]);
}

#[test]
fn arguments_that_are_an_object_keep_the_order_of_its_fields() {
    let body = r#"{"choices":[{"message":{"tool_calls":[{"id":"c","function":
        {"name":"f","arguments":{"z":1,"a":[2.50,"x"]}}}]},"finish_reason":"stop"}]}"#;
    let events = plugway_sdk::testing::whole::<OpenAi>(&Transcript::new(200, body), DIALECT);
    assert_eq!(Answer::of(&events).calls(0), [("f", r#"{"z":1,"a":[2.50,"x"]}"#)]);
}

#[test]
fn characters_cut_between_frames_are_a_failure_and_no_panic() {
    let head = ResponseHead { status: 200, headers: Vec::new() };
    let mut decoder = <OpenAi as Provider>::Decoder::new(head, DIALECT.into());
    let chunk = "{\"choices\":[{\"delta\":{\"content\":\"é\"}}]}".as_bytes();
    let cut = chunk.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
    let mut events = Vec::new();
    decoder.push(Frame { kind: None, data: chunk[..cut].to_vec() }, &mut events);
    assert!(Answer::of(&events).failure.is_some());
}

#[test]
fn a_frame_of_five_megabytes_is_one_piece() {
    let text = "x".repeat(5 << 20);
    let chunk = json!({"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]});
    let answer = read_sse::<OpenAi>(&format!("data: {chunk}\n\n"), DIALECT);
    assert_eq!(answer.text(0).len(), 5 << 20);
}
