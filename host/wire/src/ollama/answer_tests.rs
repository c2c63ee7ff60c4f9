//! What a client reads from the lines is what it would have read in one piece.

use bytes::Bytes;
use plugway_engine::chat::{MediaKind, MediaSource, Origin};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::*;
use crate::Form;
use crate::events::*;
use crate::ollama::Kind;

const CHAT: Told = Told { kind: Kind::Chat, thinking: true, idle_reason: "stop" };
const GENERATE: Told = Told { kind: Kind::Generate, ..CHAT };

fn head() -> Head {
    let provider = "P".into();
    Head { id: "gen-1".into(), created: 1_755_697_701, model: "m".into(), provider }
}

fn lines(told: Told, events: &[Event]) -> Vec<Value> {
    let mut encoder = told.stream(head());
    let mut out = BytesMut::new();
    events.iter().for_each(|event| encoder.push(event, &mut out));
    encoder.end(Some(&Bill::unpriced(usage_of(3, 4))), &mut out);
    read(&out)
}

fn read(out: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn whole(told: Told, events: &[Event]) -> Value {
    let answer = Answer::from_events(events.iter().cloned());
    let bill = Bill::unpriced(usage_of(3, 4));
    let body: Bytes = told.encode_whole(&answer, &head(), Some(&bill), None).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// Reads lines as client libraries do: texts and lists are joined, of the rest the last
/// line's counts.
fn assemble(lines: &[Value]) -> Value {
    let (last, before) = lines.split_last().unwrap();
    assert!(before.iter().all(|line| line["done"] == false && line.get("done_reason").is_none()));
    assert_eq!(last["done"], true);
    let mut whole = last.clone();
    let place = if last.get("message").is_some() { "/message" } else { "" };
    for line in before {
        assert_eq!((&line["model"], &line["created_at"]), (&last["model"], &last["created_at"]));
        for (name, value) in line.pointer(place).unwrap().as_object().unwrap() {
            if matches!(&**name, "content" | "response" | "thinking") {
                let known = whole.pointer_mut(place).unwrap();
                let so_far = known[name].as_str().unwrap_or_default().to_owned();
                known[name] = (so_far + value.as_str().unwrap()).into();
            } else if matches!(&**name, "tool_calls" | "images" | "image") {
                assert!(whole.pointer(place).unwrap().get(name).is_none(), "told at once");
                whole.pointer_mut(place).unwrap()[name] = value.clone();
            }
        }
        if let Some(logprobs) = line.get("logprobs") {
            let known = whole["logprobs"].as_array().cloned().unwrap_or_default();
            whole["logprobs"] = [known, logprobs.as_array().cloned().unwrap()].concat().into();
        }
    }
    whole
}

/// Checks both forms, and that they say the same.
#[track_caller]
fn check(told: Told, events: &[Event], expected: Value) {
    let mut full = json!({
        "model": "m", "created_at": "2025-08-20T13:48:21Z", "done": true, "done_reason": "stop",
        "total_duration": 0, "load_duration": 0, "prompt_eval_duration": 0, "eval_duration": 0,
        "prompt_eval_count": 3, "eval_count": 4,
    });
    for (name, value) in expected.as_object().unwrap() {
        full[name] = value.clone();
    }
    assert_eq!(whole(told, events), full);
    assert_eq!(assemble(&lines(told, events)), full);
}

fn with_logprobs(event: Event, logprobs: &str) -> Event {
    Event::Piece(Piece { logprobs: Some(logprobs.into()), ..piece_of(event) })
}

#[test]
fn text_and_thoughts_come_as_they_are_told() {
    let events = [
        piece(0, 0, reasoning("hm")),
        piece(0, 0, reasoning("m")),
        piece(0, 1, text("Hel")),
        piece(0, 1, text("lo\n\u{1F600}")),
        finish(0, FinishReason::Stop),
    ];
    let content = "Hello\n\u{1F600}";
    let message = json!({"role": "assistant", "content": content, "thinking": "hmm"});
    check(CHAT, &events, json!({"message": message}));
    check(GENERATE, &events, json!({"response": content, "thinking": "hmm"}));
    assert_eq!(lines(CHAT, &events).len(), 5);
    let hidden = Told { thinking: false, ..CHAT };
    check(hidden, &events, json!({"message": {"role": "assistant", "content": content}}));
    assert_eq!(lines(hidden, &events).len(), 3);
}

#[test]
fn any_answer_is_the_same_in_lines_and_whole() {
    let mut draws = StdRng::seed_from_u64(7);
    for _ in 0..1000 {
        let events = drawn(&mut draws);
        for told in [CHAT, GENERATE, Told { thinking: false, ..CHAT }] {
            assert_eq!(assemble(&lines(told, &events)), whole(told, &events), "{events:?}");
        }
    }
}

#[test]
fn calls_are_told_once_they_are_whole() {
    let events = [
        piece(0, 0, text("I look.")),
        piece(0, 1, call("a", "f", "{\"x\"")),
        piece(0, 2, call("b", "g", "")),
        piece(0, 1, call("", "", ": 1}")),
        finish(0, FinishReason::ToolCalls),
    ];
    let calls = json!([
        {"id": "a", "function": {"index": 0, "name": "f", "arguments": {"x": 1}}},
        {"id": "b", "function": {"index": 1, "name": "g", "arguments": {}}},
    ]);
    let message = json!({"role": "assistant", "content": "I look.", "tool_calls": calls});
    check(CHAT, &events, json!({"message": message}));
    assert_eq!(lines(CHAT, &events).len(), 3);
}

#[test]
fn arguments_that_are_no_object_stay_what_they_are() {
    for input in ["{\"x\": ", "[1]", "plain"] {
        let events = [piece(0, 0, call("a", "f", input)), finish(0, FinishReason::Length)];
        let calls = json!([{"id": "a", "function": {"index": 0, "name": "f", "arguments": input}}]);
        let message = json!({"role": "assistant", "content": "", "tool_calls": calls});
        check(CHAT, &events, json!({"message": message, "done_reason": "length"}));
    }
}

#[test]
fn images_are_told_whole() {
    let mut sound = image("AAAA");
    sound.kind = MediaKind::Audio;
    let mut linked = image("");
    linked.source = MediaSource::Uri("https://example.com/a.png".into());
    let events = [
        piece(0, 0, PartBody::Media(image("aGVs"))),
        piece(0, 0, PartBody::Media(image("bG8="))),
        piece(0, 1, PartBody::Media(sound)),
        piece(0, 2, PartBody::Media(linked)),
        finish(0, FinishReason::Stop),
    ];
    let message = json!({"role": "assistant", "content": "", "images": ["aGVsbG8="]});
    check(CHAT, &events, json!({"message": message}));
    check(GENERATE, &events, json!({"response": "", "image": "aGVsbG8="}));
}

#[test]
fn probabilities_stand_beside_their_text() {
    let events = [
        with_logprobs(piece(0, 0, text("a")), r#"[{"token":"a","logprob":-1}]"#),
        with_logprobs(piece(0, 0, text("")), r#"[{"token":"b","logprob":-2}]"#),
        with_logprobs(piece(0, 0, text("c")), "[]"),
        finish(0, FinishReason::Stop),
    ];
    let logprobs = json!([{"token": "a", "logprob": -1}, {"token": "b", "logprob": -2}]);
    let message = json!({"role": "assistant", "content": "ac"});
    check(CHAT, &events, json!({"message": message, "logprobs": logprobs}));
}

#[test]
fn what_the_provider_measured_replaces_the_zeros() {
    let origin = |extra: &[(&str, &str)]| {
        let extra = extra.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let extra = extra.collect();
        Event::Origin(Origin { id: None, model: None, service_tier: None, extra })
    };
    let events = [
        piece(0, 0, text("a")),
        origin(&[
            ("total_duration", "7"),
            ("eval_duration", "5"),
            ("future", "[1]"),
            ("done", "0"),
        ]),
        finish(0, FinishReason::Stop),
    ];
    let message = json!({"role": "assistant", "content": "a"});
    let told = json!({"message": message, "total_duration": 7, "eval_duration": 5, "future": [1]});
    check(CHAT, &events, told);
}

#[test]
fn every_end_has_a_word() {
    for (reason, word) in [
        (FinishReason::Stop, "stop"),
        (FinishReason::ToolCalls, "stop"),
        (FinishReason::Length, "length"),
        (FinishReason::ContentFilter, "content_filter"),
        (FinishReason::Paused, "paused"),
        (FinishReason::Error, "error"),
    ] {
        let message = json!({"role": "assistant", "content": ""});
        check(CHAT, &[finish(0, reason)], json!({"message": message, "done_reason": word}));
    }
    let load = Told { idle_reason: "load", ..CHAT };
    let message = json!({"role": "assistant", "content": ""});
    check(load, &[], json!({"message": message, "done_reason": "load"}));
}

#[test]
fn a_refusal_is_text() {
    let events = [piece(0, 0, PartBody::Refusal("No.".into())), finish(0, FinishReason::Stop)];
    check(GENERATE, &events, json!({"response": "No."}));
}

#[test]
fn an_error_is_the_last_line_and_an_answer_that_broke_off_is_none() {
    let error = ErrorBody { message: "It \"broke\".".into(), ..ErrorBody::default() };
    let mut encoder = CHAT.stream(head());
    let mut out = BytesMut::new();
    encoder.push(&piece(0, 0, text("a")), &mut out);
    encoder.push(&piece(0, 1, call("a", "f", "{")), &mut out);
    encoder.fail(&error, None, &mut out);
    let lines = read(&out);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1], json!({"error": "It \"broke\"."}));
    let answer = Answer::default();
    assert!(CHAT.encode_whole(&answer, &head(), None, Some(&error)).is_none());
    assert_eq!(crate::ollama::encode_error(&error), r#"{"error":"It \"broke\"."}"#);
    assert!(CHAT.keep_alive().is_empty());
}
