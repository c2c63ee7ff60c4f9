//! Answers: each one whole and streamed, read alike.

use anthropic::Anthropic;
use plugway_sdk::chat::{
    Citation, Event, FailureKind, Finish, FinishReason, Origin, Part, PartBody, Piece, Reasoning,
    ToolCall, Usage,
};
use plugway_sdk::provider::Framing;
use plugway_sdk::testing::{Answer, Transcript, check_contract, streamed, whole};
use serde_json::{Value, json};

use crate::NATIVE;

const OPENAI: &str = "openai-chat";

/// One answer: its content whole, and the events that stream the same content.
struct Case {
    content: Value,
    blocks: Vec<Value>,
}

impl Case {
    /// The answer as a client of this dialect gets it, which is the same both ways.
    #[track_caller]
    fn answer(&self, memo: &str) -> Answer {
        let message = message(json!({"content": self.content}));
        let from_whole = whole::<Anthropic>(&Transcript::new(200, message.to_string()), memo);
        check_contract(&from_whole).unwrap();
        let from_stream = streamed::<Anthropic>(&stream(&self.blocks), Framing::Sse, memo);
        check_contract(&from_stream).unwrap();
        let answer = Answer::of(&from_whole);
        assert_eq!(Answer::of(&from_stream), answer);
        answer
    }

    #[track_caller]
    fn check(&self, memo: &str, parts: Vec<Part>) {
        let answer = self.answer(memo);
        assert_eq!(answer.parts.into_values().collect::<Vec<_>>(), parts);
    }
}

/// A message with these fields in place of the usual ones.
fn message(fields: Value) -> Value {
    let mut message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test",
        "content": [], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 10, "output_tokens": 5, "service_tier": "standard"},
    });
    for (name, value) in fields.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

fn stream(blocks: &[Value]) -> Transcript {
    let start = message(json!({
        "stop_reason": null,
        "usage": {"input_tokens": 10, "output_tokens": 1, "service_tier": "standard"},
    }));
    let mut frames =
        vec![json!({"type": "message_start", "message": start}), json!({"type": "ping"})];
    frames.extend(blocks.iter().cloned());
    frames.push(json!({
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": null},
        "usage": {"output_tokens": 5},
    }));
    frames.push(json!({"type": "message_stop"}));
    sse(&frames)
}

fn sse(frames: &[Value]) -> Transcript {
    let frames: Vec<String> = frames.iter().map(Value::to_string).collect();
    Transcript::sse(frames.iter().map(String::as_str))
}

/// The frames of one block: its start, its deltas and its end.
fn block(index: u32, start: Value, deltas: &[Value]) -> Vec<Value> {
    let mut frames =
        vec![json!({"type": "content_block_start", "index": index, "content_block": start})];
    for delta in deltas {
        frames.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
    }
    frames.push(json!({"type": "content_block_stop", "index": index}));
    frames
}

fn text_delta(text: &str) -> Value {
    json!({"type": "text_delta", "text": text})
}

fn input_delta(json: &str) -> Value {
    json!({"type": "input_json_delta", "partial_json": json})
}

#[test]
fn text() {
    let case = Case {
        content: json!([{"type": "text", "text": "Hello, wörld"}]),
        blocks: block(
            0,
            json!({"type": "text", "text": ""}),
            &[text_delta("Hello, "), text_delta(""), text_delta("wörld")],
        ),
    };
    case.check(OPENAI, vec![Part::text("Hello, wörld")]);
    let answer = case.answer(OPENAI);
    assert_eq!(
        answer.origin,
        Origin {
            id: Some("msg_1".into()),
            model: Some("claude-test".into()),
            service_tier: Some("standard".into()),
            extra: Vec::new(),
        }
    );
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::Stop, "end_turn")]);
    let usage = Usage { prompt_tokens: 10, completion_tokens: 5, ..Usage::default() };
    assert_eq!(answer.usage, [usage]);
}

