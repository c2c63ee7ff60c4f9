//! Answers as the router gets them, whole and streamed.

use super::OpenAi;
use plugway_sdk::chat::*;
use plugway_sdk::provider::Framing;
use plugway_sdk::testing::{Answer, Transcript, check_contract, streamed, whole};
use serde_json::{Value, json};

use super::DIALECT;

fn decode_whole(body: &Value) -> Answer {
    let events = whole::<OpenAi>(&Transcript::new(200, body.to_string()), DIALECT);
    check_contract(&events).unwrap();
    Answer::of(&events)
}

/// Decodes chunks that `[DONE]` follows.
fn decode_stream(chunks: &[Value]) -> Answer {
    let data: Vec<String> = chunks.iter().map(Value::to_string).collect();
    let data = data.iter().map(String::as_str).chain(["[DONE]"]);
    let events = streamed::<OpenAi>(&Transcript::sse(data), Framing::Sse, DIALECT);
    check_contract(&events).unwrap();
    Answer::of(&events)
}

fn message(message: Value, finish: &str) -> Value {
    json!({"id": "r1", "model": "m1",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}]})
}

fn delta(delta: Value) -> Value {
    json!({"id": "r1", "model": "m1",
        "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"id": "r1", "model": "m1",
        "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

/// Checks that a whole answer and a streamed one are the same, and returns it.
fn check_both(body: &Value, chunks: &[Value]) -> Answer {
    let answer = decode_whole(body);
    assert_eq!(answer, decode_stream(chunks));
    answer
}

#[test]
fn text() {
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5});
    let mut body =
        message(json!({"role": "assistant", "content": "Hello", "refusal": null}), "stop");
    body["usage"] = usage.clone();
    body["service_tier"] = json!("default");
    body["system_fingerprint"] = json!("fp");
    let mut first = delta(json!({"role": "assistant", "content": ""}));
    first["service_tier"] = json!("default");
    first["system_fingerprint"] = json!("fp");
    let end = json!({"id": "r1", "model": "m1", "choices": [], "usage": usage});
    let chunks = [
        first,
        delta(json!({"content": "Hel"})),
        delta(json!({"content": "lo"})),
        finish("stop"),
        end,
    ];
    let answer = check_both(&body, &chunks);
    assert_eq!(answer.text(0), "Hello");
    assert_eq!(answer.finishes, vec![Finish::new(0, FinishReason::Stop, "stop")]);
    assert_eq!(
        answer.usage,
        vec![Usage { prompt_tokens: 3, completion_tokens: 2, ..Usage::default() }]
    );
    assert_eq!(
        answer.origin,
        Origin {
            id: Some("r1".into()),
            model: Some("m1".into()),
            service_tier: Some("default".into()),
            extra: vec![("system_fingerprint".into(), r#""fp""#.into())],
        }
    );
}

#[test]
fn native_fields_are_for_clients_of_the_dialect() {
    let mut body = message(json!({"content": "x"}), "stop");
    body["system_fingerprint"] = json!("fp");
    body["choices"][0]["content_filter_results"] = json!({});
    let transcript = Transcript::new(200, body.to_string());
    let native = Answer::of(&whole::<OpenAi>(&transcript, DIALECT));
    assert_eq!(native.finishes[0].extra, vec![("content_filter_results".into(), "{}".into())]);
    let foreign = Answer::of(&whole::<OpenAi>(&transcript, "anthropic-messages"));
    assert!(foreign.origin.extra.is_empty() && foreign.finishes[0].extra.is_empty());
}

#[test]
fn native_fields_of_a_message_travel_on_without_text_too() {
    let call = |arguments: &str| {
        json!({"index": 0, "id": "c", "type": "function", "function":
            {"name": "f", "arguments": arguments}, "score": 0.25})
    };
    let body = message(
        json!({"role": "assistant", "content": null, "tool_calls": [call("{}")],
            "thought_signature": "s", "certainty": 0.25}),
        "tool_calls",
    );
    let answer = decode_whole(&body);
    let extra: Vec<_> = answer.parts.values().flat_map(|part| &part.extra).collect();
    let fields = [
        ("certainty".to_owned(), "0.25".to_owned()),
        ("thought_signature".to_owned(), "\"s\"".to_owned()),
        ("score".to_owned(), "0.25".to_owned()),
    ];
    assert_eq!(extra, fields.iter().collect::<Vec<_>>());
    assert_eq!(answer.text(0), "");

    // Of a field that is repeated the last value stands, and none is lost.
    let mut last = call("}");
    last["function"]["name"] = Value::Null;
    last["score"] = json!(2);
    let answer = decode_stream(&[
        delta(json!({"role": "assistant", "content": "", "certainty": 1})),
        delta(json!({"content": "Hm.", "certainty": 2})),
        delta(json!({"tool_calls": [call("{")], "certainty": 3})),
        delta(json!({"tool_calls": [last]})),
        finish("tool_calls"),
    ]);
    let field = |name: &str, json: &str| vec![(name.to_owned(), json.to_owned())];
    assert_eq!(answer.parts[&(0, 0)].extra, field("certainty", "3"));
    assert_eq!(answer.parts[&(0, 1)].extra, field("score", "2"));

    // Another dialect's client is shown none, and no text in their place.
    let foreign = whole::<OpenAi>(&Transcript::new(200, body.to_string()), "gemini");
    assert_eq!(Answer::of(&foreign).parts.len(), 1);
}

#[test]
fn tool_calls() {
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}});
    let body = message(
        json!({"content": null, "tool_calls": [call("a", "{\"x\":1}"), call("b", "{}")]}),
        "tool_calls",
    );
    let begun = |index: u32, id: &str| {
        let mut call = call(id, "");
        call["index"] = json!(index);
        delta(json!({"tool_calls": [call]}))
    };
    let more = |index: u32, bit: &str| {
        delta(json!({"tool_calls": [{"index": index, "function": {"arguments": bit}}]}))
    };
    let chunks = [
        begun(0, "a"),
        more(0, "{\"x\""),
        begun(1, "b"),
        more(0, ":1}"),
        more(1, "{}"),
        finish("tool_calls"),
    ];
    let answer = check_both(&body, &chunks);
    assert_eq!(answer.calls(0), [("f", "{\"x\":1}"), ("f", "{}")]);
    assert_eq!(answer.finishes[0].reason, FinishReason::ToolCalls);
}

