//! Answers as the router gets them, whole and streamed.

use super::{FOREIGN, NATIVE, OpenAi};
use crate::testing::{check_broken, read_stream, read_whole};
use plugway_sdk::chat::*;
use plugway_sdk::testing::Answer;
use serde_json::{Value, json};

fn usage() -> Value {
    json!({"input_tokens": 9, "output_tokens": 7, "total_tokens": 16,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
        "output_tokens_details": {"reasoning_tokens": 3}})
}

fn response(status: &str, output: &[Value]) -> Value {
    json!({"id": "resp_1", "object": "response", "model": "m1", "status": status,
        "service_tier": "default", "error": null, "incomplete_details": null,
        "output": output, "usage": usage()})
}

fn reasoning() -> Value {
    json!({"id": "rs_1", "type": "reasoning", "encrypted_content": "E",
        "summary": [{"type": "summary_text", "text": "Weigh it"}]})
}

fn message() -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
        "phase": "commentary", "content": [{"type": "output_text", "text": "Let me see.",
            "annotations": [{"type": "url_citation", "url": "https://example.com", "title": "E",
                "start_index": 0, "end_index": 3}]}]})
}

fn call() -> Value {
    json!({"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1",
        "name": "f", "arguments": "{\"a\": 1}"})
}

fn at(kind: &str, place: u32, mut fields: Value) -> Value {
    fields["type"] = json!(kind);
    fields["output_index"] = json!(place);
    fields
}

/// Events of a stream with all three items, as OpenAI sends them.
fn events() -> Vec<Value> {
    let mut begun = response("in_progress", &[]);
    begun["usage"] = Value::Null;
    let added = |place, item| at("response.output_item.added", place, json!({ "item": item }));
    let done = |place, item| at("response.output_item.done", place, json!({ "item": item }));
    let note = message()["content"][0]["annotations"][0].clone();
    vec![
        json!({"type": "response.created", "response": begun}),
        added(0, json!({"id": "rs_1", "type": "reasoning", "summary": []})),
        at(
            "response.reasoning_summary_text.delta",
            0,
            json!({"summary_index": 0, "delta": "Weigh"}),
        ),
        at("response.reasoning_summary_text.delta", 0, json!({"summary_index": 0, "delta": " it"})),
        at(
            "response.reasoning_summary_text.done",
            0,
            json!({"summary_index": 0, "text": "Weigh it"}),
        ),
        done(0, reasoning()),
        added(1, json!({"id": "msg_1", "type": "message", "content": [], "phase": "commentary"})),
        at("response.output_text.delta", 1, json!({"content_index": 0, "delta": "Let me"})),
        at("response.output_text.delta", 1, json!({"content_index": 0, "delta": " see."})),
        at(
            "response.output_text.annotation.added",
            1,
            json!({"content_index": 0, "annotation": note}),
        ),
        at("response.output_text.done", 1, json!({"content_index": 0, "text": "Let me see."})),
        done(1, message()),
        added(
            2,
            json!({"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": ""}),
        ),
        at("response.function_call_arguments.delta", 2, json!({"delta": "{\"a\""})),
        at("response.function_call_arguments.delta", 2, json!({"delta": ": 1}"})),
        at("response.function_call_arguments.done", 2, json!({"arguments": "{\"a\": 1}"})),
        done(2, call()),
        json!({"type": "response.completed", "response": response("completed", &[reasoning(), message(), call()])}),
    ]
}

fn all() -> Value {
    response("completed", &[reasoning(), message(), call()])
}