#[test]
fn blocks_without_content_are_no_parts() {
    let mut blocks = block(0, json!({"type": "text", "text": ""}), &[]);
    blocks.extend(block(1, json!({"type": "text", "text": ""}), &[text_delta("a")]));
    let content = json!([{"type": "text", "text": ""}, {"type": "text", "text": "a"}]);
    Case { content, blocks }.check(OPENAI, vec![Part::text("a")]);
}

#[test]
fn thinking() {
    let start = json!({"type": "thinking", "thinking": "", "signature": ""});
    let deltas = [
        json!({"type": "thinking_delta", "thinking": "Let me"}),
        json!({"type": "thinking_delta", "thinking": " see."}),
        json!({"type": "signature_delta", "signature": "sig=="}),
    ];
    let mut blocks = block(0, start, &deltas);
    blocks.extend(block(1, json!({"type": "redacted_thinking", "data": "secret"}), &[]));
    blocks.extend(block(2, json!({"type": "text", "text": ""}), &[text_delta("Yes.")]));
    let case = Case {
        content: json!([
            {"type": "thinking", "thinking": "Let me see.", "signature": "sig=="},
            {"type": "redacted_thinking", "data": "secret"},
            {"type": "text", "text": "Yes."},
        ]),
        blocks,
    };
    let format = Some("anthropic-claude-v1".to_owned());
    let expected = vec![
        Part {
            signature: Some("sig==".into()),
            format: format.clone(),
            ..Part::reasoning("Let me see.")
        },
        Part { format, ..PartBody::Reasoning(Reasoning::Encrypted("secret".into())).into() },
        Part::text("Yes."),
    ];
    case.check(OPENAI, expected.clone());
    case.check(NATIVE, expected);
}

#[test]
fn thinking_that_is_kept_back_still_has_its_proof() {
    let start = json!({"type": "thinking", "thinking": "", "signature": ""});
    let case = Case {
        content: json!([{"type": "thinking", "thinking": "", "signature": "sig=="}]),
        blocks: block(0, start, &[json!({"type": "signature_delta", "signature": "sig=="})]),
    };
    let part = Part {
        signature: Some("sig==".into()),
        format: Some("anthropic-claude-v1".into()),
        ..Part::reasoning("")
    };
    case.check(OPENAI, vec![part]);
}

#[test]
fn tool_calls() {
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "look", "input": {}});
    let mut blocks = block(0, json!({"type": "text", "text": ""}), &[text_delta("Wait.")]);
    let bits = [input_delta(""), input_delta("{\"z\":1,"), input_delta("\"a\":2.50}")];
    blocks.extend(block(1, call("t1"), &bits));
    blocks.extend(block(2, call("t2"), &[input_delta("")]));
    blocks.extend(block(3, call("t3"), &[]));
    let content = r#"[
        {"type": "text", "text": "Wait."},
        {"type": "tool_use", "id": "t1", "name": "look", "input": {"z": 1, "a": 2.50}},
        {"type": "tool_use", "id": "t2", "name": "look", "input": {}},
        {"type": "tool_use", "id": "t3", "name": "look", "input": { }}
    ]"#;
    let body = message(json!({})).to_string();
    let body = body.replace("\"content\":[]", &format!("\"content\":{content}"));
    let from_whole = whole::<Anthropic>(&Transcript::new(200, body), OPENAI);
    check_contract(&from_whole).unwrap();
    let from_stream = streamed::<Anthropic>(&stream(&blocks), Framing::Sse, OPENAI);
    check_contract(&from_stream).unwrap();
    let answer = Answer::of(&from_stream);
    assert_eq!(answer, Answer::of(&from_whole));
    let part = |id: &str, input: &str| Part::from(ToolCall::new(id, "look", input));
    let expected = [
        Part::text("Wait."),
        part("t1", r#"{"z":1,"a":2.50}"#),
        part("t2", "{}"),
        part("t3", "{}"),
    ];
    assert!(answer.parts.into_values().eq(expected));
}

