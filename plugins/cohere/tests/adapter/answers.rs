//! Answers: each one whole and streamed, read alike.

use cohere::Cohere;
use plugway_sdk::chat::{
    Citation, Finish, FinishReason, Part, PartBody, Reasoning, ToolCall, Usage,
};
use plugway_sdk::provider::Framing;
use plugway_sdk::testing::{Answer, Transcript, check_contract, streamed, whole};
use serde_json::{Value, json};

use crate::NATIVE;

const OPENAI: &str = "openai-chat";

/// One answer: its message whole, and the events that stream the same message.
struct Case {
    message: Value,
    events: Vec<Value>,
    reason: &'static str,
}

impl Case {
    /// The answer as a client of this dialect gets it, which is the same both ways.
    #[track_caller]
    fn answer(&self, memo: &str) -> Answer {
        let usage = usage();
        let body = json!({
            "id": "a1b2", "finish_reason": self.reason, "message": self.message, "usage": usage,
        });
        let from_whole = whole::<Cohere>(&Transcript::new(200, body.to_string()), memo);
        check_contract(&from_whole).unwrap();
        let mut frames = vec![json!({
            "type": "message-start", "id": "a1b2",
            "delta": {"message": {"role": "assistant", "content": [], "tool_plan": ""}},
        })];
        frames.extend(self.events.iter().cloned());
        let end = json!({"finish_reason": self.reason, "usage": usage});
        frames.push(json!({"type": "message-end", "delta": end}));
        let from_stream = streamed::<Cohere>(&sse(&frames), Framing::Sse, memo);
        check_contract(&from_stream).unwrap();
        let mut answer = Answer::of(&from_whole);
        let mut other = Answer::of(&from_stream);
        // They come in bits of other sizes.
        assert_eq!(joined(&mut other), joined(&mut answer));
        assert_eq!(other, answer);
        answer
    }

    #[track_caller]
    fn check(&self, memo: &str, parts: Vec<Part>) {
        let answer = self.answer(memo);
        assert_eq!(answer.parts.into_values().collect::<Vec<_>>(), parts);
    }
}

fn joined(answer: &mut Answer) -> Vec<Value> {
    let lists = std::mem::take(&mut answer.logprobs).into_values().flatten();
    lists.flat_map(|list| serde_json::from_str::<Vec<Value>>(&list).unwrap()).collect()
}

fn usage() -> Value {
    json!({
        "billed_units": {"input_tokens": 4.0, "output_tokens": 6, "search_units": 1},
        "tokens": {"input_tokens": 90, "output_tokens": 9.0, "reasoning_tokens": 3},
        "cached_tokens": 64,
    })
}

fn sse(frames: &[Value]) -> Transcript {
    let mut body = String::new();
    for frame in frames {
        let kind = frame["type"].as_str().unwrap();
        body.push_str(&format!("event: {kind}\r\ndata: {frame}\r\n\r\n"));
    }
    body.push_str("data: [DONE]\r\n\r\n");
    Transcript::new(200, body)
}

fn event(kind: &str, index: u32, message: Value) -> Value {
    json!({"type": kind, "index": index, "delta": {"message": message}})
}

/// The events of one item of the content, which begins empty.
fn content(index: u32, field: &str, bits: &[&str]) -> Vec<Value> {
    let start = json!({"content": {"type": field, field: ""}});
    let mut events = vec![event("content-start", index, start)];
    for bit in bits {
        events.push(event("content-delta", index, json!({"content": {field: bit}})));
    }
    events.push(json!({"type": "content-end", "index": index}));
    events
}

fn call_events(index: u32, id: &str, bits: &[&str]) -> Vec<Value> {
    let function = json!({"name": "look", "arguments": ""});
    let call = json!({"id": id, "type": "function", "function": function});
    let mut events = vec![event("tool-call-start", index, json!({"tool_calls": call}))];
    for bit in bits {
        let function = json!({"function": {"arguments": bit}});
        events.push(event("tool-call-delta", index, json!({"tool_calls": function})));
    }
    events.push(json!({"type": "tool-call-end", "index": index}));
    events
}

fn call(id: &str, input: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "look", "arguments": input}})
}

fn plan(text: &str) -> Part {
    Part { format: Some("cohere-tool-plan-v2".into()), ..Part::reasoning(text) }
}

#[test]
fn text() {
    let case = Case {
        message: json!({"role": "assistant", "content": [{"type": "text", "text": "Hé, wörld"}]}),
        events: content(0, "text", &["Hé, ", "", "wörld"]),
        reason: "COMPLETE",
    };
    case.check(OPENAI, vec![Part::text("Hé, wörld")]);
    let answer = case.answer(OPENAI);
    assert_eq!(answer.origin.id.as_deref(), Some("a1b2"));
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::Stop, "COMPLETE")]);
}

