//! Streams that do not run smoothly.

use plugway_sdk::chat::{FailureKind, Usage};
use plugway_sdk::provider::Frame;
use plugway_sdk::testing::{Answer, check_contract};
use serde_json::json;

use crate::{frame, streamed};

fn begin() -> Frame {
    frame("messageStart", json!({"role": "assistant"}))
}

fn hello() -> Frame {
    frame("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": "Hello"}}))
}

fn ended() -> Frame {
    frame("messageStop", json!({"stopReason": "end_turn"}))
}

fn answer(frames: Vec<Frame>) -> Answer {
    let events = streamed(frames, "");
    check_contract(&events).unwrap();
    Answer::of(&events)
}

#[test]
fn an_end_without_a_stop_is_a_failure() {
    for frames in [vec![], vec![begin()], vec![begin(), hello()]] {
        let kind = answer(frames).failure.map(|failure| failure.kind);
        assert_eq!(kind, Some(FailureKind::Unavailable));
    }
    assert_eq!(answer(vec![begin(), hello(), ended()]).failure, None);
}

#[test]
fn exceptions_end_the_stream_and_keep_what_came() {
    use FailureKind::*;
    let cases = [
        ("throttlingException", "Too many requests", RateLimited),
        ("modelStreamErrorException", "The model broke", Unavailable),
        ("internalServerException", "Oh no", Unavailable),
        ("serviceUnavailableException", "Later", Overloaded),
        ("modelTimeoutException", "Slow", Timeout),
        ("validationException", "Input is too long for requested model.", ContextLengthExceeded),
        ("validationException", "messages: wrong", InvalidRequest),
        ("futureException", "New", Unavailable),
    ];
    for (name, message, kind) in cases {
        let error = frame(name, json!({"message": message}));
        let answer = answer(vec![begin(), hello(), error, ended()]);
        assert_eq!(answer.text(0), "Hello");
        let failure = answer.failure.expect(name);
        assert_eq!((failure.kind, failure.message.as_str()), (kind, message), "{name}");
        assert_eq!(failure.code.as_deref(), Some(name));
    }
}

#[test]
fn an_exception_without_words_still_is_one() {
    let silent = Frame { kind: Some("throttlingException".into()), data: Vec::new() };
    let failure = answer(vec![begin(), silent]).failure.unwrap();
    assert_eq!(failure.kind, FailureKind::RateLimited);
}

#[test]
fn what_the_service_may_add_is_skipped() {
    let frames = vec![
        frame("futureEvent", json!({"a": 1})),
        begin(),
        frame("contentBlockStart", json!({"contentBlockIndex": 0, "start": {"future": {"x": 1}}})),
        frame("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"future": "x"}})),
        frame("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": null}})),
        hello(),
        frame("contentBlockStop", json!({"contentBlockIndex": 0})),
        frame("contentBlockStop", json!({"contentBlockIndex": 9})),
        ended(),
        hello(),
        frame("metadata", json!({"usage": {"inputTokens": 1, "outputTokens": 2}, "future": []})),
    ];
    let answer = answer(frames);
    assert_eq!(answer.text(0), "Hello", "nothing after the end is read");
    let usage = Usage { prompt_tokens: 1, completion_tokens: 2, ..Usage::default() };
    assert_eq!(answer.usage, [usage]);
    assert_eq!(answer.failure, None);
}

#[test]
fn nonsense_is_a_failure() {
    let frames = [
        Frame { kind: Some("contentBlockDelta".into()), data: b"\xff{".to_vec() },
        Frame { kind: Some("messageStop".into()), data: b"[]".to_vec() },
        frame("contentBlockDelta", json!({"contentBlockIndex": 0})),
        frame("contentBlockDelta", json!({"contentBlockIndex": "one", "delta": {"text": "x"}})),
        frame(
            "contentBlockDelta",
            json!({"contentBlockIndex": 3, "delta": {"toolUse": {"input": "{"}}}),
        ),
        Frame { kind: None, data: br#"{"message":"gone"}"#.to_vec() },
    ];
    for nonsense in frames {
        let answer = answer(vec![begin(), hello(), nonsense.clone(), ended()]);
        let kind = answer.failure.map(|failure| failure.kind);
        assert_eq!(kind, Some(FailureKind::Unavailable), "{:?}", nonsense.kind);
    }
}

#[test]
fn blocks_that_are_never_closed_end_with_the_message() {
    let call =
        json!({"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "look"}}});
    let answer = answer(vec![begin(), hello(), frame("contentBlockStart", call), ended()]);
    assert_eq!(answer.calls(0), [("look", "{}")]);
}

#[test]
fn blocks_may_interleave() {
    let start = |index: u32| {
        let call = json!({"toolUse": {"toolUseId": format!("t-{index}"), "name": "look"}});
        frame("contentBlockStart", json!({"contentBlockIndex": index, "start": call}))
    };
    let more = |index: u32, input: &str| {
        let delta = json!({"toolUse": {"input": input}});
        frame("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta}))
    };
    let frames = vec![
        begin(),
        start(0),
        start(1),
        more(0, "{\"a\":"),
        more(1, "not json"),
        more(0, "1}"),
        ended(),
    ];
    assert_eq!(answer(frames).calls(0), [("look", "{\"a\":1}"), ("look", "not json")]);
}

#[test]
fn a_frame_of_five_megabytes_is_read() {
    let text = "x".repeat(5_000_000);
    let long = frame("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": text}}));
    assert_eq!(answer(vec![begin(), long, ended()]).text(0).len(), 5_000_000);
}

#[test]
fn counts_never_shrink_and_what_nobody_counted_is_not_free() {
    let counted = |usage| frame("metadata", json!({"usage": usage}));
    let many = json!({"inputTokens": 5, "outputTokens": 7, "cacheReadInputTokens": 2});
    let few = json!({"inputTokens": 9, "outputTokens": 1});
    let told = answer(vec![hello(), ended(), counted(many), counted(few)]).usage;
    let usage = told.last().unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (9, 7));
    assert_eq!(usage.cache_read_tokens, 2);
    for usage in [json!({}), json!(null), json!({"inputTokens": null, "serverToolUsage": {}})] {
        assert_eq!(answer(vec![hello(), ended(), counted(usage)]).usage, []);
    }
}