#[test]
fn input_is_streamed_byte_for_byte_and_at_once() {
    let start = json!({"type": "tool_use", "id": "t1", "name": "look", "input": {}});
    let blocks = block(0, start, &[input_delta("{\"a\": "), input_delta(" 1e2 }")]);
    let events = streamed::<Anthropic>(&stream(&blocks), Framing::Sse, OPENAI);
    let bits: Vec<String> = events
        .iter()
        .filter_map(|event| match event {
            Event::Piece(Piece { part: Part { body: PartBody::ToolCall(call), .. }, .. }) => {
                Some(format!("{}|{}|{}", call.id, call.name, call.input))
            }
            _ => None,
        })
        .collect();
    assert_eq!(bits, ["t1|look|", "||{\"a\": ", "|| 1e2 }"]);
}

#[test]
fn calls_that_begin_with_their_input() {
    let call = json!({
        "type": "tool_use", "id": "t1", "name": "look", "input": {"at": "Boston"},
        "caller": {"type": "code_execution_20250825", "tool_id": "s1"},
    });
    let case = Case { content: json!([call]), blocks: block(0, call.clone(), &[]) };
    let part = Part::from(ToolCall::new("t1", "look", "{\"at\":\"Boston\"}"));
    case.check(OPENAI, vec![part.clone()]);
    let caller = ("caller".to_owned(), call["caller"].to_string());
    case.check(NATIVE, vec![Part { extra: vec![caller], ..part }]);
}

#[test]
fn citations() {
    let web = json!({
        "type": "web_search_result_location", "cited_text": "said", "url": "https://x.test",
        "title": "X", "encrypted_index": "abc",
    });
    let page = json!({
        "type": "page_location", "cited_text": "there", "document_index": 0,
        "document_title": null, "start_page_number": 1, "end_page_number": 2,
    });
    let delta = |citation: &Value| json!({"type": "citations_delta", "citation": citation});
    let start = json!({"type": "text", "text": "", "citations": []});
    let case = Case {
        content: json!([{"type": "text", "text": "So", "citations": [web, page]}]),
        blocks: block(0, start, &[delta(&web), text_delta("So"), delta(&page)]),
    };
    let cited = |native: bool| {
        let extra = |fields: &[(&str, &str)]| {
            let fields = fields.iter().filter(|_| native);
            let owned = |(name, json): &(&str, &str)| ((*name).to_owned(), (*json).to_owned());
            fields.map(owned).collect::<Vec<_>>()
        };
        Part {
            citations: vec![
                Citation {
                    url: Some("https://x.test".into()),
                    title: Some("X".into()),
                    quote: Some("said".into()),
                    span: None,
                    extra: extra(&[
                        ("encrypted_index", "\"abc\""),
                        ("type", "\"web_search_result_location\""),
                    ]),
                },
                Citation {
                    quote: Some("there".into()),
                    extra: extra(&[
                        ("document_index", "0"),
                        ("end_page_number", "2"),
                        ("start_page_number", "1"),
                        ("type", "\"page_location\""),
                    ]),
                    ..Citation::default()
                },
            ],
            ..Part::text("So")
        }
    };
    case.check(OPENAI, vec![cited(false)]);
    case.check(NATIVE, vec![cited(true)]);
}

#[test]
fn native_blocks_are_for_native_clients() {
    let used = json!({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}});
    let mut begun = used.clone();
    begun["input"] = json!({});
    let found = json!({"type": "web_search_tool_result", "tool_use_id": "s1", "content": []});
    let compacted = json!({"type": "compaction", "content": "so far"});
    let mut blocks = block(0, begun, &[input_delta("{\"query\""), input_delta(":\"x\"}")]);
    blocks.extend(block(1, found.clone(), &[]));
    let bits = [
        json!({"type": "compaction_delta", "content": "so "}),
        json!({"type": "compaction_delta", "content": "far"}),
    ];
    blocks.extend(block(2, json!({"type": "compaction", "content": null}), &bits));
    blocks.extend(block(3, json!({"type": "text", "text": ""}), &[text_delta("a")]));
    let case =
        Case { content: json!([used, found, compacted, {"type": "text", "text": "a"}]), blocks };
    case.check(OPENAI, vec![Part::text("a")]);
    let native = |value: &Value| Part::from(PartBody::Native(value.to_string()));
    case.check(NATIVE, vec![native(&used), native(&found), native(&compacted), Part::text("a")]);
}

