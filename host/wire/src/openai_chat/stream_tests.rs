//! What a client reads from a stream is what it would have read in one piece.

use plugway_engine::chat::{Citation, FinishReason, Reasoning, ToolCall};
use serde_json::{Map, Value, json};

use super::*;
use crate::answer::Answer;
use crate::events::*;
use crate::openai_chat::{encode_error, whole};

fn head() -> Head {
    Head { id: "gen-1".into(), created: 7, model: "m".into(), provider: "P".into() }
}

/// The chunks of a stream, whose last line must be the end mark.
fn chunks(out: &BytesMut) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    let mut chunks: Vec<&str> = text.split_terminator("\n\n").collect();
    assert_eq!(chunks.pop(), Some("data: [DONE]"));
    chunks
        .into_iter()
        .map(|chunk| serde_json::from_str(chunk.strip_prefix("data: ").unwrap()).unwrap())
        .collect()
}

fn stream(events: &[Event], include_reasoning: bool) -> Vec<Value> {
    let mut encoder = Chunks::new(head(), include_reasoning);
    let mut out = BytesMut::new();
    for event in events {
        encoder.push(event, &mut out);
    }
    encoder.end(Some(&Bill::unpriced(usage_of(3, 4))), &mut out);
    chunks(&out)
}

fn whole(events: &[Event], include_reasoning: bool) -> Value {
    let answer = Answer::from_events(events.iter().cloned());
    let bill = Bill::unpriced(usage_of(3, 4));
    let body = whole::encode(&answer, &head(), include_reasoning, Some(&bill), None);
    serde_json::from_slice(&body).unwrap()
}

/// Reads a stream as client libraries do: strings are joined, list items are
/// joined by their index where they have one, else appended.
fn assemble(chunks: &[Value]) -> Value {
    let mut answer = Map::new();
    let mut choices: Vec<Value> = Vec::new();
    for chunk in chunks {
        for (name, value) in chunk.as_object().unwrap() {
            if name != "choices" {
                answer.insert(name.clone(), value.clone());
            }
        }
        for piece in chunk["choices"].as_array().unwrap() {
            let known = choices.iter().position(|it| it["index"] == piece["index"]);
            let place = known.unwrap_or_else(|| {
                choices.push(json!({
                    "index": piece["index"],
                    "message": {"content": null, "refusal": null, "reasoning": null},
                    "logprobs": null,
                }));
                choices.len() - 1
            });
            let choice = &mut choices[place];
            join(&mut choice["message"], &piece["delta"]);
            join(&mut choice["logprobs"], &piece["logprobs"]);
            for (name, value) in piece.as_object().unwrap() {
                if !["index", "delta", "logprobs"].contains(&&**name) {
                    choice[name.as_str()] = value.clone();
                }
            }
        }
    }
    choices.sort_by_key(|choice| choice["index"].as_u64());
    answer.insert("choices".into(), choices.into());
    answer.insert("object".into(), "chat.completion".into());
    // What no chunk tells, a whole answer tells to be nothing.
    answer.entry("system_fingerprint").or_insert(Value::Null);
    let mut answer = Value::Object(answer);
    for choice in answer["choices"].as_array_mut().unwrap() {
        normalise(&mut choice["message"]);
    }
    answer
}

fn join(whole: &mut Value, bit: &Value) {
    match (whole, bit) {
        (_, Value::Null) => {}
        (Value::Object(whole), Value::Object(bit)) => {
            for (name, value) in bit {
                match name.as_str() {
                    // Come whole, once.
                    "index" | "type" | "id" | "format" | "role" => {
                        whole.entry(name).or_insert(value.clone());
                    }
                    _ => join(whole.entry(name).or_insert(Value::Null), value),
                }
            }
        }
        (Value::Array(whole), Value::Array(bit)) => {
            for item in bit {
                let known = whole
                    .iter_mut()
                    .find(|it| !item["index"].is_null() && it["index"] == item["index"]);
                match known {
                    Some(known) => join(known, item),
                    None => whole.push(item.clone()),
                }
            }
        }
        (Value::String(whole), Value::String(bit)) => whole.push_str(bit),
        (whole, bit) => *whole = bit.clone(),
    }
}

