//! What a client reads from a stream is what it would have read in one piece.

use std::collections::BTreeMap;

use bytes::Bytes;
use plugway_engine::chat::{Citation, FinishReason, Media, MediaKind, MediaSource, ToolCall};
use serde_json::{Value, json};

use super::*;
use crate::answer::Answer;
use crate::events::*;
use crate::openai_responses::{decode, encode_error};
use crate::{DecodeOptions, Form};

fn head() -> Head {
    Head { id: "gen-7-x".into(), created: 7, model: "m".into(), provider: "P".into() }
}

/// The form that this request asks for.
fn form(body: &str) -> std::sync::Arc<dyn Form> {
    decode(Bytes::copy_from_slice(body.as_bytes()), &DecodeOptions::default()).unwrap().form
}

fn plain_form() -> std::sync::Arc<dyn Form> {
    form(r#"{"input":"hi"}"#)
}

/// The events of a stream. Each is named twice and numbered, and the end mark is last.
#[track_caller]
fn events_of(out: &BytesMut) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    let mut events: Vec<&str> = text.split_terminator("\n\n").collect();
    assert_eq!(events.pop(), Some("data: [DONE]"));
    let read = |(number, event): (usize, &str)| {
        let (name, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(data["type"].as_str(), name.strip_prefix("event: "));
        assert_eq!(data["sequence_number"], number, "{data}");
        has_its_fields(&data);
        data
    };
    events.into_iter().enumerate().map(read).collect()
}

#[track_caller]
fn stream_in(form: &dyn Form, events: &[Event]) -> Vec<Value> {
    let mut encoder = form.stream(head());
    let mut out = BytesMut::new();
    for event in events {
        encoder.push(event, &mut out);
    }
    encoder.end(Some(&Bill::unpriced(usage_of(3, 4))), &mut out);
    events_of(&out)
}

#[track_caller]
fn stream(events: &[Event]) -> Vec<Value> {
    stream_in(&*plain_form(), events)
}

fn whole_in(form: &dyn Form, events: &[Event]) -> Value {
    let answer = Answer::from_events(events.iter().cloned());
    let bill = Bill::unpriced(usage_of(3, 4));
    serde_json::from_slice(&form.encode_whole(&answer, &head(), Some(&bill), None).unwrap())
        .unwrap()
}

fn whole(events: &[Event]) -> Value {
    whole_in(&*plain_form(), events)
}

/// Every event has what the published schemas require of it.
#[track_caller]
fn has_its_fields(event: &Value) {
    const OF_ITEM: [&str; 2] = ["item_id", "output_index"];
    const OF_PART: [&str; 3] = ["item_id", "output_index", "content_index"];
    const OF_SUMMARY: [&str; 3] = ["item_id", "output_index", "summary_index"];
    let kind = event["type"].as_str().unwrap();
    let (places, rest): (&[&str], &[&str]) = match kind {
        "response.created"
        | "response.in_progress"
        | "response.completed"
        | "response.failed"
        | "response.incomplete" => {
            is_a_response(&event["response"]);
            (&[], &["response"])
        }
        "response.output_item.added" | "response.output_item.done" => {
            is_an_item(&event["item"]);
            (&["output_index"], &["item"])
        }
        "response.content_part.added" | "response.content_part.done" => (&OF_PART, &["part"]),
        "response.output_text.delta" => (&OF_PART, &["delta", "logprobs"]),
        "response.output_text.done" => (&OF_PART, &["text", "logprobs"]),
        "response.output_text.annotation.added" => (&OF_PART, &["annotation_index", "annotation"]),
        "response.refusal.delta" | "response.reasoning_text.delta" => (&OF_PART, &["delta"]),
        "response.refusal.done" => (&OF_PART, &["refusal"]),
        "response.reasoning_text.done" => (&OF_PART, &["text"]),
        "response.reasoning_summary_part.added" | "response.reasoning_summary_part.done" => {
            (&OF_SUMMARY, &["part"])
        }
        "response.reasoning_summary_text.delta" => (&OF_SUMMARY, &["delta"]),
        "response.reasoning_summary_text.done" => (&OF_SUMMARY, &["text"]),
        "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
            (&OF_ITEM, &["delta"])
        }
        "response.function_call_arguments.done" => (&OF_ITEM, &["name", "arguments"]),
        "response.custom_tool_call_input.done" => (&OF_ITEM, &["input"]),
        "response.image_generation_call.in_progress"
        | "response.image_generation_call.generating"
        | "response.image_generation_call.completed" => (&OF_ITEM, &[]),
        "response.debug" => (&[], &["debug"]),
        "error" => (&[], &["code", "message", "param"]),
        other => panic!("an event that nobody knows: {other}"),
    };
    for name in places.iter().chain(rest) {
        assert!(event.get(*name).is_some(), "{name} in {event}");
    }
}

