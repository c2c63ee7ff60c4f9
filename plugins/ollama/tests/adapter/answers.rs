//! Answers: each one whole and streamed, read alike.

use ollama::Ollama;
use plugway_sdk::chat::{Finish, FinishReason, Origin, Part, ToolCall, Usage};
use plugway_sdk::provider::Framing;
use plugway_sdk::testing::{Answer, Transcript, check_contract, streamed, whole};
use serde_json::{Value, json};

use crate::NATIVE;

const OPENAI: &str = "openai-chat";

/// The answer that these messages stream and this one is whole, which is the same
/// both ways.
#[track_caller]
fn answer(message: Value, bits: &[Value], memo: &str) -> Answer {
    let body = last(json!({"message": message}));
    let from_whole = whole::<Ollama>(&Transcript::new(200, body.to_string()), memo);
    check_contract(&from_whole).unwrap();
    let mut lines: Vec<Value> = bits.iter().map(|bit| line(json!({"message": bit}))).collect();
    lines.push(last(json!({"message": {"role": "assistant", "content": ""}})));
    let from_stream = streamed::<Ollama>(&ndjson(&lines), Framing::Ndjson, memo);
    check_contract(&from_stream).unwrap();
    let answer = Answer::of(&from_whole);
    assert_eq!(Answer::of(&from_stream), answer);
    answer
}

fn line(fields: Value) -> Value {
    let mut line =
        json!({"model": "tiny:1b", "created_at": "2026-01-02T03:04:05.6Z", "done": false});
    for (name, value) in fields.as_object().unwrap() {
        line[name] = value.clone();
    }
    line
}

fn last(fields: Value) -> Value {
    let mut last = line(json!({
        "done": true, "done_reason": "stop", "total_duration": 12345678901_u64,
        "prompt_eval_count": 9, "prompt_eval_duration": 7, "eval_count": 4,
    }));
    for (name, value) in fields.as_object().unwrap() {
        last[name] = value.clone();
    }
    last
}

fn ndjson(lines: &[Value]) -> Transcript {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    Transcript::new(200, lines.join("\r\n"))
}

fn said(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

fn parts(answer: Answer) -> Vec<Part> {
    answer.parts.into_values().collect()
}

#[test]
fn text() {
    let bits = [said("Hé, "), said(""), said("wörld")];
    let answer = answer(said("Hé, wörld"), &bits, OPENAI);
    let model = Some("tiny:1b".into());
    assert_eq!(answer.origin, Origin { model, ..Origin::default() });
    let usage = Usage { prompt_tokens: 9, completion_tokens: 4, ..Usage::default() };
    assert_eq!(answer.usage, [usage]);
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::Stop, "stop")]);
    assert_eq!(parts(answer), [Part::text("Hé, wörld")]);
}

#[test]
fn thoughts_text_and_calls() {
    let call = |id: Value, arguments: Value| json!({"id": id, "function": {"index": 0, "name": "look", "arguments": arguments}});
    let calls = json!([call(json!("call_x"), json!({"z": 1})), call(json!(null), json!({}))]);
    let bits = [
        json!({"content": "", "thinking": "Let me"}),
        json!({"content": "", "thinking": " see."}),
        said("I look."),
        json!({"content": "", "tool_calls": [calls[0]]}),
        json!({"content": "", "tool_calls": [calls[1]]}),
    ];
    let message = json!({"content": "I look.", "thinking": "Let me see.", "tool_calls": calls});
    let answer = answer(message, &bits, OPENAI);
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::ToolCalls, "stop")]);
    let expected = [
        Part::reasoning("Let me see."),
        Part::text("I look."),
        ToolCall::new("call_x", "look", r#"{"z":1}"#).into(),
        ToolCall::new("call_202601020304056_1", "look", "{}").into(),
    ];
    assert_eq!(parts(answer), expected);
}

