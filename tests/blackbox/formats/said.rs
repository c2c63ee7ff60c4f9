//! What a client was answered, however it came.

use plugway_tests::{Answer, Streamed};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The same for a whole answer and for a stream.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) content: String,
    pub(super) reasoning: String,
    /// Name and arguments.
    pub(super) calls: Vec<(String, String)>,
    pub(super) refusal: String,
    /// Addresses of the sources.
    pub(super) sources: Vec<String>,
    pub(super) finish: Value,
    pub(super) usage: Value,
    /// The error, where it is one.
    pub(super) error: Value,
    /// The message as the client sends it back.
    pub(super) message: Value,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn sources(list: &Value) -> Vec<String> {
    let notes = list.as_array().into_iter().flatten();
    notes.map(|note| text(&note["url_citation"]["url"]).to_owned()).collect()
}

impl Said {
    pub(super) fn whole(answer: &Answer) -> Self {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let choice = &body["choices"][0];
        let message = choice["message"].clone();
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        let calls = calls.map(|call| {
            let function = &call["function"];
            (text(&function["name"]).to_owned(), text(&function["arguments"]).to_owned())
        });
        Self {
            status: answer.status,
            content: text(&message["content"]).to_owned(),
            reasoning: text(&message["reasoning"]).to_owned(),
            calls: calls.collect(),
            refusal: text(&message["refusal"]).to_owned(),
            sources: sources(&message["annotations"]),
            finish: choice["finish_reason"].clone(),
            usage: body["usage"].clone(),
            error: body["error"].clone(),
            message,
        }
    }

    pub(super) fn streamed(answer: Streamed) -> Self {
        let mut said = Self { status: answer.status, ..Self::default() };
        let mut details: Vec<Value> = Vec::new();
        let mut calls: BTreeMap<u64, Value> = BTreeMap::new();
        for chunk in &answer.chunks {
            let choice = &chunk["choices"][0];
            let delta = &choice["delta"];
            said.content += text(&delta["content"]);
            said.reasoning += text(&delta["reasoning"]);
            said.refusal += text(&delta["refusal"]);
            said.sources.extend(sources(&delta["annotations"]));
            details.extend(delta["reasoning_details"].as_array().cloned().unwrap_or_default());
            for bit in delta["tool_calls"].as_array().into_iter().flatten() {
                join(calls.entry(bit["index"].as_u64().unwrap()).or_default(), bit);
            }
            for (field, found) in [
                (&mut said.finish, &choice["finish_reason"]),
                (&mut said.usage, &chunk["usage"]),
                (&mut said.error, &chunk["error"]),
            ] {
                if !found.is_null() {
                    *field = found.clone();
                }
            }
        }
        let calls: Vec<Value> = calls.into_values().collect();
        said.calls = calls
            .iter()
            .map(|call| {
                let function = &call["function"];
                (text(&function["name"]).to_owned(), text(&function["arguments"]).to_owned())
            })
            .collect();
        said.message = json!({"role": "assistant", "content": said.content});
        if !details.is_empty() {
            said.message["reasoning_details"] = merged(details).into();
        }
        if !calls.is_empty() {
            said.message["tool_calls"] = calls.into();
        }
        said
    }
}

/// Adds a bit to the call that it is of.
fn join(call: &mut Value, bit: &Value) {
    if call.is_null() {
        *call = json!({"type": "function", "function": {"name": "", "arguments": ""}});
    }
    if bit["id"].is_string() {
        call["id"] = bit["id"].clone();
    }
    for field in ["name", "arguments"] {
        let joined = format!("{}{}", text(&call["function"][field]), text(&bit["function"][field]));
        call["function"][field] = joined.into();
    }
}

/// Details of the same index are one: their texts are joined, of the rest the last stands.
fn merged(bits: Vec<Value>) -> Vec<Value> {
    let mut whole: Vec<Value> = Vec::new();
    for bit in bits {
        let same =
            |known: &&mut Value| known["index"] == bit["index"] && known["type"] == bit["type"];
        let Some(known) = whole.iter_mut().find(same) else {
            whole.push(bit);
            continue;
        };
        for (name, value) in bit.as_object().unwrap() {
            let joined = match name.as_str() {
                "text" | "summary" | "data" => {
                    format!("{}{}", text(&known[name]), text(value)).into()
                }
                _ if value.is_null() => continue,
                _ => value.clone(),
            };
            known[name] = joined;
        }
    }
    whole
}