/// Every field that the published schemas require of a response, with its type.
#[track_caller]
fn is_a_response(response: &Value) {
    for name in ["id", "object", "status", "model", "truncation", "service_tier"] {
        assert!(response[name].is_string(), "{name}: {response}");
    }
    for name in [
        "created_at",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "top_logprobs",
        "temperature",
    ] {
        assert!(response[name].is_number(), "{name}: {response}");
    }
    for name in ["parallel_tool_calls", "store", "background"] {
        assert!(response[name].is_boolean(), "{name}: {response}");
    }
    assert!(response["output"].is_array() && response["tools"].is_array());
    assert!(response["text"]["format"]["type"].is_string());
    assert!(response["reasoning"].as_object().unwrap().contains_key("summary"));
    assert!(response["metadata"].is_object());
    for name in [
        "completed_at",
        "incomplete_details",
        "previous_response_id",
        "instructions",
        "error",
        "tool_choice",
        "usage",
        "max_output_tokens",
        "max_tool_calls",
        "safety_identifier",
        "prompt_cache_key",
    ] {
        assert!(response.get(name).is_some(), "{name}: {response}");
    }
}

#[track_caller]
fn is_an_item(item: &Value) {
    let fields: &[&str] = match item["type"].as_str().unwrap() {
        "message" => &["id", "status", "role", "content"],
        "reasoning" => &["id", "summary"],
        "function_call" => &["id", "status", "call_id", "name", "arguments"],
        "custom_tool_call" => &["id", "status", "call_id", "name", "input"],
        "image_generation_call" => &["id", "status", "result"],
        _ => &[],
    };
    for name in fields {
        assert!(item.get(*name).is_some(), "{name}: {item}");
    }
}

/// What a client holds of an item that it reads bit by bit, as the official library does.
#[derive(Default)]
struct Grown {
    content: BTreeMap<u64, String>,
    summary: BTreeMap<u64, String>,
    input: String,
    annotations: Vec<Value>,
    done: Option<Value>,
}

/// Reads a stream as the official library does, and holds what it is told in bits
/// against what it is told at the end: the response.
#[track_caller]
fn assemble(events: &[Value], ends_agree: bool) -> Value {
    let names: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(names[..2], ["response.created", "response.in_progress"]);
    let mut items: Vec<(Value, Grown)> = Vec::new();
    for event in events {
        let kind = event["type"].as_str().unwrap();
        if kind == "response.output_item.added" {
            assert_eq!(event["output_index"], items.len(), "{event}");
            items.push((event["item"].clone(), Grown::default()));
        }
        let Some(place) = event["output_index"].as_u64() else { continue };
        let (begun, grown) = &mut items[usize::try_from(place).unwrap()];
        if let Some(id) = event.get("item_id") {
            assert_eq!(*id, begun["id"], "{event}");
        }
        let index = |name: &str| event[name].as_u64().unwrap();
        let delta = event["delta"].as_str();
        match kind {
            "response.content_part.added" => {
                assert_eq!(index("content_index"), grown.content.len() as u64, "{event}");
                grown.content.insert(index("content_index"), String::new());
            }
            "response.reasoning_summary_part.added" => {
                assert_eq!(index("summary_index"), grown.summary.len() as u64, "{event}");
                grown.summary.insert(index("summary_index"), String::new());
            }
            "response.output_text.delta"
            | "response.refusal.delta"
            | "response.reasoning_text.delta" => {
                let text = grown.content.get_mut(&index("content_index")).expect("a part");
                text.push_str(delta.unwrap());
            }
            "response.reasoning_summary_text.delta" => {
                let text = grown.summary.get_mut(&index("summary_index")).expect("a part");
                text.push_str(delta.unwrap());
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                grown.input.push_str(delta.unwrap());
            }
            "response.output_text.annotation.added" => {
                grown.annotations.push(event["annotation"].clone());
            }
            "response.output_item.done" => {
                assert!(grown.done.replace(event["item"].clone()).is_none(), "ended twice");
            }
            _ => {}
        }
    }
    let response = events.last().unwrap()["response"].clone();
    let output = response["output"].as_array().unwrap();
    assert_eq!(output.len(), items.len());
    for (item, (begun, grown)) in output.iter().zip(items) {
        agrees(item, &begun, &grown, ends_agree);
    }
    response
}