#[test]
fn items_are_parts_whole_and_streamed() {
    let answer = read_whole::<OpenAi>(&all(), NATIVE);
    assert_eq!(answer, read_stream::<OpenAi>(&events(), NATIVE));
    let parts: Vec<_> = answer.parts.values().collect();
    let [thought, sealed, text, called] = parts[..] else { panic!("{parts:?}") };
    let format = || Some("openai-responses-v1".to_owned());
    assert_eq!(thought.body, PartBody::Reasoning(Reasoning::Summary("Weigh it".into())));
    assert_eq!((thought.id.as_deref(), &thought.format), (Some("rs_1"), &format()));
    assert_eq!(sealed.body, PartBody::Reasoning(Reasoning::Encrypted("E".into())));
    assert_eq!((sealed.id.as_deref(), &sealed.format), (Some("rs_1"), &format()));
    assert_eq!(text.body, PartBody::Text("Let me see.".into()));
    assert_eq!(text.extra, [("phase".into(), "\"commentary\"".into())]);
    assert_eq!(text.citations[0].span, Some((0, 3)));
    assert_eq!(called.body, PartBody::ToolCall(ToolCall::new("call_1", "f", "{\"a\": 1}")));
    assert_eq!(called.id.as_deref(), Some("fc_1"));
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::ToolCalls, "completed")]);
    let counted = Usage {
        prompt_tokens: 9,
        completion_tokens: 7,
        cache_read_tokens: 4,
        cache_write_tokens: 1,
        reasoning_tokens: 3,
        ..Usage::default()
    };
    assert_eq!(answer.usage, [counted]);
    assert_eq!(answer.origin.service_tier.as_deref(), Some("default"));
}

#[test]
fn native_fields_are_for_clients_of_the_format() {
    let foreign = read_stream::<OpenAi>(&events(), FOREIGN);
    assert_eq!(foreign, read_whole::<OpenAi>(&all(), FOREIGN));
    assert!(foreign.parts.values().all(|part| part.extra.is_empty()));
    let search = json!({"id": "ws_1", "type": "web_search_call", "status": "completed"});
    let drawn = json!({"id": "ig_1", "type": "image_generation_call", "result": "AAAA",
        "output_format": "jpeg"});
    let body = response("completed", &[search.clone(), drawn]);
    let native = read_whole::<OpenAi>(&body, NATIVE);
    let PartBody::Native(json) = &native.parts[&(0, 0)].body else { panic!("{native:?}") };
    assert_eq!(serde_json::from_str::<Value>(json).unwrap(), search);
    let foreign = read_whole::<OpenAi>(&body, FOREIGN);
    let PartBody::Media(image) = &foreign.parts[&(0, 0)].body else { panic!("{foreign:?}") };
    assert_eq!(image.mime.as_deref(), Some("image/jpeg"));
}

#[test]
fn a_server_that_only_tells_of_ends_is_read_alike() {
    let ends = events().into_iter().filter(|event| {
        let kind = event["type"].as_str().unwrap_or_default();
        kind.ends_with(".created")
            || kind == "response.output_item.done"
            || kind.ends_with(".completed")
    });
    let expected = read_whole::<OpenAi>(&all(), NATIVE);
    assert_eq!(read_stream::<OpenAi>(&ends.collect::<Vec<_>>(), NATIVE).parts, expected.parts);
    let last = events().pop().unwrap();
    assert_eq!(read_stream::<OpenAi>(&[last], NATIVE).parts, expected.parts);
}

#[test]
fn items_that_stay_open_past_the_next() {
    let text = |place, delta: &str| {
        at("response.output_text.delta", place, json!({"content_index": 0, "delta": delta}))
    };
    let data = [
        text(0, "a"),
        text(1, "x"),
        text(0, "b"),
        text(1, "y"),
        json!({"type": "response.completed", "response": response("completed", &[])}),
    ];
    let answer = read_stream::<OpenAi>(&data, FOREIGN);
    let texts: Vec<_> = answer.parts.values().map(|part| &part.body).collect();
    assert_eq!(texts, [&PartBody::Text("ab".into()), &PartBody::Text("xy".into())]);
}