#[test]
fn tool_calls_of_other_servers() {
    let check = |calls: Value, expected: &[(&str, &str, &str)]| {
        let answer = decode_stream(&[delta(json!({ "tool_calls": calls })), finish("stop")]);
        let read: Vec<_> = answer
            .parts
            .values()
            .filter_map(|part| match &part.body {
                PartBody::ToolCall(call) => {
                    Some((call.id.as_str(), call.name.as_str(), call.input.as_str()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(read, expected);
        assert_eq!(answer.finishes[0].reason, FinishReason::ToolCalls);
    };
    // Neither ids nor indices: ids are made up, from the response's own.
    check(
        json!([{"function": {"name": "f", "arguments": {"x": 1}}},
            {"function": {"name": "g", "arguments": ""}}]),
        &[("call_r1_0_0", "f", r#"{"x":1}"#), ("call_r1_0_1", "g", "")],
    );
    // Every call has the index 0.
    check(
        json!([{"index": 0, "id": "a", "function": {"name": "f", "arguments": "1"}},
            {"index": 0, "id": "b", "function": {"name": "g", "arguments": "2"}}]),
        &[("a", "f", "1"), ("b", "g", "2")],
    );
    // Every call has the same id.
    check(
        json!([{"index": 0, "id": "a", "function": {"name": "f", "arguments": "1"}},
            {"index": 1, "id": "a", "function": {"name": "g", "arguments": "2"}}]),
        &[("a", "f", "1"), ("call_r1_0_1", "g", "2")],
    );
    // The same id again and again, and the name after the first input.
    check(
        json!([{"index": 0, "id": "a", "function": {"arguments": "{"}},
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}},
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": " "}}]),
        &[("a", "f", "{} ")],
    );
}

#[test]
fn freeform_and_legacy_calls() {
    let custom = message(
        json!({"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "sh", "input": "ls"}}]}),
        "tool_calls",
    );
    let expected = ToolCall { freeform: true, ..ToolCall::new("c", "sh", "ls") };
    assert_eq!(decode_whole(&custom).parts[&(0, 0)].body, PartBody::ToolCall(expected));

    let body = message(
        json!({"content": null, "function_call": {"name": "f", "arguments": "{}"}}),
        "function_call",
    );
    let chunks = [
        delta(json!({"function_call": {"name": "f", "arguments": ""}})),
        delta(json!({"function_call": {"arguments": "{}"}})),
        finish("function_call"),
    ];
    let answer = check_both(&body, &chunks);
    assert_eq!(
        answer.parts[&(0, 0)].body,
        PartBody::ToolCall(ToolCall::new("call_r1_0_0", "f", "{}"))
    );
}

#[test]
fn reasoning_in_plain_fields() {
    for field in ["reasoning", "reasoning_content"] {
        let body = message(json!({field: "Hmm", "content": "Yes"}), "stop");
        let chunks = [
            delta(json!({field: "H"})),
            delta(json!({field: "mm", "content": ""})),
            delta(json!({"content": "Yes", field: null})),
            finish("stop"),
        ];
        let answer = check_both(&body, &chunks);
        assert_eq!((answer.reasoning(0).as_str(), answer.text(0).as_str()), ("Hmm", "Yes"));
        assert_eq!(answer.parts[&(0, 0)].format, None);
    }
    let items = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "Hmm"}]},
        {"type": "text", "text": "Yes"}]);
    let answer = decode_whole(&message(json!({ "content": items }), "stop"));
    assert_eq!((answer.reasoning(0).as_str(), answer.text(0).as_str()), ("Hmm", "Yes"));
}

#[test]
fn reasoning_with_signatures() {
    let detail = |text: &str| json!({"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0});
    let encrypted = json!({"type": "reasoning.encrypted", "data": "E", "id": "rs_1",
        "format": "openai-responses-v1", "index": 1});
    let mut signed = detail("Hmm");
    signed["signature"] = json!("S");
    let body = message(
        json!({"reasoning": "Hmm", "reasoning_details": [signed, encrypted], "content": "Yes"}),
        "stop",
    );
    let chunks = [
        delta(json!({"reasoning": "H", "reasoning_details": [detail("H")]})),
        delta(json!({"reasoning": "mm", "reasoning_details": [detail("mm")]})),
        delta(json!({"reasoning_details": [{"type": "reasoning.text", "signature": "S",
            "format": "anthropic-claude-v1", "index": 0}]})),
        delta(json!({"reasoning_details": [encrypted]})),
        delta(json!({"content": "Yes"})),
        finish("stop"),
    ];
    let answer = check_both(&body, &chunks);
    assert_eq!(answer.parts.len(), 3);
    let signed = &answer.parts[&(0, 0)];
    assert_eq!(signed.signature.as_deref(), Some("S"));
    assert_eq!(signed.format.as_deref(), Some("anthropic-claude-v1"));
    let hidden = &answer.parts[&(0, 1)];
    assert_eq!(hidden.body, PartBody::Reasoning(Reasoning::Encrypted("E".into())));
    assert_eq!(hidden.id.as_deref(), Some("rs_1"));
}

#[test]
fn citations_and_refusals() {
    let annotation = json!({"type": "url_citation", "url_citation": {"url": "https://example.com",
        "title": "Example", "start_index": 0, "end_index": 4}});
    let body = message(json!({"content": "Fact", "annotations": [annotation]}), "stop");
    let chunks = [
        delta(json!({"content": "Fact"})),
        delta(json!({"annotations": [annotation]})),
        finish("stop"),
    ];
    let answer = check_both(&body, &chunks);
    let citation = Citation {
        url: Some("https://example.com".into()),
        title: Some("Example".into()),
        span: Some((0, 4)),
        ..Citation::default()
    };
    assert_eq!(answer.parts[&(0, 0)].citations, vec![citation]);

    let refused = message(json!({"content": null, "refusal": "No."}), "stop");
    let chunks = [delta(json!({"refusal": "No"})), delta(json!({"refusal": "."})), finish("stop")];
    let answer = check_both(&refused, &chunks);
    assert_eq!(answer.parts[&(0, 0)].body, PartBody::Refusal("No.".into()));
}

#[test]
fn sounds_and_pictures() {
    let body = message(
        json!({"content": null, "audio":
            {"id": "audio_1", "data": "AAAABBBB", "transcript": "Hi", "expires_at": 7}}),
        "stop",
    );
    let chunks = [
        delta(json!({"audio": {"id": "audio_1"}})),
        delta(json!({"audio": {"data": "AAAA"}})),
        delta(json!({"audio": {"data": "BBBB"}})),
        finish("stop"),
    ];
    for answer in [decode_whole(&body), decode_stream(&chunks)] {
        let part = &answer.parts[&(0, 0)];
        assert_eq!(part.id.as_deref(), Some("audio_1"));
        let PartBody::Media(media) = &part.body else { panic!("{part:?}") };
        assert_eq!(media.source, MediaSource::Base64("AAAABBBB".into()));
    }
    let drawn = message(
        json!({"content": "", "images":
            [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}),
        "stop",
    );
    let PartBody::Media(media) = &decode_whole(&drawn).parts[&(0, 0)].body else { panic!() };
    assert_eq!(media.mime.as_deref(), Some("image/png"));
    assert_eq!(media.source, MediaSource::Base64("AAAA".into()));
}

#[test]
fn several_choices_and_probabilities() {
    let logprobs = |token: &str| json!({"content": [{"token": token, "logprob": -0.5}]});
    let choice = |index: u32, text: &str| {
        json!({"index": index, "message": {"content": text}, "logprobs": logprobs(text),
            "finish_reason": "stop"})
    };
    let body = json!({"id": "r1", "model": "m1", "choices": [choice(0, "a"), choice(1, "b")]});
    let bit = |index: u32, text: &str| {
        json!({"id": "r1", "model": "m1", "choices": [{"index": index, "delta": {"content": text},
            "logprobs": logprobs(text)}]})
    };
    let end = |index: u32| {
        json!({"id": "r1", "model": "m1",
            "choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]})
    };
    let answer = check_both(&body, &[bit(0, "a"), bit(1, "b"), end(0), end(1)]);
    assert_eq!((answer.text(0), answer.text(1)), ("a".into(), "b".into()));
    assert!(answer.logprobs[&(1, 0)][0].contains(r#""token":"b""#));
}

#[test]
fn stop_sequences() {
    let mut body = message(json!({"content": "x"}), "stop");
    body["choices"][0]["stop_reason"] = json!("END");
    assert_eq!(decode_whole(&body).finishes[0].stop_sequence.as_deref(), Some("END"));
}

/// Checks how a stream of these data ends: the kind of its failure, or none.
fn check_end(data: &[&str], expected: Option<FailureKind>) -> Answer {
    let transcript = Transcript::sse(data.iter().copied());
    let events = streamed::<OpenAi>(&transcript, Framing::Sse, DIALECT);
    check_contract(&events).unwrap();
    let answer = Answer::of(&events);
    assert_eq!(answer.failure.as_ref().map(|failure| failure.kind), expected, "{data:?}");
    answer
}

#[test]
fn ends_of_streams() {
    let text = r#"{"choices":[{"index":0,"delta":{"content":"x"}}]}"#;
    let end = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let unavailable = Some(FailureKind::Unavailable);
    check_end(&[text, end, "[DONE]"], None);
    check_end(&[text, end], None);
    check_end(&[text, end, end, "[DONE]"], None);
    check_end(&[text], unavailable);
    check_end(&[], unavailable);
    check_end(&["[DONE]"], unavailable);
    check_end(&[text, "{\"cho"], unavailable);
    check_end(&[r#"{"type":"ping"}"#, text, end], None);
    let unnamed = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1}}"#;
    check_end(&[unnamed, "[DONE]"], unavailable);
    // The end mark alone ends a choice too.
    let answer = check_end(&[text, "[DONE]"], None);
    assert_eq!(answer.finishes, vec![Finish::new(0, FinishReason::Stop, "")]);
}

#[test]
fn events_of_other_names_are_skipped() {
    let body = "event: ping\ndata: now\n\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n";
    let events = streamed::<OpenAi>(&Transcript::new(200, body), Framing::Sse, DIALECT);
    assert_eq!(Answer::of(&events).text(0), "x");
}

#[test]
fn failures_inside_a_success() {
    let text = r#"{"choices":[{"index":0,"delta":{"content":"x"}}]}"#;
    let limited = r#"{"error":{"message":"slow down","code":429}}"#;
    let answer = check_end(&[text, limited, text], Some(FailureKind::RateLimited));
    assert_eq!(answer.text(0), "x");
    let failed = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"error"}],
        "usage":{"prompt_tokens":4,"completion_tokens":1},
        "error":{"message":"oops","type":"server_error"}}"#;
    let answer = check_end(&[text, failed], Some(FailureKind::Unavailable));
    assert_eq!(answer.usage[0].prompt_tokens, 4);

    let check_whole = |body: &str, expected| {
        let events = whole::<OpenAi>(&Transcript::new(200, body), DIALECT);
        check_contract(&events).unwrap();
        let failure = Answer::of(&events).failure.expect(body);
        assert_eq!(failure.kind, expected, "{body}");
    };
    check_whole(
        r#"{"error":{"message":"no","code":"insufficient_quota"}}"#,
        FailureKind::PaymentRequired,
    );
    check_whole(r#"{"error":"the backend is gone"}"#, FailureKind::Unavailable);
    check_whole(r#"{"id":"r","choices":[]}"#, FailureKind::Unavailable);
    check_whole("<html>", FailureKind::Unavailable);
    check_whole("[]", FailureKind::Unavailable);
}

#[test]
fn an_error_without_a_sentence_is_one_all_the_same() {
    for error in [json!({"code": 502}), json!({"type": "server_error", "message": ""})] {
        let answer = decode_stream(&[delta(json!({"content": "Hel"})), json!({"error": error})]);
        let failure = answer.failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Unavailable, "{error}");
        assert!(answer.finishes.is_empty());
    }
}