/// Forgets what only one of the two forms tells.
fn normalise(message: &mut Value) {
    for call in message["tool_calls"].as_array_mut().into_iter().flatten() {
        call.as_object_mut().unwrap().remove("index");
    }
    // A stream begins with an empty content where a whole answer has none.
    if message["content"] == "" {
        message["content"] = Value::Null;
    }
    message.as_object_mut().unwrap().retain(|name, value| {
        !value.is_null() || ["content", "refusal", "reasoning"].contains(&name.as_str())
    });
}

#[track_caller]
fn same_both_ways(events: &[Event]) {
    for include_reasoning in [true, false] {
        let streamed = assemble(&stream(events, include_reasoning));
        let mut whole = whole(events, include_reasoning);
        for choice in whole["choices"].as_array_mut().unwrap() {
            normalise(&mut choice["message"]);
            if !include_reasoning {
                choice["message"]["reasoning"] = Value::Null;
            }
        }
        assert_eq!(streamed, whole);
    }
}

fn signed(choice: u32, index: u32, body: PartBody, signature: &str) -> Event {
    let mut piece = piece_of(piece(choice, index, body));
    piece.part.signature = Some(signature.into());
    piece.part.format = Some("anthropic-claude-v1".into());
    Event::Piece(piece)
}

fn cited(index: u32, said: &str, span: (u32, u32)) -> Event {
    let mut piece = piece_of(piece(0, index, text(said)));
    piece.part.citations.push(Citation {
        url: Some("https://x.test".into()),
        title: Some("X".into()),
        quote: None,
        span: Some(span),
        extra: vec![("n".into(), "1".into())],
    });
    Event::Piece(piece)
}

fn likely(choice: u32, index: u32, body: PartBody, logprobs: &str) -> Event {
    let mut piece = piece_of(piece(choice, index, body));
    piece.logprobs = Some(logprobs.into());
    Event::Piece(piece)
}

#[test]
fn text_and_usage() {
    same_both_ways(&[
        origin("up"),
        piece(0, 0, text("He")),
        piece(0, 0, text("")),
        piece(0, 0, text("llo \"\u{1F600}\"\n")),
        usage(3, 4),
        finish(0, FinishReason::Stop),
    ]);
    same_both_ways(&[finish(0, FinishReason::ContentFilter)]);
}

#[test]
fn reasoning_signatures_and_parallel_calls() {
    same_both_ways(&[
        piece(0, 0, reasoning("think ")),
        piece(0, 0, reasoning("hard")),
        signed(0, 0, reasoning(""), "sig"),
        signed(0, 1, PartBody::Reasoning(Reasoning::Encrypted("opaque".into())), "s2"),
        piece(0, 2, PartBody::Reasoning(Reasoning::Summary("in short".into()))),
        piece(0, 3, text("I call")),
        signed(0, 4, call("c1", "f", ""), "proof"),
        piece(0, 5, call("c2", "g", "{\"b\":")),
        piece(0, 4, call("", "", "{\"a\":1}")),
        piece(0, 5, call("", "", "2}")),
        finish(0, FinishReason::ToolCalls),
    ]);
}

#[test]
fn freeform_calls_refusals_and_several_choices() {
    let freeform = |id: &str, name: &str, input: &str| {
        PartBody::ToolCall(ToolCall {
            id: id.into(),
            name: name.into(),
            input: input.into(),
            freeform: true,
        })
    };
    same_both_ways(&[
        piece(1, 0, text("one")),
        piece(0, 0, freeform("c1", "g", "some ")),
        piece(0, 0, freeform("", "", "text")),
        piece(1, 1, PartBody::Refusal("but ".into())),
        piece(1, 1, PartBody::Refusal("no".into())),
        finish(0, FinishReason::ToolCalls),
        finish(1, FinishReason::Length),
    ]);
}

