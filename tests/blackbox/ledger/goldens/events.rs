//! Whole answers as the events that say the same, in each provider's own form.

use crate::goldens::flavours::Shape;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const SSE: &str = "text/event-stream";

/// The media type and the bytes of a stream that says what the whole answer says.
pub(super) fn streamed(shape: Shape, whole: &Value, usage: &Value) -> (&'static str, Vec<u8>) {
    match shape {
        Shape::Completion => (SSE, unnamed(&completion(whole, usage), "data: [DONE]\n\n")),
        Shape::Response => (SSE, named(&response(whole))),
        Shape::Message => (SSE, named(&message(whole, usage))),
        Shape::Invoked => {
            let frames = message(whole, usage).iter().flat_map(chunk).collect();
            ("application/vnd.amazon.eventstream", frames)
        }
        Shape::Content => (SSE, unnamed(&content(whole), "")),
        Shape::Embedding => (SSE, Vec::new()),
    }
}

fn completion(whole: &Value, usage: &Value) -> Vec<Value> {
    let chunk = |choices: Value| {
        json!({
            "id": "x", "object": "chat.completion.chunk", "created": 1, "model": whole["model"],
            "choices": choices,
        })
    };
    let delta = |delta: Value, reason: Value| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": reason}]))
    };
    let mut last = chunk(json!([]));
    last["usage"] = usage.clone();
    vec![
        delta(json!({"role": "assistant", "content": ""}), Value::Null),
        delta(json!({"content": "x"}), Value::Null),
        delta(json!({}), json!("stop")),
        last,
    ]
}

fn response(whole: &Value) -> Vec<Value> {
    let mut begun = whole.clone();
    begun["status"] = json!("in_progress");
    begun["output"] = json!([]);
    begun.as_object_mut().unwrap().remove("usage");
    let item = whole["output"][0].clone();
    let part = item["content"][0].clone();
    let (mut opened, mut empty) = (item.clone(), part.clone());
    opened["status"] = json!("in_progress");
    opened["content"] = json!([]);
    empty["text"] = json!("");
    let at = |kind: &str, more: Value| {
        let mut event =
            json!({"type": kind, "item_id": "x", "output_index": 0, "content_index": 0});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let mut events = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": opened}),
        at("response.content_part.added", json!({"part": empty})),
        at("response.output_text.delta", json!({"delta": "x", "logprobs": []})),
        at("response.output_text.done", json!({"text": "x", "logprobs": []})),
        at("response.content_part.done", json!({"part": part})),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": whole}),
    ];
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    events
}

/// The beginning has what was read, the end all of it.
fn message(whole: &Value, usage: &Value) -> Vec<Value> {
    let mut begun = whole.clone();
    begun["content"] = json!([]);
    begun["stop_reason"] = Value::Null;
    begun["usage"]["output_tokens"] = json!(1);
    vec![
        json!({"type": "message_start", "message": begun}),
        json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": "x"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "usage": usage,
            "delta": {"stop_reason": "end_turn", "stop_sequence": null}}),
        json!({"type": "message_stop"}),
    ]
}

fn content(whole: &Value) -> Vec<Value> {
    let mut first = whole.clone();
    first["candidates"][0].as_object_mut().unwrap().remove("finishReason");
    // What is told before the end is of the beginning.
    first.as_object_mut().unwrap().remove("usageMetadata");
    let mut last = whole.clone();
    last["candidates"][0]["content"]["parts"][0]["text"] = json!("");
    vec![first, last]
}

fn unnamed(events: &[Value], end: &str) -> Vec<u8> {
    let events = events.iter().map(|event| format!("data: {event}\n\n"));
    (String::from_iter(events) + end).into_bytes()
}

fn named(events: &[Value]) -> Vec<u8> {
    let events = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
    String::from_iter(events).into_bytes()
}

/// An event in a message of `application/vnd.amazon.eventstream`, whose format is published:
/// lengths and their checksum, headers, payload, checksum of all.
fn chunk(event: &Value) -> Vec<u8> {
    const STRING: u8 = 7;
    let payload = json!({"bytes": STANDARD.encode(event.to_string())}).to_string();
    let mut headers = Vec::new();
    for (name, value) in [
        (":event-type", "chunk"),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ] {
        headers.push(name.len() as u8);
        headers.extend(name.bytes());
        headers.push(STRING);
        headers.extend((value.len() as u16).to_be_bytes());
        headers.extend(value.bytes());
    }
    let mut frame = Vec::new();
    frame.extend((16 + headers.len() as u32 + payload.len() as u32).to_be_bytes());
    frame.extend((headers.len() as u32).to_be_bytes());
    frame.extend(crc32(&frame).to_be_bytes());
    frame.extend(headers);
    frame.extend(payload.bytes());
    frame.extend(crc32(&frame).to_be_bytes());
    frame
}

/// As in gzip.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let mask = (crc & 1).wrapping_neg();
            (crc >> 1) ^ (0xedb8_8320 & mask)
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[test]
fn checksums_are_those_of_the_standard() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}