#[test]
fn reasons_to_stop() {
    let cases = [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::Length),
        ("tool_use", FinishReason::ToolCalls),
        ("pause_turn", FinishReason::Paused),
        ("refusal", FinishReason::ContentFilter),
        ("something_new", FinishReason::Stop),
    ];
    for (word, reason) in cases {
        let sequence = (word == "stop_sequence").then_some("END");
        let details = json!({"type": "refusal", "category": "bio"});
        let body = message(json!({
            "stop_reason": word, "stop_sequence": sequence, "stop_details": details,
        }));
        for memo in [OPENAI, NATIVE] {
            let events = whole::<Anthropic>(&Transcript::new(200, body.to_string()), memo);
            let extra = ("stop_details".to_owned(), details.to_string());
            let expected = Finish {
                stop_sequence: sequence.map(Into::into),
                extra: Vec::from_iter((memo == NATIVE).then_some(extra)),
                ..Finish::new(0, reason, word)
            };
            assert_eq!(Answer::of(&events).finishes, [expected]);
        }
    }
}

#[test]
fn usage_counts_the_cache_in() {
    let iteration = |kind: &str, model: Option<&str>| {
        json!({
            "type": kind, "model": model, "input_tokens": 7, "output_tokens": 3,
            "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0,
        })
    };
    let usage = json!({
        "input_tokens": 10, "cache_read_input_tokens": 200, "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
        "output_tokens": 50, "output_tokens_details": {"thinking_tokens": 40},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
        "iterations": [
            iteration("message", None),
            iteration("advisor_message", Some("claude-other")),
            iteration("advisor_message", Some("claude-other")),
            iteration("compaction", None),
        ],
    });
    let body = message(json!({"usage": usage}));
    let events = whole::<Anthropic>(&Transcript::new(200, body.to_string()), OPENAI);
    check_contract(&events).unwrap();
    let expected = [
        Usage {
            prompt_tokens: 240 + 7,
            completion_tokens: 50 + 3,
            cache_read_tokens: 200,
            cache_write_tokens: 30,
            reasoning_tokens: 40,
            meters: vec![
                ("cache-write-1h-tokens".into(), 10),
                ("web-searches".into(), 2),
                ("web-fetches".into(), 1),
            ],
            ..Usage::default()
        },
        Usage {
            model: Some("claude-other".into()),
            prompt_tokens: 14,
            completion_tokens: 6,
            ..Usage::default()
        },
    ];
    assert_eq!(Answer::of(&events).usage, expected);
}

#[test]
fn native_fields_of_the_message_are_kept() {
    let body = message(json!({"container": {"id": "c-1"}, "context_management": null}));
    let events = whole::<Anthropic>(&Transcript::new(200, body.to_string()), NATIVE);
    let container = ("container".to_owned(), "{\"id\":\"c-1\"}".to_owned());
    assert_eq!(Answer::of(&events).origin.extra, [container]);
    let events = whole::<Anthropic>(&Transcript::new(200, body.to_string()), OPENAI);
    assert_eq!(Answer::of(&events).origin.extra, []);
}

#[test]
fn answers_that_are_none_fail() {
    let error =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let cases = [
        (error.to_string(), FailureKind::Overloaded),
        ("<html>".into(), FailureKind::Unavailable),
        ("{}".into(), FailureKind::Unavailable),
        (String::new(), FailureKind::Unavailable),
    ];
    for (body, kind) in cases {
        let events = whole::<Anthropic>(&Transcript::new(200, body), OPENAI);
        check_contract(&events).unwrap();
        assert_eq!(Answer::of(&events).failure.map(|failure| failure.kind), Some(kind));
    }
}