#[track_caller]
fn agrees(item: &Value, begun: &Value, grown: &Grown, ends_agree: bool) {
    for name in ["id", "type", "call_id", "name"] {
        assert_eq!(item[name], begun[name], "{item}");
    }
    let done = grown.done.as_ref().expect("an item that never ended");
    let is_call = item.get("call_id").is_some();
    if ends_agree || is_call {
        assert_eq!(done, item);
    }
    let texts = |name: &str| -> Vec<&str> {
        let list = item[name].as_array().map_or(&[][..], Vec::as_slice);
        let text = |part: &'_ Value| part.get("text").or(part.get("refusal")).is_some();
        assert!(list.iter().all(text));
        list.iter().filter_map(|part| part["text"].as_str().or(part["refusal"].as_str())).collect()
    };
    assert_eq!(texts("content"), grown.content.values().collect::<Vec<_>>(), "{item}");
    assert_eq!(texts("summary"), grown.summary.values().collect::<Vec<_>>(), "{item}");
    if is_call {
        let input = item["arguments"].as_str().or(item["input"].as_str());
        assert_eq!(input, Some(&*grown.input), "{item}");
    }
    let contents = item["content"].as_array().map_or(&[][..], Vec::as_slice);
    let noted: usize =
        contents.iter().filter_map(|it| it["annotations"].as_array()).map(Vec::len).sum();
    assert_eq!(noted, grown.annotations.len(), "{item}");
}

/// A stream of these events says what the whole answer does, in bits and at the end.
#[track_caller]
fn same(events: &[Event]) -> Value {
    let response = assemble(&stream(events), true);
    assert_eq!(response, whole(events));
    response
}

fn identified(event: Event, id: &str) -> Event {
    let mut piece = piece_of(event);
    piece.part.id = Some(id.into());
    Event::Piece(piece)
}

fn signed(event: Event, signature: &str, format: &str) -> Event {
    let mut piece = piece_of(event);
    piece.part.signature = Some(signature.into());
    piece.part.format = Some(format.into());
    Event::Piece(piece)
}

fn with_extra(event: Event, name: &str, json: &str) -> Event {
    let mut piece = piece_of(event);
    piece.part.extra.push((name.into(), json.into()));
    Event::Piece(piece)
}

fn summary(text: &str) -> PartBody {
    PartBody::Reasoning(Reasoning::Summary(text.into()))
}

fn sealed(data: &str) -> PartBody {
    PartBody::Reasoning(Reasoning::Encrypted(data.into()))
}

fn freeform(id: &str, name: &str, input: &str) -> PartBody {
    PartBody::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        input: input.into(),
        freeform: true,
    })
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[test]
fn every_event_comes_in_its_order() {
    let said = stream(&[
        origin("resp_1"),
        identified(piece(0, 0, summary("Th")), "rs_1"),
        piece(0, 0, summary("ink")),
        identified(piece(0, 1, sealed("xyz")), "rs_1"),
        piece(0, 2, text("He")),
        piece(0, 2, text("llo")),
        piece(0, 3, call("c1", "f", "")),
        piece(0, 3, call("", "", "{}")),
        finish(0, FinishReason::ToolCalls),
    ]);
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(kinds(&said), expected);
    let output = &said.last().unwrap()["response"]["output"];
    let expected = json!([
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Think"}],
         "encrypted_content": r#"plugway:{"kind":"summary","id":"rs_1","data":"xyz"}"#,
         "format": "unknown"},
        {"id": "msg_7-x_1", "type": "message", "status": "completed", "role": "assistant",
         "content": [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}]},
        {"id": "fc_7-x_2", "type": "function_call", "status": "completed", "call_id": "c1",
         "name": "f", "arguments": "{}"},
    ]);
    assert_eq!(*output, expected);
    assert_eq!(said[16]["item"]["arguments"], "");
    assert_eq!(said[0]["response"]["usage"], Value::Null);
    assert_eq!(said[0]["response"]["output"], json!([]));
}