#[test]
fn tokens_are_counted_and_billed_units_are_meters() {
    let case = Case { message: json!({"content": []}), events: Vec::new(), reason: "COMPLETE" };
    let expected = Usage {
        prompt_tokens: 90,
        completion_tokens: 9,
        cache_read_tokens: 64,
        reasoning_tokens: 3,
        meters: vec![
            ("billed-prompt-tokens".into(), 4),
            ("billed-completion-tokens".into(), 6),
            ("search-units".into(), 1),
        ],
        ..Usage::default()
    };
    assert_eq!(case.answer(OPENAI).usage, [expected]);
}

#[test]
fn what_is_billed_stands_in_for_what_is_not_counted() {
    let answer = |usage: Value| {
        let body = json!({"message": {"content": []}, "usage": usage});
        Answer::of(&whole::<Cohere>(&Transcript::new(200, body.to_string()), OPENAI)).usage
    };
    let billed = json!({"billed_units": {"input_tokens": 4, "output_tokens": 6}});
    let expected = Usage { prompt_tokens: 4, completion_tokens: 6, ..Usage::default() };
    assert_eq!(answer(billed), [expected]);
    for nothing in [json!(null), json!({}), json!({"tokens": null}), json!("many")] {
        assert_eq!(answer(nothing), [], "the router counts for itself");
    }
}

