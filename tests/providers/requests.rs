//! Requests to ask with, in the contract's types as JSON.

use serde_json::{Value, json};

/// A text, id or proof that is looked for in what is sent. It is base64, too.
pub(crate) const MARK: &str = "UGx1Z3dheU1hcms0dGVzdHM=";

/// A user says `hi`.
pub(crate) fn plain() -> Value {
    json!({
        "model": "", "dialect": "openai-chat", "headers": [],
        "messages": [said("User", vec![text("hi")])],
        "tools": [], "tool_choice": null, "parallel_tool_calls": null, "response_format": null,
        "sampling": {
            "temperature": null, "top_p": null, "top_k": null, "min_p": null, "top_a": null,
            "frequency_penalty": null, "presence_penalty": null, "repetition_penalty": null,
            "seed": null, "stop": [], "logit_bias": [], "top_logprobs": null,
        },
        "choices": 1, "max_tokens": null, "reasoning": null, "modalities": [],
        "verbosity": null, "service_tier": null, "user": null, "cache_key": null,
        "auto_cache": null, "streaming": false, "extra": [],
    })
}

/// The same with a tool at hand.
pub(crate) fn with_tool() -> Value {
    let mut request = plain();
    let schema = r#"{"type":"object","properties":{"x":{"type":"string"}},"required":["x"]}"#;
    request["tools"] = json!([{"Function": {
        "name": "look", "description": "Looks.", "parameters": schema, "strict": null,
        "cache": null, "extra": [],
    }}]);
    request
}

/// Two calls in one answer, and both results.
pub(crate) fn two_calls() -> Value {
    let mut request = with_tool();
    let call = |id: &str, x: &str| {
        let input = json!({"x": x}).to_string();
        part(json!({"ToolCall": {"id": id, "name": "look", "input": input, "freeform": false}}))
    };
    let result = |id: &str, found: &str| {
        part(json!({"ToolResult": {
            "call_id": id, "name": "look", "failed": false, "freeform": false,
            "content": [{"body": {"Text": found}, "extra": []}],
        }}))
    };
    request["messages"] = json!([
        said("User", vec![text("Look twice.")]),
        said("Assistant", vec![call("call_a", "one"), call("call_b", "two")]),
        said("Tool", vec![result("call_a", "1"), result("call_b", MARK)]),
    ]);
    request
}

/// A JSON schema as the form of the answer.
pub(crate) fn schema() -> Value {
    let schema = r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#;
    json!({"JsonSchema": {"name": "a", "description": null, "schema": schema, "strict": null}})
}

/// A user shows something.
pub(crate) fn showing(kind: &str, mime: &str, source: Value) -> Value {
    let mut request = plain();
    let media = json!({"kind": kind, "source": source, "mime": mime, "name": "it", "detail": null});
    let parts = vec![part(json!({"Media": media})), text("What is it?")];
    request["messages"] = json!([said("User", parts)]);
    request
}

/// An assistant's thought, which nobody signed, is sent back with its call.
pub(crate) fn thought() -> Value {
    let mut request = two_calls();
    set_thought(&mut request, part(json!({"Reasoning": {"Text": MARK}})));
    without_mark_in_results(&mut request);
    request
}

/// Proofs of this format: of a thought, of a call, and one that is all encrypted.
pub(crate) fn proofs(format: &str) -> [Value; 3] {
    let signed = |body: Value| {
        let mut part = part(body);
        part["signature"] = MARK.into();
        part["format"] = format.into();
        part["id"] = "rs_1".into();
        part
    };
    let mut thought = two_calls();
    set_thought(&mut thought, signed(json!({"Reasoning": {"Text": "I look."}})));
    let mut call = two_calls();
    call["messages"][1]["parts"][0]["signature"] = MARK.into();
    call["messages"][1]["parts"][0]["format"] = format.into();
    let mut encrypted = two_calls();
    let mut part = signed(json!({"Reasoning": {"Encrypted": MARK}}));
    part["signature"] = Value::Null;
    set_thought(&mut encrypted, part);
    let mut proofs = [thought, call, encrypted];
    proofs.iter_mut().for_each(without_mark_in_results);
    proofs
}

fn set_thought(request: &mut Value, thought: Value) {
    let parts = request["messages"][1]["parts"].as_array_mut().unwrap();
    parts.insert(0, thought);
}

fn without_mark_in_results(request: &mut Value) {
    request["messages"][2]["parts"][1]["body"]["ToolResult"]["content"][0]["body"] =
        json!({"Text": "2"});
}

fn text(words: &str) -> Value {
    part(json!({"Text": words}))
}

fn part(body: Value) -> Value {
    json!({
        "body": body, "id": null, "signature": null, "format": null, "citations": [],
        "cache": null, "extra": [],
    })
}

fn said(role: &str, parts: Vec<Value>) -> Value {
    json!({"role": role, "parts": parts, "name": null, "extra": []})
}