#[test]
fn input_of_calls_is_kept_byte_for_byte() {
    let arguments = r#"{ "z": 1.50, "a": "\u003c", "n": 12345678901234567890123 }"#;
    let body = format!(
        r#"{{"message":{{"tool_calls":[{{"function":{{"name":"look","arguments":{arguments}}}}},
            {{"function":{{"name":"look","arguments":"{{\"as\":\"text\"}}"}}}},
            {{"function":{{"name":"look"}}}}]}},"done":true}}"#
    );
    let answer = Answer::of(&whole::<Ollama>(&Transcript::new(200, body), OPENAI));
    let inputs: Vec<&str> = answer.calls(0).into_iter().map(|(_, input)| input).collect();
    assert_eq!(inputs, [arguments, r#"{"as":"text"}"#, "{}"]);
}

#[test]
fn calls_of_one_id_get_ids_of_their_own() {
    let call = json!({"id": "c", "function": {"name": "look", "arguments": {}}});
    let message = json!({"tool_calls": [call, call]});
    let answer = answer(message.clone(), &[message], OPENAI);
    let expected = ["c", "call_202601020304056_1"].map(|id| ToolCall::new(id, "look", "{}").into());
    assert_eq!(parts(answer), expected);
}

#[test]
fn ends() {
    let cases = [
        ("stop", FinishReason::Stop),
        ("length", FinishReason::Length),
        ("load", FinishReason::Stop),
        ("unload", FinishReason::Stop),
        ("a word of the future", FinishReason::Stop),
    ];
    for (word, reason) in cases {
        let body = last(json!({"message": said(""), "done_reason": word}));
        let answer = Answer::of(&whole::<Ollama>(&Transcript::new(200, body.to_string()), OPENAI));
        assert_eq!(answer.finishes, [Finish::new(0, reason, word)]);
    }
}

#[test]
fn a_count_without_the_prompt_is_no_usage() {
    let usage = |counts: Value| {
        let mut body = line(json!({"message": said("a"), "done": true}));
        for (name, value) in counts.as_object().unwrap() {
            body[name] = value.clone();
        }
        Answer::of(&whole::<Ollama>(&Transcript::new(200, body.to_string()), OPENAI)).usage
    };
    assert_eq!(usage(json!({})), []);
    assert_eq!(usage(json!({"eval_count": 4})), []);
    assert_eq!(usage(json!({"eval_count": 4, "prompt_eval_count": null})), []);
    let prompt = Usage { prompt_tokens: 9, ..Usage::default() };
    assert_eq!(usage(json!({"prompt_eval_count": 9})), [prompt]);
}

#[test]
fn native_fields_reach_clients_of_the_same_dialect_alone() {
    let native = answer(said("a"), &[said("a")], NATIVE).origin.extra;
    let expected = [("prompt_eval_duration", "7"), ("total_duration", "12345678901")]
        .map(|(name, json)| (name.to_owned(), json.to_owned()));
    assert_eq!(native, expected);
    assert_eq!(answer(said("a"), &[said("a")], OPENAI).origin.extra, []);
}

#[test]
fn log_probabilities_are_made_complete() {
    let first = json!([{"token": "H", "logprob": -0.5, "top_logprobs": [
        {"token": "H", "logprob": -0.5}, {"token": "é", "logprob": -1.5, "bytes": [9]},
    ]}]);
    let half = json!([{"token": "", "logprob": -0.25, "bytes": [195]}]);
    let thought = json!([{"token": "hm", "logprob": -1.0}]);
    let lines = [
        line(json!({"message": {"thinking": "hm", "content": ""}, "logprobs": thought})),
        line(json!({"message": said("H"), "logprobs": first})),
        line(json!({"message": said(""), "logprobs": half})),
        last(json!({"message": said(""), "logprobs": []})),
    ];
    let events = streamed::<Ollama>(&ndjson(&lines), Framing::Ndjson, OPENAI);
    check_contract(&events).unwrap();
    let answer = Answer::of(&events);
    let read = |place: u32| -> Vec<Value> {
        let lists = answer.logprobs[&(0, place)].iter();
        lists.flat_map(|list| serde_json::from_str::<Vec<Value>>(list).unwrap()).collect()
    };
    let token = |token: &str, logprob: f64, bytes: Value, more: Value| json!({"token": token, "logprob": logprob, "bytes": bytes, "top_logprobs": more});
    assert_eq!(read(0), [token("hm", -1.0, json!([104, 109]), json!([]))]);
    let alternatives = json!([
        {"token": "H", "logprob": -0.5, "bytes": [72]},
        {"token": "é", "logprob": -1.5, "bytes": [9]},
    ]);
    let expected =
        [token("H", -0.5, json!([72]), alternatives), token("", -0.25, json!([195]), json!([]))];
    assert_eq!(read(1), expected);
}