#[test]
fn thoughts_and_calls_without_a_plan() {
    let mut events = content(0, "thinking", &["Let me", " see."]);
    events.extend(call_events(0, "c1", &["{\"z\": 1,", " \"a\": 2.50}"]));
    let case = Case {
        message: json!({
            "content": [{"type": "thinking", "thinking": "Let me see."}],
            "tool_calls": [call("c1", r#"{"z": 1, "a": 2.50}"#)],
        }),
        events,
        reason: "TOOL_CALL",
    };
    let called = ToolCall::new("c1", "look", r#"{"z": 1, "a": 2.50}"#);
    case.check(OPENAI, vec![Part::reasoning("Let me see."), called.into()]);
    let finishes = case.answer(OPENAI).finishes;
    assert_eq!(finishes, [Finish::new(0, FinishReason::ToolCalls, "TOOL_CALL")]);
}

#[test]
fn a_plan_and_several_calls() {
    let bit =
        |text: &str| json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": text}}});
    let mut events = vec![bit("I will"), bit(" look.")];
    events.extend(call_events(0, "c1", &["{}"]));
    events.extend(call_events(1, "c2", &["not", " json"]));
    let case = Case {
        message: json!({
            "tool_plan": "I will look.",
            "tool_calls": [call("c1", "{}"), call("c2", "not json")],
            "content": null,
        }),
        events,
        reason: "TOOL_CALL",
    };
    let expected = vec![
        plan("I will look."),
        ToolCall::new("c1", "look", "{}").into(),
        ToolCall::new("c2", "look", "not json").into(),
    ];
    case.check(OPENAI, expected.clone());
    case.check(NATIVE, expected);
}

#[test]
fn calls_without_ids_or_with_the_same_id_get_ids_of_their_own() {
    let mut events = call_events(0, "", &["{}"]);
    events.extend(call_events(1, "c1", &["{}"]));
    events.extend(call_events(2, "c1", &["{}"]));
    let calls = json!([call("", "{}"), call("c1", "{}"), call("c1", "{}")]);
    let case = Case { message: json!({"tool_calls": calls}), events, reason: "COMPLETE" };
    let expected =
        ["call_a1b2_0", "c1", "call_a1b2_2"].map(|id| ToolCall::new(id, "look", "{}").into());
    case.check(OPENAI, expected.into());
    let reason = case.answer(OPENAI).finishes[0].reason;
    assert_eq!(reason, FinishReason::ToolCalls);
}

#[test]
fn citations_of_every_source() {
    let passage = json!({
        "start": 3, "end": 6, "text": "wet", "type": "TEXT_CONTENT",
        "sources": [
            {"type": "document", "id": "d1", "document": {
                "title": "Weather", "url": "https://x.test", "snippet": "It rains.",
            }},
            {"type": "tool", "id": "c1:0", "tool_output": {"content": "rain"}},
        ],
    });
    let bare = json!({"start": 0, "end": 2, "text": "It", "sources": []});
    let text = content(0, "text", &["It is", " wet"]);
    let (last, text) = text.split_last().unwrap();
    let mut events = text.to_vec();
    for (place, citation) in [&passage, &bare].into_iter().enumerate() {
        let place = u32::try_from(place).unwrap();
        events.push(event("citation-start", place, json!({"citations": citation})));
        events.push(json!({"type": "citation-end", "index": place}));
    }
    events.push(last.clone());
    let case = Case {
        message: json!({
            "content": [{"type": "text", "text": "It is wet"}], "citations": [passage, bare],
        }),
        events,
        reason: "COMPLETE",
    };
    let span = Some((3, 6));
    let citations = vec![
        Citation {
            url: Some("https://x.test".into()),
            title: Some("Weather".into()),
            quote: Some("It rains.".into()),
            span,
            extra: Vec::new(),
        },
        Citation { quote: Some("rain".into()), span, ..Citation::default() },
        Citation { span: Some((0, 2)), ..Citation::default() },
    ];
    case.check(OPENAI, vec![Part { citations, ..Part::text("It is wet") }]);
    let native = case.answer(NATIVE).parts.into_values().next().unwrap();
    let extra = |place: usize, name: &str| {
        let found = native.citations[place].extra.iter().find(|(known, _)| known == name);
        found.map(|(_, json)| serde_json::from_str::<Value>(json).unwrap())
    };
    assert_eq!(extra(0, "text"), Some(json!("wet")));
    assert_eq!(extra(1, "source").unwrap()["id"], json!("c1:0"));
    assert_eq!(extra(2, "source"), None);
}

#[test]
fn citations_find_the_item_they_are_of() {
    let of = |kind: &str, place: u32| json!({"start": 0, "end": 1, "type": kind, "content_index": place, "sources": []});
    let all = [of("THINKING_CONTENT", 0), of("TEXT_CONTENT", 1), of("PLAN", 0)];
    let mut events = content(0, "thinking", &["Hm"]);
    events.extend(content(1, "text", &["Yes"]));
    events.push(event("tool-plan-delta", 0, json!({"tool_plan": "Go"})));
    for citation in &all {
        events.push(event("citation-start", 0, json!({"citations": citation})));
    }
    let case = Case {
        message: json!({
            "content": [
                {"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Yes"},
            ],
            "tool_plan": "Go", "citations": all,
        }),
        events,
        reason: "COMPLETE",
    };
    let cited = |part: Part| Part {
        citations: vec![Citation { span: Some((0, 1)), ..Citation::default() }],
        ..part
    };
    let thought = PartBody::Reasoning(Reasoning::Text("Hm".into()));
    let expected = vec![cited(thought.into()), cited(Part::text("Yes")), cited(plan("Go"))];
    case.check(OPENAI, expected);
}

#[test]
fn log_probabilities() {
    let chunk =
        |text: &str, numbers: Value| json!({"text": text, "token_ids": [1], "logprobs": numbers});
    let (first, second) = (chunk("H", json!([-0.5])), chunk("é", json!([-0.25, -0.25])));
    let delta = |text: &str, logprobs: &Value| {
        json!({"type": "content-delta", "index": 0, "delta": {
            "message": {"content": {"text": text}}, "logprobs": logprobs,
        }})
    };
    let frames = [
        delta("H", &first),
        delta("é", &second),
        json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}),
    ];
    let expected = vec![
        json!({"token": "H", "logprob": -0.5, "bytes": [72], "top_logprobs": []}),
        json!({"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": []}),
    ];
    let mut answer = Answer::of(&streamed::<Cohere>(&sse(&frames), Framing::Sse, OPENAI));
    assert_eq!(joined(&mut answer), expected);
    let body = json!({
        "message": {"content": [{"type": "text", "text": "Hé"}]},
        "finish_reason": "COMPLETE", "logprobs": [first, second],
    });
    let mut answer = Answer::of(&whole::<Cohere>(&Transcript::new(200, body.to_string()), OPENAI));
    assert_eq!(joined(&mut answer), expected);
    assert_eq!(answer.text(0), "Hé");
}

#[test]
fn ends() {
    use FinishReason::*;
    let cases = [
        ("COMPLETE", Stop),
        ("STOP_SEQUENCE", Stop),
        ("MAX_TOKENS", Length),
        ("ERROR_LIMIT", Length),
        ("TOOL_CALL", ToolCalls),
        ("ERROR_TOXIC", ContentFilter),
        ("ERROR", Error),
        ("TIMEOUT", Error),
        ("A_WORD_OF_THE_FUTURE", Stop),
    ];
    for (reason, expected) in cases {
        let case = Case { message: json!({}), events: Vec::new(), reason };
        assert_eq!(case.answer(OPENAI).finishes, [Finish::new(0, expected, reason)]);
    }
}

#[test]
fn native_fields_reach_clients_of_the_same_dialect_alone() {
    let body = json!({
        "id": "x", "message": {"content": "plain"}, "finish_reason": "COMPLETE",
        "response_type": "future", "nothing": null,
    });
    let transcript = Transcript::new(200, body.to_string());
    let answer = |memo| Answer::of(&whole::<Cohere>(&transcript, memo));
    let expected = [("response_type".to_owned(), r#""future""#.to_owned())];
    assert_eq!(answer(NATIVE).origin.extra, expected);
    assert_eq!(answer(OPENAI).origin.extra, []);
    assert_eq!(answer(OPENAI).text(0), "plain");
}