#[test]
fn a_stream_says_what_a_whole_answer_says() {
    let citation = |url: Option<&str>, span| Citation {
        url: url.map(str::to_owned),
        title: Some("T".into()),
        quote: None,
        span,
        extra: Vec::new(),
    };
    let cited = |event: Event, citation: Citation| {
        let mut piece = piece_of(event);
        piece.part.citations.push(citation);
        Event::Piece(piece)
    };
    let likely = |event: Event, logprobs: &str| {
        let mut piece = piece_of(event);
        piece.logprobs = Some(logprobs.into());
        Event::Piece(piece)
    };
    let done = || finish(0, FinishReason::Stop);
    for events in [
        vec![done()],
        vec![],
        vec![piece(0, 0, text("")), piece(0, 1, text("a")), done()],
        vec![
            piece(0, 0, PartBody::Refusal("no".into())),
            piece(0, 0, PartBody::Refusal("!".into())),
        ],
        vec![piece(0, 0, reasoning("a")), signed(piece(0, 0, reasoning("")), "s", "f"), done()],
        vec![signed(piece(0, 0, reasoning("")), "s", "f"), piece(0, 1, sealed("redacted"))],
        vec![
            cited(piece(0, 0, text("ab")), citation(Some("https://x.test"), Some((0, 1)))),
            cited(piece(0, 0, text("c")), citation(None, None)),
            cited(piece(0, 0, text("")), citation(Some("https://y.test"), None)),
        ],
        vec![
            likely(piece(0, 0, text("a")), r#"[{"token":"a"}]"#),
            likely(piece(0, 0, text("b")), r#"[{"token":"b"},{"token":"c"}]"#),
            identified(piece(0, 1, text("d")), "msg_2"),
            likely(piece(0, 1, text("e")), r#"[{"token":"e"}]"#),
        ],
        vec![
            with_extra(identified(piece(0, 0, text("a")), "msg_1"), "phase", r#""commentary""#),
            identified(piece(0, 1, text("b")), "msg_1"),
            identified(piece(0, 2, text("c")), "msg_2"),
        ],
        vec![
            piece(0, 0, freeform("c1", "g", "fr")),
            piece(0, 1, call("c2", "f", "{")),
            piece(0, 0, freeform("", "", "ee")),
            piece(0, 1, call("", "", "}")),
        ],
        vec![piece(0, 0, PartBody::Native(r#"{"type":"web_search_call","id":"ws"}"#.into()))],
        vec![
            signed(piece(0, 0, call("c1", "f", "{}")), "proof", "google-gemini-v1"),
            signed(piece(0, 1, text("t")), "other", "google-gemini-v1"),
            signed(piece(0, 2, text("")), "third", "google-gemini-v1"),
        ],
        vec![identified(piece(0, 0, summary("")), "rs_1"), piece(0, 1, text("t")), done()],
        vec![piece(0, 0, text("t")), finish(0, FinishReason::Length)],
        vec![piece(0, 0, text("t")), finish(0, FinishReason::ContentFilter)],
        vec![piece(0, 0, text("t")), finish(0, FinishReason::Error)],
    ] {
        same(&events);
    }
}

/// A generator of numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// An answer at random, in which parts may grow beside one another.
fn random(dice: &mut Dice, interleaved: bool) -> Vec<Event> {
    let mut events = vec![origin("resp_1")];
    let mut begun: Vec<PartBody> = Vec::new();
    for _ in 0..dice.below(24) {
        let goes_on = !begun.is_empty() && dice.below(3) > 0;
        let index = if goes_on && interleaved {
            dice.below(begun.len() as u64)
        } else {
            (begun.len() as u64).saturating_sub(u64::from(goes_on))
        };
        let word = ["a", "\u{e9}\n", "\"\\", "\u{1f9ea}"][dice.below(4) as usize];
        let body = match begun.get(index as usize) {
            Some(PartBody::ToolCall(known)) => {
                PartBody::ToolCall(ToolCall { input: word.into(), ..more(known.freeform) })
            }
            Some(PartBody::Text(_)) => text(word),
            Some(PartBody::Refusal(_)) => PartBody::Refusal(word.into()),
            Some(PartBody::Reasoning(Reasoning::Text(_))) => reasoning(word),
            Some(PartBody::Reasoning(Reasoning::Summary(_))) => summary(word),
            Some(PartBody::Reasoning(Reasoning::Encrypted(_))) => sealed(word),
            Some(_) => continue,
            None => match dice.below(8) {
                0 => PartBody::Refusal(word.into()),
                1 => reasoning(word),
                2 => summary(word),
                3 => sealed(word),
                4 => call(&format!("c{index}"), "f", word),
                5 => freeform(&format!("c{index}"), "g", ""),
                6 => PartBody::Native(r#"{"type":"web_search_call","id":"ws"}"#.into()),
                _ => text(word),
            },
        };
        let mut event = piece(0, u32::try_from(index).unwrap(), body.clone());
        if begun.len() == index as usize {
            let group = begun.len() / 3;
            if dice.below(2) == 0 && !matches!(body, PartBody::ToolCall(_)) {
                event = identified(event, &format!("id_{group}"));
            }
            begun.push(body);
        }
        if dice.below(6) == 0 {
            event = signed(event, "proof", "format");
        }
        events.push(event);
    }
    let reasons = [FinishReason::Stop, FinishReason::Length, FinishReason::ToolCalls];
    events.push(finish(0, reasons[dice.below(3) as usize]));
    events
}

fn more(freeform: bool) -> ToolCall {
    ToolCall { id: String::new(), name: String::new(), input: String::new(), freeform }
}

#[test]
fn any_answer_is_the_same_streamed_and_whole() {
    let mut dice = Dice(7);
    for turn in 0..2000 {
        let interleaved = turn % 2 == 0;
        let events = random(&mut dice, interleaved);
        let told = stream(&events);
        let (response, whole) = (assemble(&told, false), whole(&events));
        if !interleaved {
            assert_eq!(response, whole, "{events:?}");
            continue;
        }
        // Parts that were gone back to are items of their own, and all of them was said.
        assert_eq!(said(&response), said(&whole), "{events:?}");
    }
}

/// The characters that a reader sees, in no order.
fn said(response: &Value) -> Vec<char> {
    let items = response["output"].as_array().unwrap().iter();
    let lists = items.flat_map(|item| [&item["content"], &item["summary"]]);
    let parts = lists.filter_map(Value::as_array).flatten();
    let texts = parts.flat_map(|part| [&part["text"], &part["refusal"]]);
    let mut said: Vec<char> = texts.filter_map(Value::as_str).flat_map(str::chars).collect();
    said.sort_unstable();
    said
}

#[test]
fn hidden_reasoning_is_in_no_event() {
    let form = form(r#"{"input":"hi","reasoning":{"effort":"low","exclude":true}}"#);
    let events =
        [piece(0, 0, reasoning("secret")), piece(0, 1, sealed("s")), piece(0, 2, text("a"))];
    let said = stream_in(&*form, &events);
    let response = assemble(&said, true);
    assert_eq!(response, whole_in(&*form, &events));
    assert_eq!(response["output"].as_array().unwrap().len(), 1);
    assert!(!said.iter().any(|event| event.to_string().contains("secret")));
}

/// What a client sends back whose types know OpenAI's fields alone.
fn sent_back(response: &Value) -> Vec<Value> {
    let kept = |item: &Value| match item["type"].as_str().unwrap() {
        "reasoning" => json!({"type": "reasoning", "summary": item["summary"],
            "encrypted_content": item["encrypted_content"]}),
        "message" => json!({"type": "message", "role": "assistant", "content": [
            {"type": "output_text", "text": item["content"][0]["text"]}]}),
        _ => json!({"type": "function_call", "call_id": item["call_id"], "name": item["name"],
            "arguments": item["arguments"]}),
    };
    response["output"].as_array().unwrap().iter().map(kept).collect()
}

#[test]
fn what_others_thought_comes_back_through_a_client_with_types() {
    let xai = |event| {
        let mut piece = piece_of(identified(event, "rs_9"));
        piece.part.format = Some("xai-responses-v1".into());
        Event::Piece(piece)
    };
    let mut redacted = piece_of(piece(0, 1, sealed("red")));
    redacted.part.format = Some("anthropic-claude-v1".into());
    let turns = [
        vec![
            signed(piece(0, 0, reasoning("I think.")), "s\"1", "anthropic-claude-v1"),
            Event::Piece(redacted),
            piece(0, 2, call("c1", "f", "{}")),
        ],
        vec![
            signed(piece(0, 0, text("Look.")), "g1", "google-gemini-v1"),
            signed(piece(0, 1, call("c2", "f", "{}")), "g2", "google-gemini-v1"),
        ],
        vec![
            xai(piece(0, 0, summary("Sum."))),
            xai(piece(0, 1, sealed("x"))),
            piece(0, 2, text("Done.")),
        ],
    ];
    let mut input = vec![json!({"role": "user", "content": "hi"})];
    for (turn, id) in turns.iter().zip(["c1", "c2", ""]) {
        input.extend(sent_back(&same(turn)));
        if !id.is_empty() {
            input.push(json!({"type": "function_call_output", "call_id": id, "output": "1"}));
        }
    }
    let body = Bytes::from(json!({"input": input}).to_string());
    let call = decode(body, &DecodeOptions::default()).unwrap();
    let said = call.request.messages.iter();
    let said = said.filter(|it| it.role == plugway_engine::chat::Role::Assistant);
    let said: Vec<&[Part]> = said.map(|message| &*message.parts).collect();
    let mut expected = turns.map(|turn| {
        let parts = turn.into_iter().map(|event| piece_of(event).part);
        parts.collect::<Vec<Part>>()
    });
    // The client has no field for it.
    expected[0][0].body = reasoning("");
    assert_eq!(said, expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

#[test]
fn what_is_too_long_is_not_said_again() {
    let long = "x".repeat(300_000);
    let body = json!({"input": "hi", "instructions": long, "prompt_cache_key": long, "user": long,
        "safety_identifier": long,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"description": long}}},
        "reasoning": {"effort": long}});
    let said = whole_in(&*form(&body.to_string()), &[piece(0, 0, text("a"))]);
    assert!(said.to_string().len() < 10_000);
    assert_eq!(said["text"], json!({"format": {"type": "text"}}));
    assert_eq!(said["prompt_cache_key"], Value::Null);
}

#[test]
fn an_image_grows_unseen_and_is_shown_whole() {
    let bit = |data: &str| {
        PartBody::Media(Media {
            kind: MediaKind::Image,
            source: MediaSource::Base64(data.into()),
            mime: Some("image/webp".into()),
            name: None,
            detail: None,
        })
    };
    let events = [piece(0, 0, bit("SGVsbA==")), piece(0, 0, bit("byE=")), piece(0, 1, text("t"))];
    let said = stream(&events);
    assert_eq!(
        kinds(&said)[2..7],
        [
            "response.output_item.added",
            "response.image_generation_call.in_progress",
            "response.image_generation_call.generating",
            "response.image_generation_call.completed",
            "response.output_item.done",
        ]
    );
    let response = assemble(&said, true);
    let image = json!({"id": "ig_7-x_0", "type": "image_generation_call", "status": "completed",
        "result": "SGVsbG8h", "output_format": "webp"});
    assert_eq!(response["output"][0], image);
}

#[test]
fn a_response_says_again_what_was_asked() {
    let form = form(
        r#"{"input":"hi","instructions":"Be brief.","temperature":0.5,"max_output_tokens":9,
            "tools":[{"type":"function","name":"f"},{"type":"web_search"}],"tool_choice":"required",
            "text":{"format":{"type":"json_schema","name":"n","schema":{}},"verbosity":"low"},
            "reasoning":{"effort":"high"},"metadata":{"a":"b"},"user":"u","service_tier":"flex",
            "parallel_tool_calls":false,"truncation":"auto","top_logprobs":2,"prompt_cache_key":"k"}"#,
    );
    let response = whole_in(&*form, &[piece(0, 0, text("a"))]);
    for (name, expected) in [
        ("instructions", json!("Be brief.")),
        ("temperature", json!(0.5)),
        ("top_p", json!(1)),
        ("max_output_tokens", json!(9)),
        (
            "tools",
            json!([{"type": "function", "name": "f", "description": null, "parameters": null,
                "strict": null}, {"type": "web_search"}]),
        ),
        ("tool_choice", json!("required")),
        (
            "text",
            json!({"format": {"type": "json_schema", "name": "n",
                "schema": {}, "strict": false}, "verbosity": "low"}),
        ),
        ("reasoning", json!({"effort": "high", "summary": null})),
        ("metadata", json!({"a": "b"})),
        ("user", json!("u")),
        ("service_tier", json!("flex")),
        ("parallel_tool_calls", json!(false)),
        ("truncation", json!("auto")),
        ("top_logprobs", json!(2)),
        ("prompt_cache_key", json!("k")),
        ("store", json!(false)),
        ("previous_response_id", json!(null)),
    ] {
        assert_eq!(response[name], expected, "{name}");
    }
    is_a_response(&response);
}

#[test]
fn what_the_provider_made_of_a_setting_stands() {
    let field = |name: &str, json: &str| (name.to_owned(), json.to_owned());
    let news = Event::Origin(Origin {
        id: None,
        model: None,
        service_tier: Some("priority".into()),
        extra: vec![
            field("temperature", "0.7"),
            field("top_p", "null"),
            field("id", "\"stolen\""),
            field("instructions", "null"),
            field("completed_at", "9"),
            field("tool_usage", "{}"),
        ],
    });
    let form = form(r#"{"input":"hi","instructions":"i"}"#);
    let events = [piece(0, 0, text("a")), news];
    let response = whole_in(&*form, &events);
    assert_eq!(assemble(&stream_in(&*form, &events), true), response);
    let shown = [
        "id",
        "temperature",
        "top_p",
        "instructions",
        "completed_at",
        "tool_usage",
        "service_tier",
    ]
    .map(|name| response[name].clone());
    let expected = [
        json!("gen-7-x"),
        json!(0.7),
        json!(1),
        json!("i"),
        json!(9),
        json!({}),
        json!("priority"),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn what_is_long_is_not_said_again() {
    let long = "x".repeat(300 * 1024);
    let form = form(&format!(
        r#"{{"input":"hi","instructions":"{long}","tools":[{{"type":"custom","name":"f","description":"{long}"}}]}}"#
    ));
    let response = whole_in(&*form, &[piece(0, 0, text("a"))]);
    assert_eq!((&response["instructions"], &response["tools"]), (&Value::Null, &json!([])));
}

#[test]
fn how_an_answer_ended() {
    for (reason, status, details, last) in [
        (FinishReason::Stop, "completed", json!(null), "completed"),
        (FinishReason::ToolCalls, "completed", json!(null), "completed"),
        (FinishReason::Paused, "completed", json!(null), "completed"),
        (FinishReason::Length, "incomplete", json!({"reason": "max_output_tokens"}), "incomplete"),
        (
            FinishReason::ContentFilter,
            "incomplete",
            json!({"reason": "content_filter"}),
            "incomplete",
        ),
        (FinishReason::Error, "failed", json!(null), "incomplete"),
    ] {
        let events = [piece(0, 0, text("a")), finish(0, reason)];
        let said = stream(&events);
        let response = same(&events);
        assert_eq!(response["status"], status, "{reason:?}");
        assert_eq!(response["incomplete_details"], details, "{reason:?}");
        assert_eq!(response["output"][0]["status"], last, "{reason:?}");
        assert_eq!(kinds(&said).last(), Some(&&*format!("response.{status}")));
        assert_eq!(response["error"].is_null(), status != "failed");
    }
}

#[test]
fn usage_counts_and_costs() {
    let bill = Bill {
        usage: plugway_engine::chat::Usage {
            cache_read_tokens: 2,
            cache_write_tokens: 1,
            reasoning_tokens: 3,
            meters: vec![("web-searches".into(), 2)],
            ..usage_of(10, 4)
        },
        cost: Some(87_250_000),
        upstream_cost: Some(87_250_000),
        prompt_cost: Some(1_000_000),
        completion_cost: Some(86_250_000),
        own_key: false,
        metadata: None,
    };
    let answer = Answer::from_events([piece(0, 0, text("a"))]);
    let body = plain_form().encode_whole(&answer, &head(), Some(&bill), None).unwrap();
    let response: Value = serde_json::from_slice(&body).unwrap();
    let expected = json!({
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1},
        "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 14,
        "cost": 0.000_087_25, "is_byok": false, "cost_details": {
            "upstream_inference_cost": 0.000_087_25, "upstream_inference_input_cost": 0.000_001,
            "upstream_inference_output_cost": 0.000_086_25},
        "server_tool_use_details": {"web_search_requests": 2}});
    assert_eq!(response["usage"], expected);
    assert!(whole(&[])["usage"].get("cost_details").is_none());
}

fn broken(kind: &'static str) -> ErrorBody {
    ErrorBody {
        status: 502,
        message: "The provider's stream broke.".into(),
        kind,
        class: "server_error",
        param: Some("input".into()),
        provider_name: Some("P".into()),
        ..ErrorBody::default()
    }
}

#[test]
fn an_answer_that_breaks_says_so_in_either_form() {
    let events = [piece(0, 0, reasoning("r")), piece(0, 1, text("hal"))];
    for (kind, code) in [
        ("provider_unavailable", "server_error"),
        ("rate_limit_exceeded", "rate_limit_exceeded"),
        ("context_length_exceeded", "invalid_prompt"),
        ("invalid_request", "invalid_prompt"),
        ("content_policy_violation", "image_content_policy_violation"),
    ] {
        let form = plain_form();
        let mut encoder = form.stream(head());
        let mut out = BytesMut::new();
        for event in &events {
            encoder.push(event, &mut out);
        }
        let bill = Bill::unpriced(usage_of(3, 1));
        encoder.fail(&broken(kind), Some(&bill), &mut out);
        let said = events_of(&out);
        let [.., error, failed] = &*said else { panic!("{said:?}") };
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!(code)));
        assert_eq!(error["error"]["code"], code);
        assert_eq!(error["error_type"], kind);
        assert_eq!(error["param"], "input");
        let response = &failed["response"];
        assert_eq!(
            response["error"],
            json!({"code": code, "message": "The provider's stream broke."})
        );
        assert_eq!(
            (&response["status"], &response["error_type"]),
            (&json!("failed"), &json!(kind))
        );
        assert_eq!(response["usage"]["output_tokens"], 1);
        assert_eq!(response["output"][0]["type"], "reasoning");
        assert_eq!(response["output"][1]["status"], "incomplete");
        let answer = Answer::from_events(events.clone());
        let body = form.encode_whole(&answer, &head(), Some(&bill), Some(&broken(kind))).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), *response);
    }
}

#[test]
fn a_stream_that_never_began_says_why() {
    let mut encoder = plain_form().stream(head());
    let mut out = BytesMut::new();
    encoder.fail(&broken("timeout"), None, &mut out);
    let said = events_of(&out);
    assert_eq!(
        kinds(&said),
        ["response.created", "response.in_progress", "error", "response.failed"]
    );
}

#[test]
fn an_error_names_its_field_and_its_type() {
    let error = ErrorBody {
        status: 400,
        message: "`store` must be false".into(),
        kind: "invalid_request",
        class: "invalid_request_error",
        code: Some("unsupported_parameter".into()),
        param: Some("store".into()),
        metadata: vec![("endpoints".into(), "[]".into())],
        ..ErrorBody::default()
    };
    let body: Value = serde_json::from_slice(&encode_error(&error)).unwrap();
    let expected = json!({"error": {"code": 400, "message": "`store` must be false",
        "type": "invalid_request_error", "param": "store", "metadata": {
            "error_type": "invalid_request", "code": "unsupported_parameter", "endpoints": []}},
        "error_type": "invalid_request"});
    assert_eq!(body, expected);
}

#[test]
fn what_still_comes_for_an_item_that_has_ended_is_an_item_of_its_own() {
    let events = [
        identified(piece(0, 0, reasoning("a")), "rs_1"),
        piece(0, 1, text("t")),
        piece(0, 0, reasoning("b")),
        signed(piece(0, 0, reasoning("")), "s", "f"),
        piece(0, 1, text("u")),
    ];
    let told = stream(&events);
    let output = assemble(&told, false)["output"].clone();
    let texts: Vec<_> = (0..4).map(|item| &output[item]["content"][0]["text"]).collect();
    assert_eq!(texts, ["a", "t", "b", "u"]);
    assert_eq!((&output[0]["id"], &output[2]["signature"]), (&json!("rs_1"), &json!("s")));
    // Whatever was told to be done stands in the response as it was told.
    let done = told.iter().filter(|event| event["type"] == "response.output_item.done");
    let done: Vec<Value> = done.map(|event| event["item"].clone()).collect();
    assert_eq!(Value::from(done), output);
    // In one piece there is nothing to go back to.
    assert_eq!(whole(&events)["output"][0]["content"][0]["text"], "ab");
}

#[test]
fn a_part_that_has_ended_within_its_item_is_gone_on_with_in_another() {
    let identify = |event| identified(event, "msg_1");
    let events = [
        identify(piece(0, 0, text("a"))),
        identify(piece(0, 1, PartBody::Refusal("no".into()))),
        piece(0, 0, text("b")),
    ];
    let output = assemble(&stream(&events), false)["output"].clone();
    assert_eq!(output[0]["content"][0]["text"], "a");
    assert_eq!(output[0]["content"][1]["refusal"], "no");
    assert_eq!(output[1]["content"][0]["text"], "b");
}

#[test]
fn what_was_sent_is_told_once_the_response_is_there() {
    let mut encoder = plain_form().stream(head());
    let mut out = BytesMut::new();
    encoder.echo(r#"{"model":"a"}"#, &mut out);
    encoder.push(&piece(0, 0, text("t")), &mut out);
    encoder.end(None, &mut out);
    let said = events_of(&out);
    assert_eq!(
        kinds(&said)[..4],
        [
            "response.created",
            "response.in_progress",
            "response.debug",
            "response.output_item.added"
        ]
    );
    assert_eq!(said[2]["debug"], json!({"echo_upstream_body": {"model": "a"}}));
}