#[test]
fn items_of_a_server_that_tells_no_places_are_told_apart() {
    let added = |name: &str| {
        json!({"type": "response.output_item.added", "item": {"type": "function_call",
            "call_id": format!("fc_{name}"), "name": name, "arguments": ""}})
    };
    let input = |name: &str, delta: &str| {
        json!({"type": "response.function_call_arguments.delta", "item_id": format!("fc_{name}"),
            "delta": delta})
    };
    let said = |delta: &str| json!({"type": "response.output_text.delta", "item_id": "msg_1", "delta": delta});
    let call = |name: &str, input: &str| {
        json!({"type": "function_call", "call_id": format!("fc_{name}"), "name": name,
            "arguments": input})
    };
    let text = json!({"type": "message", "id": "msg_1",
        "content": [{"type": "output_text", "text": "Both."}]});
    let items = [text, call("f", "{\"a\":1}"), call("g", "{}")];
    let data = [
        said("Bo"),
        said("th."),
        added("f"),
        input("f", "{\"a\""),
        input("f", ":1}"),
        added("g"),
        input("g", "{}"),
        json!({"type": "response.output_item.done", "item": items[2]}),
        json!({"type": "response.completed", "response": response("completed", &items)}),
    ];
    let answer = read_stream::<OpenAi>(&data, FOREIGN);
    let parts: Vec<_> = answer.parts.values().map(|part| part.body.clone()).collect();
    let call = |name: &str, input: &str| ToolCall::new(format!("fc_{name}"), name, input);
    let calls = [call("f", "{\"a\":1}"), call("g", "{}")].map(PartBody::ToolCall);
    assert_eq!(parts[0], PartBody::Text("Both.".into()));
    assert_eq!(parts[1..], calls);
}

#[test]
fn reasoning_of_which_nothing_is_shown_is_still_an_item() {
    let hidden = json!({"id": "rs_9", "type": "reasoning", "summary": []});
    let answer = read_whole::<OpenAi>(&response("completed", &[hidden, message()]), NATIVE);
    let first = &answer.parts[&(0, 0)];
    assert_eq!(first.body, PartBody::Reasoning(Reasoning::Summary(String::new())));
    assert_eq!(first.id.as_deref(), Some("rs_9"));
}

#[test]
fn reasoning_that_is_shown_beside_the_items_is_told_once() {
    let mut shown = response("completed", &[message()]);
    shown["reasoning"] = json!("Hm");
    let answer = read_whole::<OpenAi>(&shown, NATIVE);
    assert_eq!(answer.parts[&(0, 0)].body, PartBody::Reasoning(Reasoning::Text("Hm".into())));
    assert!(answer.origin.extra.iter().all(|(name, _)| name != "reasoning"));
    shown["reasoning"] = json!({"effort": "low"});
    let answer = read_whole::<OpenAi>(&shown, NATIVE);
    assert!(answer.origin.extra.iter().any(|(name, _)| name == "reasoning"));
}

#[test]
fn freeform_calls_refusals_and_probabilities() {
    let custom = json!({"id": "ctc_1", "type": "custom_tool_call", "call_id": "c", "name": "sh",
        "input": "ls"});
    let refusal = json!({"id": "msg_2", "type": "message",
        "content": [{"type": "refusal", "refusal": "No."}]});
    let likely = json!({"id": "msg_3", "type": "message", "content": [{"type": "output_text",
        "text": "a", "logprobs": [{"token": "a", "logprob": -0.5}]}]});
    let answer = read_whole::<OpenAi>(&response("completed", &[custom, refusal, likely]), FOREIGN);
    let expected = ToolCall { freeform: true, ..ToolCall::new("c", "sh", "ls") };
    assert_eq!(answer.parts[&(0, 0)].body, PartBody::ToolCall(expected));
    assert_eq!(answer.parts[&(0, 1)].body, PartBody::Refusal("No.".into()));
    assert!(answer.logprobs[&(0, 2)][0].contains("-0.5"));
    let input =
        |delta: &str| at("response.custom_tool_call_input.delta", 0, json!({ "delta": delta }));
    let added = json!({"type": "custom_tool_call", "call_id": "c", "name": "sh", "input": ""});
    let data = [
        at("response.output_item.added", 0, json!({ "item": added })),
        input("l"),
        input("s"),
        json!({"type": "response.completed", "response": response("completed", &[])}),
    ];
    assert_eq!(read_stream::<OpenAi>(&data, FOREIGN).calls(0), [("sh", "ls")]);
}