#[test]
fn citations_count_from_the_start_of_the_content() {
    let events = [
        piece(0, 0, text("\u{1F600}ab")),
        cited(1, "cited", (0, 5)),
        cited(1, " twice", (6, 11)),
        finish(0, FinishReason::Stop),
    ];
    same_both_ways(&events);
    let whole = whole(&events, true);
    let annotations = &whole["choices"][0]["message"]["annotations"];
    let expected = json!({"type": "url_citation", "url_citation": {"url": "https://x.test",
        "title": "X", "start_index": 9, "end_index": 14, "n": 1}});
    assert_eq!(annotations[1], expected);
}

#[test]
fn media_and_native_fields() {
    let mut sound =
        piece_of(piece(0, 2, PartBody::Media(Media { kind: MediaKind::Audio, ..image("UklG") })));
    sound.part.id = Some("audio_1".into());
    sound.part.extra.push(("transcript".into(), "\"hi\"".into()));
    let native = Event::Origin(Origin {
        id: None,
        model: None,
        service_tier: Some("flex".into()),
        extra: vec![
            ("system_fingerprint".into(), "\"fp\"".into()),
            ("id".into(), "\"not ours\"".into()),
            ("system_fingerprint".into(), "{\n\"v\": 2}".into()),
        ],
    });
    let events = [
        native,
        piece(0, 0, PartBody::Media(image("SGVsbA=="))),
        piece(0, 0, PartBody::Media(image("byE="))),
        piece(0, 1, PartBody::Media(image("QUJD"))),
        Event::Piece(sound),
        finish(0, FinishReason::Stop),
    ];
    same_both_ways(&events);
    let whole = whole(&events, true);
    assert_eq!(whole["system_fingerprint"], json!({"v": 2}));
    assert_eq!((&whole["id"], &whole["service_tier"]), (&json!("gen-1"), &json!("flex")));
    let message = &whole["choices"][0]["message"];
    let url = |place: usize| &message["images"][place]["image_url"]["url"];
    assert_eq!(url(0), "data:image/png;base64,SGVsbG8h");
    assert_eq!(url(1), "data:image/png;base64,QUJD");
    assert_eq!(message["audio"]["transcript"], "hi");
}

#[test]
fn logprobs_are_joined() {
    let events = [
        likely(0, 0, reasoning("r"), "[{\"token\":\"r\"}]"),
        likely(0, 1, text("a"), " [{\"token\":\"a\"}, {\"token\":\"b\"}] "),
        likely(0, 1, text(""), "[]"),
        likely(0, 1, text("c"), "[{\"token\":\"c\"}]"),
        finish(0, FinishReason::Stop),
    ];
    same_both_ways(&events);
    let logprobs = &whole(&events, true)["choices"][0]["logprobs"];
    let tokens = logprobs["content"].as_array().unwrap();
    assert_eq!(tokens.len(), 3);
    assert_eq!(logprobs["reasoning_content"][0]["token"], "r");
    let hidden = &whole(&events, false)["choices"][0]["logprobs"];
    assert_eq!(hidden.get("reasoning_content"), None);
}

