//! A stream, folded as client libraries fold it, says what a whole message says.

use plugway_engine::chat::{Citation, Finish, Origin, Piece, Reasoning, Usage};
use serde_json::{Map, Value, json};

use super::*;
use crate::answer::Answer;
use crate::events::*;

fn head() -> Head {
    Head { id: "gen-1".into(), created: 7, model: "a/b".into(), provider: "P".into() }
}

fn bill(events: &[Event]) -> Bill {
    let mut tally = Tally::default();
    events.iter().for_each(|event| tally.observe(event));
    let mut bill = Bill::unpriced(tally.total_usage().unwrap_or_else(usage::none));
    bill.cost = Some(2_000_000_000_000);
    bill
}

/// What leaves for these events, and then the end.
fn streamed(events: &[Event], shown: bool) -> String {
    let mut stream = Events::new(head(), shown);
    let mut out = BytesMut::new();
    events.iter().for_each(|event| stream.push(event, &mut out));
    stream.end(Some(&bill(events)), &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

/// Type and data of each event; the two agree.
fn told(stream: &str) -> Vec<Value> {
    let frames = stream.split_terminator("\n\n");
    let frames = frames.map(|frame| {
        let (name, data) = frame.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
        data
    });
    frames.collect()
}

fn types(told: &[Value]) -> Vec<&str> {
    told.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn grow(field: &mut Value, bit: &Value) {
    *field = format!("{}{}", field.as_str().unwrap(), bit.as_str().unwrap()).into();
}

/// Folds a stream as Anthropic's own libraries do. Panics where an event is out of
/// order: one block at a time, numbered from 0.
fn fold(told: &[Value]) -> Value {
    let [start, events @ .., delta, stop] = told else { panic!("{told:?}") };
    assert_eq!(start["type"], "message_start");
    assert_eq!((&delta["type"], &stop["type"]), (&json!("message_delta"), &json!("message_stop")));
    let mut content: Vec<Value> = Vec::new();
    let (mut open, mut input) = (false, String::new());
    for event in events {
        let number = || usize::try_from(event["index"].as_u64().unwrap()).unwrap();
        match event["type"].as_str().unwrap() {
            "ping" => {}
            "content_block_start" => {
                assert!(!open, "one block at a time");
                assert_eq!(number(), content.len());
                (open, input) = (true, String::new());
                content.push(event["content_block"].clone());
            }
            "content_block_stop" => {
                assert!(open && number() + 1 == content.len());
                open = false;
            }
            "content_block_delta" => {
                assert!(open && number() + 1 == content.len());
                let (block, delta) = (content.last_mut().unwrap(), &event["delta"]);
                match delta["type"].as_str().unwrap() {
                    "text_delta" => grow(&mut block["text"], &delta["text"]),
                    "thinking_delta" => grow(&mut block["thinking"], &delta["thinking"]),
                    "signature_delta" => block["signature"] = delta["signature"].clone(),
                    "citations_delta" => {
                        let mut all = block["citations"].as_array().cloned().unwrap_or_default();
                        all.push(delta["citation"].clone());
                        block["citations"] = all.into();
                    }
                    "input_json_delta" => {
                        input.push_str(delta["partial_json"].as_str().unwrap());
                        if let Ok(whole) = serde_json::from_str(&input) {
                            block["input"] = whole;
                        }
                    }
                    other => panic!("{other}"),
                }
            }
            other => panic!("{other}"),
        }
    }
    assert!(!open, "every block ends");
    let mut message = start["message"].as_object().unwrap().clone();
    message["content"] = content.into();
    let mut add = |fields: &Map<String, Value>| {
        for (name, value) in fields {
            if !value.is_null() || !message.contains_key(name) {
                message.insert(name.clone(), value.clone());
            }
        }
    };
    add(delta["delta"].as_object().unwrap());
    let mut rest = delta.as_object().unwrap().clone();
    rest.remove("delta");
    rest.remove("type");
    add(&rest);
    message.into()
}

fn whole(events: &[Event], shown: bool) -> Value {
    let answer = Answer::from_events(events.iter().cloned());
    let form = crate::anthropic_messages::Message { include_reasoning: shown };
    let bytes = crate::Form::encode_whole(&form, &answer, &head(), Some(&bill(events)), None);
    serde_json::from_slice(&bytes.unwrap()).unwrap()
}

#[track_caller]
fn same(events: &[Event]) -> Value {
    let mut message = Value::Null;
    for shown in [true, false] {
        let stream = streamed(events, shown);
        assert_eq!(fold(&told(&stream)), whole(events, shown), "shown: {shown}; {stream}");
        if shown {
            message = whole(events, shown);
        }
    }
    message
}

fn with(event: Event, change: impl FnOnce(&mut Part)) -> Event {
    let Event::Piece(mut piece) = event else { panic!("no piece") };
    change(&mut piece.part);
    Event::Piece(piece)
}

fn format(part: &mut Part, format: &str, signature: &str) {
    part.format = Some(format.into());
    part.signature = Some(signature.into());
}

fn source(url: Option<&str>, extra: &[(&str, &str)]) -> Citation {
    let extra = extra.iter().map(|(name, json)| ((*name).into(), (*json).into())).collect();
    Citation {
        url: url.map(Into::into),
        title: Some("T".into()),
        quote: Some("q".into()),
        span: None,
        extra,
    }
}

fn ended(reason: FinishReason, native: &str) -> Event {
    Event::Finish(Finish {
        choice: 0,
        reason,
        native: native.into(),
        stop_sequence: None,
        extra: Vec::new(),
    })
}

const OURS: &str = "anthropic-claude-v1";

/// Everything that a message can hold, in bits.
fn rich() -> Vec<Event> {
    vec![
        origin("up-1"),
        usage(11, 1),
        piece(0, 0, reasoning("I ")),
        piece(0, 0, reasoning("think")),
        with(piece(0, 0, reasoning("")), |part| format(part, OURS, "sig")),
        with(piece(0, 1, PartBody::Reasoning(Reasoning::Encrypted("sealed".into()))), |part| {
            part.format = Some(OURS.into());
        }),
        piece(0, 2, text("Hello ")),
        with(piece(0, 2, text("there")), |part| {
            part.citations = vec![source(Some("https://x.test"), &[])];
        }),
        with(piece(0, 2, text("")), |part| {
            let native =
                [("type", "\"char_location\""), ("document_index", "0"), ("file_id", "null")];
            part.citations = vec![source(None, &native), source(None, &[])];
        }),
        piece(
            0,
            3,
            PartBody::Native(
                r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"x"},"caller":{"type":"direct"}}"#
                    .into(),
            ),
        ),
        piece(
            0,
            4,
            PartBody::Native(r#"{"type":"web_search_tool_result","tool_use_id":"s","content":[]}"#.into()),
        ),
        piece(0, 5, call("t1", "look", "")),
        piece(0, 5, call("", "", r#"{"city":"#)),
        piece(0, 5, call("", "", "\"Os\u{fc}\"}")),
        piece(0, 6, call("t2", "none", "")),
        usage(11, 9),
        finish(0, FinishReason::ToolCalls),
    ]
}

#[test]
fn a_stream_says_what_a_whole_message_says() {
    let message = same(&rich());
    let types: Vec<_> =
        message["content"].as_array().unwrap().iter().map(|it| it["type"].as_str()).collect();
    let expected = [
        "thinking",
        "redacted_thinking",
        "text",
        "server_tool_use",
        "web_search_tool_result",
        "tool_use",
        "tool_use",
    ];
    assert_eq!(types, expected.map(Some));
    assert_eq!(
        message["content"][0],
        json!({
            "type": "thinking", "thinking": "I think", "signature": "sig",
        })
    );
    assert_eq!(message["content"][1]["data"], "sealed");
    let citations = message["content"][2]["citations"].as_array().unwrap();
    assert_eq!(citations.len(), 2, "one without address and kind has no form");
    assert_eq!(citations[0]["type"], "web_search_result_location");
    assert_eq!(citations[1]["document_title"], "T");
    assert_eq!(message["content"][3]["input"], json!({"query": "x"}));
    assert_eq!(message["content"][5]["input"], json!({"city": "Os\u{fc}"}));
    assert_eq!(message["content"][6]["input"], json!({}));
    assert_eq!(message["stop_reason"], "tool_use");
    assert_eq!(message["id"], "gen-1");
    assert_eq!(message["provider"], "P");
}

#[test]
fn the_order_of_events_is_anthropics() {
    let events = [
        usage(3, 1),
        piece(0, 0, text("a")),
        piece(0, 0, text("b")),
        finish(0, FinishReason::Stop),
    ];
    let stream = streamed(&events, true);
    let expected = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    let told = told(&stream);
    assert_eq!(types(&told), expected);
    assert_eq!(told[0]["message"]["usage"]["input_tokens"], 3);
    assert_eq!(told[0]["message"]["stop_reason"], Value::Null);
    assert_eq!(told[6]["delta"]["stop_reason"], "end_turn");
    assert_eq!(told[6]["usage"]["cost"], 2);
    let nothing = streamed(&[finish(0, FinishReason::Stop)], true);
    let told = self::told(&nothing);
    assert_eq!(types(&told), ["message_start", "ping", "message_delta", "message_stop"]);
}

#[test]
fn another_providers_reasoning_is_carried_and_read_again() {
    let summary = |id: &str| {
        let body = PartBody::Reasoning(Reasoning::Summary("short".into()));
        with(piece(0, 0, body), |part| part.id = Some(id.into()))
    };
    let sealed = PartBody::Reasoning(Reasoning::Encrypted("sealed".into()));
    let events = [
        summary("rs_1"),
        with(piece(0, 1, sealed), |part| {
            part.id = Some("rs_1".into());
            part.format = Some("openai-responses-v1".into());
        }),
        with(piece(0, 2, call("t", "f", "{}")), |part| format(part, "google-gemini-v1", "p")),
        piece(0, 3, reasoning("plain")),
        with(piece(0, 4, text("said")), |part| format(part, "google-gemini-v1", "q")),
        finish(0, FinishReason::Stop),
    ];
    let message = same(&events);
    assert_eq!(message["stop_reason"], "tool_use");
    assert_eq!(message["content"][4]["signature"], "");
    let body = json!({"max_tokens": 9, "messages": [{
        "role": "assistant", "content": message["content"],
    }, {
        "role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}],
    }]});
    let request = http::Request::new(()).into_parts().0;
    let options = crate::DecodeOptions::default();
    let back = super::super::decode(&request, body.to_string().into(), &options).unwrap();
    let mut expected: Vec<Part> = Answer::from_events(events).choices()[0].parts.clone();
    // Says nothing that a reader needs to be told.
    let caller = ("caller".to_owned(), r#"{"type":"direct"}"#.to_owned());
    expected[2].extra.push(caller);
    assert_eq!(back.request.messages[0].parts, expected);
}

#[test]
fn what_grows_on_late_gets_a_further_block() {
    let events = [
        piece(0, 0, reasoning("a")),
        piece(0, 1, text("b")),
        piece(0, 0, reasoning("c")),
        piece(0, 1, text("d")),
        finish(0, FinishReason::Stop),
    ];
    let message = fold(&told(&streamed(&events, true)));
    let said: Vec<_> = message["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["text"].as_str().or(block["thinking"].as_str()).unwrap())
        .collect();
    assert_eq!(said, ["a", "b", "c", "d"]);
}

#[test]
fn calls_that_interleave_wait_for_each_other() {
    let events = [
        piece(0, 0, text("so")),
        piece(0, 1, call("t1", "f", "")),
        piece(0, 2, call("t2", "g", "{\"b\"")),
        piece(0, 1, call("", "", "{\"a\":\"}")),
        piece(0, 3, call("t3", "h", "{}")),
        piece(0, 2, call("", "", ":2}")),
        piece(0, 1, call("", "", "\"}")),
        piece(0, 3, call("", "", " ")),
        finish(0, FinishReason::ToolCalls),
    ];
    let message = same(&events);
    assert_eq!(message["content"][1]["input"], json!({"a": "}"}));
    assert_eq!(message["content"][2]["input"], json!({"b": 2}));
    assert_eq!(message["content"][3]["name"], "h");
}

#[test]
fn a_call_without_an_object_is_shown_as_one() {
    for (input, expected) in [
        ("", json!({})),
        ("null", json!({})),
        ("  ", json!({})),
        ("[1]", json!({"INVALID_JSON": "[1]"})),
        ("Oslo", json!({"INVALID_JSON": "Oslo"})),
        (" {\"a\":1}", json!({"a": 1})),
    ] {
        let (first, rest) = input.split_at(input.len().min(1));
        let events = [
            piece(0, 0, call("t", "f", first)),
            piece(0, 0, call("", "", rest)),
            piece(0, 1, text("after")),
            finish(0, FinishReason::ToolCalls),
        ];
        assert_eq!(same(&events)["content"][0]["input"], expected, "{input:?}");
    }
}

#[test]
fn hidden_reasoning_keeps_its_proofs() {
    let events = [
        with(piece(0, 0, reasoning("secret")), |part| format(part, "f-1", "sig")),
        piece(0, 1, reasoning("secret too")),
        piece(0, 2, text("said")),
        finish(0, FinishReason::Stop),
    ];
    same(&events);
    let hidden = whole(&events, false);
    assert_eq!(hidden["content"].as_array().unwrap().len(), 2);
    assert!(!hidden.to_string().contains("secret"));
    assert!(hidden["content"][0]["signature"].as_str().unwrap().contains("sig"));
}

#[test]
fn the_words_for_the_end() {
    use FinishReason::*;
    let words = |events: &[Event]| same(events)["stop_reason"].as_str().unwrap().to_owned();
    for (reason, native, expected) in [
        (Stop, "stop", "end_turn"),
        (Stop, "", "end_turn"),
        (Length, "length", "max_tokens"),
        (Length, "model_context_window_exceeded", "model_context_window_exceeded"),
        (ToolCalls, "tool_calls", "tool_use"),
        (ContentFilter, "SAFETY", "refusal"),
        (Paused, "pause_turn", "pause_turn"),
        (Paused, "compaction", "compaction"),
        (Paused, "later", "pause_turn"),
    ] {
        assert_eq!(words(&[piece(0, 0, text("x")), ended(reason, native)]), expected);
    }
    assert_eq!(words(&[piece(0, 0, call("t", "f", "{}")), ended(Stop, "stop")]), "tool_use");
    assert_eq!(words(&[piece(0, 0, call("t", "f", "{}")), ended(Stop, "end_turn")]), "tool_use");
    let refusal = PartBody::Refusal("no".into());
    assert_eq!(words(&[piece(0, 0, refusal), ended(Stop, "stop")]), "refusal");
    let met = Event::Finish(Finish {
        choice: 0,
        reason: Stop,
        native: "stop".into(),
        stop_sequence: Some("END".into()),
        extra: vec![("stop_details".into(), r#"{"type":"x"}"#.into())],
    });
    let message = same(&[piece(0, 0, text("x")), met]);
    assert_eq!(message["stop_reason"], "stop_sequence");
    assert_eq!(message["stop_sequence"], "END");
    assert_eq!(message["stop_details"], json!({"type": "x"}));
}

#[test]
fn usage_counts_the_cache_apart() {
    let counted = Event::Usage(Usage {
        cache_read_tokens: 20,
        cache_write_tokens: 30,
        reasoning_tokens: 4,
        meters: vec![("cache-write-1h-tokens".into(), 10), ("web-searches".into(), 2)],
        ..usage_of(100, 9)
    });
    let tier = Event::Origin(Origin {
        id: None,
        model: None,
        service_tier: Some("default".into()),
        extra: Vec::new(),
    });
    let events = [tier, counted, piece(0, 0, text("x")), finish(0, FinishReason::Stop)];
    let usage = same(&events)["usage"].clone();
    let expected = json!({
        "input_tokens": 50,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
        "inference_geo": null,
        "service_tier": "standard",
        "cost": 2,
        "is_byok": false,
    });
    assert_eq!(usage, expected);
}

#[test]
fn what_the_parts_of_a_bill_cost_is_told_where_it_is_known() {
    let mut bill = Bill::unpriced(usage_of(3, 4));
    let mut written = |prompt_cost| {
        bill.prompt_cost = prompt_cost;
        bill.completion_cost = Some(2_000_000_000_000);
        let mut out = BytesMut::new();
        usage::write(&mut Writer::new(&mut out), &usage_of(3, 4), Some(&bill), None);
        serde_json::from_slice::<Value>(&out).unwrap()["cost_details"].clone()
    };
    let known = json!({"upstream_inference_cost": null, "upstream_inference_prompt_cost": 1,
        "upstream_inference_completions_cost": 2});
    assert_eq!(written(Some(1_000_000_000_000)), known);
    assert_eq!(written(None), Value::Null);
}

#[test]
fn native_fields_stand_where_they_came() {
    let native = |name: &str, json: &str| {
        Event::Origin(Origin {
            id: None,
            model: None,
            service_tier: None,
            extra: vec![(name.into(), json.into()), ("id".into(), "\"theirs\"".into())],
        })
    };
    let events = [
        native("note", "1"),
        piece(0, 0, text("x")),
        native("container", r#"{"id":"c","expires_at":"later"}"#),
        native("context_management", r#"{"applied_edits":[]}"#),
        finish(0, FinishReason::Stop),
    ];
    let message = same(&events);
    assert_eq!(message["note"], 1);
    assert_eq!(message["container"]["id"], "c");
    assert_eq!(message["context_management"], json!({"applied_edits": []}));
    assert_eq!(message["id"], "gen-1");
}

#[test]
fn images_are_blocks_and_sounds_are_not() {
    let image = |data: &str| PartBody::Media(image(data));
    let events = [
        piece(0, 0, image("QQ==")),
        piece(0, 0, image("QkM=")),
        piece(0, 1, text("x")),
        finish(0, FinishReason::Stop),
    ];
    let message = same(&events);
    let source = json!({"type": "base64", "media_type": "image/png", "data": "QUJD"});
    assert_eq!(message["content"][0], json!({"type": "image", "source": source}));
}

#[test]
fn an_error_ends_a_stream_with_what_was_used() {
    let error = ErrorBody {
        status: 503,
        message: "full".into(),
        kind: "provider_overloaded",
        id: Some("gen-1".into()),
        ..ErrorBody::default()
    };
    let events = [usage(3, 1), piece(0, 0, text("a"))];
    let mut stream = Events::new(head(), true);
    let mut out = BytesMut::new();
    events.iter().for_each(|event| stream.push(event, &mut out));
    stream.fail(&error, Some(&bill(&events)), &mut out);
    let told = told(std::str::from_utf8(&out).unwrap());
    let last = told.last().unwrap();
    assert_eq!(last["type"], "error");
    assert_eq!(last["error"]["type"], "overloaded_error");
    assert_eq!(last["error"]["error_type"], "provider_overloaded");
    assert_eq!(last["request_id"], "gen-1");
    assert_eq!(last["usage"]["input_tokens"], 3);
    assert!(!types(&told).contains(&"message_stop"));
}

#[test]
fn an_answer_that_ended_in_an_error_is_one() {
    let events = [piece(0, 0, text("a")), ended(FinishReason::Error, "malformed")];
    let stream = streamed(&events, true);
    let told = told(&stream);
    assert_eq!(told.last().unwrap()["error"]["type"], "api_error");
    let answer = Answer::from_events(events);
    let form = crate::anthropic_messages::Message { include_reasoning: true };
    assert!(crate::Form::encode_whole(&form, &answer, &head(), None, None).is_none());
}

/// However a part is cut into bits, and whatever stands beside it.
#[test]
fn many_drawn_answers_say_the_same_in_both_forms() {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    let mut draws = StdRng::seed_from_u64(0x6d73_6773);
    for _ in 0..500 {
        let mut events = Vec::new();
        for index in 0..draws.random_range(0..6) {
            let bits = draws.random_range(1..4);
            let kind = draws.random_range(0..6);
            for bit in 0..bits {
                let last = bit + 1 == bits;
                let body = match kind {
                    0 => text(["", "\u{1f9ea}\n\n", "data: x"][bit % 3]),
                    1 => reasoning(["", "hm\r\n", "\"}"][bit % 3]),
                    2 => PartBody::Reasoning(Reasoning::Summary("s".repeat(bit))),
                    3 => PartBody::Reasoning(Reasoning::Encrypted("e".repeat(bit + 1))),
                    4 if bit == 0 => call(&format!("t{index}"), "f", "{"),
                    4 => call("", "", ["", "\"a\":\"\\\"}\"", " "][bit % 3]),
                    _ => PartBody::Refusal("no".repeat(bit)),
                };
                let signed = last && kind != 4 && draws.random_bool(0.5);
                let known = draws.random_bool(0.5);
                events.push(with(piece(0, index, body), |part| {
                    if signed {
                        format(part, if known { OURS } else { "f-1" }, "sig");
                    }
                }));
            }
            if kind == 4 {
                events.push(piece(0, index, call("", "", "}")));
            }
            if draws.random_bool(0.3) {
                events.push(usage(5, u64::from(index)));
            }
        }
        events.push(finish(0, FinishReason::Stop));
        same(&events);
    }
}

#[test]
fn a_piece_of_another_choice_has_no_place() {
    let stray = Event::Piece(Piece { choice: 1, index: 0, part: part(text("x")), logprobs: None });
    let told = told(&streamed(&[stray, finish(0, FinishReason::Stop)], true));
    assert_eq!(types(&told), ["message_start", "ping", "message_delta", "message_stop"]);
}