fn check_end(body: &Value, reason: FinishReason, native: &str) {
    let expected = [Finish::new(0, reason, native)];
    assert_eq!(read_whole::<OpenAi>(body, FOREIGN).finishes, expected);
    let kind = format!("response.{}", body["status"].as_str().unwrap());
    if !native.starts_with("queued") {
        let data = [json!({"type": kind, "response": body})];
        assert_eq!(read_stream::<OpenAi>(&data, FOREIGN).finishes, expected);
    }
}

#[test]
fn ends_of_responses() {
    let mut body = response("incomplete", &[message()]);
    body["incomplete_details"] = json!({"reason": "max_output_tokens"});
    check_end(&body, FinishReason::Length, "max_output_tokens");
    body["incomplete_details"] = json!({"reason": "content_filter"});
    check_end(&body, FinishReason::ContentFilter, "content_filter");
    check_end(&response("cancelled", &[]), FinishReason::Error, "cancelled");
    check_end(&response("completed", &[message()]), FinishReason::Stop, "completed");
    check_end(&response("queued", &[]), FinishReason::Paused, "queued");
}

fn failure(answer: &Answer) -> (FailureKind, Option<&str>) {
    let failure = answer.failure.as_ref().expect("a failure");
    (failure.kind, failure.code.as_deref())
}

#[test]
fn failures_inside_a_success() {
    let mut failed = response("failed", &[]);
    failed["error"] = json!({"code": "rate_limit_exceeded", "message": "slow down"});
    let answer = read_whole::<OpenAi>(&failed, FOREIGN);
    assert_eq!(failure(&answer), (FailureKind::RateLimited, Some("rate_limit_exceeded")));
    assert_eq!(answer.usage.len(), 1);
    let streamed =
        read_stream::<OpenAi>(&[json!({"type": "response.failed", "response": failed})], FOREIGN);
    assert_eq!(failure(&streamed), failure(&answer));
    for error in [
        json!({"type": "error", "code": "server_error", "message": "oops", "param": null}),
        json!({"type": "error", "error": {"type": "server_error", "code": "server_error", "message": "oops"}}),
    ] {
        let mut data = events()[..9].to_vec();
        data.push(error);
        let answer = read_stream::<OpenAi>(&data, FOREIGN);
        assert_eq!(failure(&answer), (FailureKind::Unavailable, Some("server_error")));
        assert_eq!(answer.text(0), "Let me see.");
    }
    let refused = json!({"error": {"message": "no", "code": "insufficient_quota"}});
    assert_eq!(failure(&read_whole::<OpenAi>(&refused, FOREIGN)).0, FailureKind::PaymentRequired);
}

#[test]
fn whatever_is_broken_keeps_the_contract() {
    for memo in [NATIVE, FOREIGN] {
        check_broken::<OpenAi>(&all(), &events(), memo);
    }
}

#[test]
fn what_nobody_counted_is_not_free() {
    for usage in [json!({}), json!(null), json!({"input_tokens": null, "num_sources_used": 1})] {
        let mut uncounted = response("completed", &[message()]);
        uncounted["usage"] = usage;
        assert_eq!(read_whole::<OpenAi>(&uncounted, FOREIGN).usage, []);
    }
}

#[test]
fn json_where_a_stream_belongs_is_read_as_what_it_is() {
    let whole = read_stream::<OpenAi>(&[response("completed", &[message(), call()])], FOREIGN);
    assert_eq!((whole.text(0).as_str(), whole.finishes.len()), ("Let me see.", 1));
    let error = json!({"error": {"message": "Busy.", "type": "overloaded_error"}});
    let failure = read_stream::<OpenAi>(&[error], FOREIGN).failure.unwrap();
    assert_eq!((failure.kind, &*failure.message), (FailureKind::Overloaded, "Busy."));
}