/// A sequence of pieces for every seed: parts of all kinds, growing in turns.
#[test]
fn whatever_the_order_both_ways_agree() {
    for seed in 0..200_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut draw = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let mut events = vec![origin("up")];
        let kinds: Vec<u64> = (0..1 + draw(5)).map(|_| draw(4)).collect();
        for (index, kind) in (0_u32..).zip(&kinds) {
            for bit in 0..1 + draw(4) {
                let said = "x\u{e9}\"\n".repeat(draw(3) as usize);
                let (id, name) =
                    if bit == 0 { (format!("c{index}"), "f") } else { Default::default() };
                let body = match kind {
                    0 => text(&said),
                    1 => reasoning(&said),
                    2 => call(&id, name, &said),
                    _ => PartBody::Refusal(said),
                };
                events.push(piece(0, index, body));
            }
        }
        events.push(finish(0, FinishReason::Stop));
        // An empty text or refusal says nothing in a stream and "" in one piece.
        let says = |event: &Event| match event {
            Event::Piece(piece) => match &piece.part.body {
                PartBody::Text(text) | PartBody::Refusal(text) => !text.is_empty(),
                _ => true,
            },
            _ => true,
        };
        events.retain(says);
        same_both_ways(&events);
    }
}

#[test]
fn a_stream_begins_with_the_role_and_ends_with_the_usage() {
    let events = [piece(0, 0, text("hi")), finish(0, FinishReason::Stop)];
    let chunks = stream(&events, true);
    assert_eq!(chunks.len(), 4);
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    assert_eq!(chunks[1]["choices"][0]["delta"], json!({"content": "hi"}));
    assert_eq!(chunks[1]["choices"][0]["finish_reason"], Value::Null);
    assert_eq!(chunks[2]["choices"][0]["delta"], json!({}));
    assert_eq!(chunks[2]["choices"][0]["finish_reason"], "stop");
    assert_eq!(chunks[2]["choices"][0]["native_finish_reason"], "native");
    assert_eq!(chunks[3]["choices"], json!([]));
    assert_eq!(chunks[3]["usage"]["total_tokens"], 7);
    for chunk in &chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!((&chunk["id"], &chunk["created"]), (&json!("gen-1"), &json!(7)));
    }
}

#[test]
fn calls_are_told_by_their_index() {
    let chunks = stream(
        &[
            piece(0, 0, text("x")),
            piece(0, 1, call("c1", "f", "")),
            piece(0, 1, call("", "", "{}")),
            piece(0, 1, call("", "", "")),
        ],
        true,
    );
    let calls: Vec<_> =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"].get("tool_calls")).collect();
    let first = json!([{"index": 0, "id": "c1", "type": "function",
        "function": {"name": "f", "arguments": ""}}]);
    let second = json!([{"index": 0, "function": {"arguments": "{}"}}]);
    assert_eq!(calls, [&first, &second]);
}

fn broken() -> ErrorBody {
    ErrorBody {
        status: 502,
        message: "the provider's stream broke".into(),
        kind: "provider_unavailable",
        class: "server_error",
        provider_name: Some("P".into()),
        ..ErrorBody::default()
    }
}

#[test]
fn a_stream_that_breaks_says_so() {
    let mut encoder = Chunks::new(head(), true);
    let mut out = BytesMut::new();
    encoder.push(&piece(0, 0, text("hi")), &mut out);
    encoder.fail(&broken(), Some(&Bill::unpriced(usage_of(3, 1))), &mut out);
    let chunks = chunks(&out);
    let last = chunks.last().unwrap();
    assert_eq!(last["error"]["code"], 502);
    assert_eq!(last["error"]["metadata"]["error_type"], "provider_unavailable");
    assert_eq!(last["choices"][0]["finish_reason"], "error");
    assert_eq!(last["usage"]["completion_tokens"], 1);
}

#[test]
fn a_whole_answer_that_breaks_says_so() {
    let encode = |events: Vec<Event>| -> Value {
        let answer = Answer::from_events(events);
        let body = whole::encode(&answer, &head(), true, None, Some(&broken()));
        serde_json::from_slice(&body).unwrap()
    };
    let partial = encode(vec![
        piece(0, 0, text("whole")),
        finish(0, FinishReason::Stop),
        piece(1, 0, text("hal")),
    ]);
    assert_eq!(partial["choices"][0]["finish_reason"], "stop");
    assert_eq!(partial["choices"][1]["message"]["content"], "hal");
    assert_eq!(partial["choices"][1]["finish_reason"], "error");
    assert_eq!(partial["choices"][1]["error"]["code"], 502);
    assert_eq!(encode(Vec::new())["choices"][0]["finish_reason"], "error");
}

#[test]
fn an_error_names_its_field_and_its_provider() {
    let error = ErrorBody {
        status: 400,
        message: "`n` must be a number".into(),
        kind: "invalid_request",
        class: "invalid_request_error",
        code: Some("invalid_type".into()),
        param: Some("n".into()),
        provider_name: None,
        provider_code: Some("E1".into()),
        metadata: vec![("previous_errors".into(), "[]".into())],
        ..ErrorBody::default()
    };
    let body: Value = serde_json::from_slice(&encode_error(&error)).unwrap();
    let expected = json!({"error": {"code": 400, "message": "`n` must be a number",
        "type": "invalid_request_error", "param": "n", "metadata": {"error_type": "invalid_request",
        "code": "invalid_type", "provider_code": "E1", "previous_errors": []}}});
    assert_eq!(body, expected);
}

#[test]
fn a_bill_is_exact() {
    let bill = Bill {
        usage: plugway_engine::chat::Usage {
            cache_read_tokens: 2,
            cache_write_tokens: 1,
            reasoning_tokens: 3,
            meters: vec![("prompt-audio-tokens".into(), 5), ("web-searches".into(), 2)],
            ..usage_of(10, 4)
        },
        cost: Some(87_250_000),
        upstream_cost: Some(87_250_000),
        prompt_cost: Some(1),
        completion_cost: Some(87_249_999),
        own_key: false,
        metadata: None,
    };
    let mut out = BytesMut::new();
    bill.write(&mut Writer::new(&mut out));
    let text = std::str::from_utf8(&out).unwrap();
    assert!(text.contains(r#""cost":0.00008725,"is_byok":false"#), "{text}");
    let usage: Value = serde_json::from_str(text).unwrap();
    assert_eq!(usage["total_tokens"], 14);
    assert_eq!(
        usage["prompt_tokens_details"],
        json!({"cached_tokens": 2,
        "cache_write_tokens": 1, "audio_tokens": 5, "video_tokens": 0})
    );
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 3);
    let costs = json!({
        "upstream_inference_cost": 0.00008725,
        "upstream_inference_prompt_cost": 1e-12,
        "upstream_inference_completions_cost": 0.000087249999,
    });
    assert_eq!(usage["cost_details"], costs);
    assert_eq!(usage["server_tool_use_details"]["web_search_requests"], 2);
}

#[test]
fn what_has_no_price_is_told_no_cost() {
    let mut out = BytesMut::new();
    Bill::unpriced(usage_of(10, 4)).write(&mut Writer::new(&mut out));
    let usage: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(usage["total_tokens"], 14);
    assert!(usage.get("cost").is_none() && usage.get("cost_details").is_none(), "{usage}");
}

#[test]
fn keep_alive_is_a_comment() {
    let mut framer = crate::framing::Framer::new(plugway_engine::Framing::Sse, 1024);
    let mut frames = Vec::new();
    let keep_alive =
        crate::Form::keep_alive(&crate::openai_chat::Completion { include_reasoning: true });
    framer.push(keep_alive, &mut frames).unwrap();
    framer.end(&mut frames).unwrap();
    assert_eq!(frames, []);
}

fn news(tier: Option<&str>, extra: &[(&str, &str)]) -> Event {
    Event::Origin(Origin {
        id: None,
        model: None,
        service_tier: tier.map(str::to_owned),
        extra: extra.iter().map(|(name, json)| ((*name).into(), (*json).into())).collect(),
    })
}

#[test]
fn what_is_small_is_said_in_every_chunk_and_what_is_large_once() {
    let large = format!("\"{}\"", "x".repeat(1000));
    let chunks = stream(
        &[
            news(Some("flex"), &[("system_fingerprint", "\"fp\""), ("large", &large)]),
            piece(0, 0, text("a")),
            piece(0, 0, text("b")),
            // What was small has grown, and stands in one place only.
            news(Some(&"t".repeat(1000)), &[("system_fingerprint", &large)]),
            piece(0, 0, text("c")),
            finish(0, FinishReason::Stop),
        ],
        true,
    );
    let of =
        |name: &str| chunks.iter().map(|it| it[name].as_str().map(str::len)).collect::<Vec<_>>();
    // The role, a, b, c, the finish and the usage.
    assert_eq!(of("service_tier"), [Some(4); 6]);
    assert_eq!(of("large"), [Some(1000), Some(1000), None, None, None, None]);
    let fingerprint = [Some(2), Some(2), Some(2), Some(1000), None, None];
    assert_eq!(of("system_fingerprint"), fingerprint);
}

#[test]
fn what_is_left_to_say_is_said_at_the_end() {
    let large = format!("\"{}\"", "x".repeat(1000));
    let chunks = stream(&[news(None, &[("large", &large)])], true);
    assert_eq!(chunks[0]["large"].as_str().map(str::len), Some(1000));
}

#[test]
fn what_is_written_grows_with_what_is_said() {
    // Each of these was once repeated by each of the bits.
    let long = "x".repeat(1_000_000);
    let json = format!("\"{long}\"");
    let extra: Vec<(String, String)> = (0..100_000).map(|n| (n.to_string(), "1".into())).collect();
    let mut begun = piece_of(piece(0, 0, call(&long, "f", "")));
    begun.part.extra = extra.clone();
    let mut signed = piece_of(piece(0, 0, call("", "", "")));
    signed.part.signature = Some("proof".into());
    let origin = Origin { id: None, model: None, service_tier: Some(long), extra };
    let mut events = vec![Event::Origin(origin), news(None, &[("l", &json)]), Event::Piece(begun)];
    events.extend(std::iter::repeat_n(Event::Piece(signed), 2000));
    let mut encoder = Chunks::new(head(), true);
    let mut out = BytesMut::new();
    for event in &events {
        encoder.push(event, &mut out);
    }
    assert!(out.len() < 6_000_000, "{}", out.len());
}

#[test]
fn many_parts_are_told_each_in_its_place() {
    let count = 50_000;
    let mut events: Vec<Event> = (0..count).map(|n| piece(0, n, call("c", "f", ""))).collect();
    events.extend((0..count).map(|n| piece(0, n, call("", "", "x"))));
    let chunks = stream(&events, true);
    let last = &chunks[chunks.len() - 2]["choices"][0]["delta"]["tool_calls"][0];
    assert_eq!(last["index"], count - 1);
}

#[test]
fn what_was_sent_is_told_first_and_changes_nothing() {
    let mut encoder = Chunks::new(head(), true);
    let mut out = BytesMut::new();
    encoder.echo("{\"model\":\n\"a\"}", &mut out);
    encoder.echo("{}", &mut out);
    encoder.push(&piece(0, 0, text("Hi")), &mut out);
    encoder.push(&finish(0, FinishReason::Stop), &mut out);
    encoder.end(Some(&Bill::unpriced(usage_of(3, 4))), &mut out);
    let told = chunks(&out);
    let echoed = json!({"id": "gen-1", "object": "chat.completion.chunk", "created": 7,
        "model": "m", "provider": "P", "choices": [],
        "debug": {"echo_upstream_body": {"model": "a"}}});
    assert_eq!(told[0], echoed);
    assert_eq!(told[1]["debug"], json!({"echo_upstream_body": {}}));
    let events = [piece(0, 0, text("Hi")), finish(0, FinishReason::Stop)];
    assert_eq!(told[2..], stream(&events, true));
}
