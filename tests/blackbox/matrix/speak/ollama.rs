//! A client of Ollama's own chat.

use super::super::cases::{Bit, Case, IMAGE, Said};
use super::super::heard::{Blur, Finish, Heard, Part};
use super::{Speaker, append, schema, string, tools};
use plugway_simulator::Say;
use serde_json::{Value, json};

pub(super) struct Ollama;

impl Speaker for Ollama {
    fn name(&self) -> &'static str {
        "ollama"
    }

    fn lacks(&self, case: &Case, signs: bool) -> Option<&'static str> {
        if case.has(&Bit::Linked) {
            Some("images are data")
        } else if case.has(&Bit::Document) {
            Some("it has no documents")
        } else if case.cache {
            Some("it has no cache breakpoints")
        } else if signs && case.reasoning && case.answers(|say| matches!(say, Say::Call { .. })) {
            Some("it has no place for the proof on reasoning")
        } else {
            None
        }
    }

    fn counts_cached(&self) -> bool {
        false
    }

    fn marks_failures(&self) -> bool {
        false
    }

    fn blur(&self) -> Blur {
        Blur { order: true, refusals: Some(Finish::Stop), filters: Finish::Filter }
    }

    fn ask(&self, model: &str, case: &Case, history: &[Value], streaming: bool) -> (String, Value) {
        let mut messages = Vec::new();
        if let Some(system) = case.system {
            messages.push(json!({"role": "system", "content": system}));
        }
        messages.extend_from_slice(history);
        let mut options = json!({"num_predict": case.max_tokens.unwrap_or(4096)});
        if let Some(stop) = case.stop {
            options["stop"] = json!([stop]);
        }
        let mut body = json!({"model": model, "messages": messages, "stream": streaming,
            "options": options});
        if case.tools {
            let tools = tools().map(|(name, description, parameters)| {
                json!({"type": "function", "function":
                    {"name": name, "description": description, "parameters": parameters}})
            });
            body["tools"] = json!(tools);
        }
        if case.schema {
            body["format"] = schema();
        }
        if case.reasoning {
            body["think"] = json!(true);
        }
        ("/api/chat".into(), body)
    }

    fn say(&self, said: &Said, _case: &Case, heard: &Heard) -> Vec<Value> {
        match said {
            Said::User(bits) => {
                vec![shown(json!({"role": "user", "content": text(bits)}), bits)]
            }
            Said::Results(given) => {
                let called = heard.parts.iter().filter_map(|part| match part {
                    Part::Call(name, _) => Some(name),
                    _ => None,
                });
                let results = given.iter().zip(called).map(|(given, name)| {
                    let bits = &given.content;
                    shown(json!({"role": "tool", "tool_name": name, "content": text(bits)}), bits)
                });
                results.collect()
            }
        }
    }

    fn fold(&self, stream: &str) -> Result<Value, String> {
        let mut message = json!({"role": "assistant", "content": ""});
        let mut last = Value::Null;
        for line in stream.lines() {
            assert!(last["done"] != true, "a line behind the last: {line}");
            last = serde_json::from_str(line).unwrap();
            if let Some(error) = last["error"].as_str() {
                return Err(error.to_owned());
            }
            append(&mut message, "content", &last["message"]["content"]);
            append(&mut message, "thinking", &last["message"]["thinking"]);
            for call in last["message"]["tool_calls"].as_array().into_iter().flatten() {
                if message["tool_calls"].is_null() {
                    message["tool_calls"] = json!([]);
                }
                message["tool_calls"].as_array_mut().unwrap().push(call.clone());
            }
        }
        assert_eq!(last["done"], true, "no end mark: {stream}");
        last["message"] = message;
        Ok(last)
    }

    fn hear(&self, answer: &Value) -> Heard {
        let message = &answer["message"];
        let mut heard = Heard {
            parts: vec![
                Part::Reasoning(string(&message["thinking"])),
                Part::Text(string(&message["content"])),
            ],
            ..Heard::default()
        };
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let function = &call["function"];
            heard.parts.push(Part::Call(string(&function["name"]), function["arguments"].clone()));
            heard.ids.push(String::new());
        }
        heard.finish = match answer["done_reason"].as_str() {
            Some("stop") if !heard.ids.is_empty() => Some(Finish::Tools),
            Some("stop") => Some(Finish::Stop),
            Some("length") => Some(Finish::Length),
            Some("content_filter") => Some(Finish::Filter),
            _ => None,
        };
        heard.usage = answer["prompt_eval_count"]
            .as_u64()
            .map(|prompt| [prompt, answer["eval_count"].as_u64().unwrap(), 0]);
        heard
    }

    fn echo(&self, answer: &Value) -> Vec<Value> {
        vec![answer["message"].clone()]
    }

    fn error(&self, body: &Value, _status: u16) -> String {
        string(&body["error"])
    }
}

/// The message, with its images.
fn shown(mut message: Value, bits: &[Bit]) -> Value {
    let images: Vec<&str> = bits.iter().filter(|bit| **bit == Bit::Image).map(|_| IMAGE).collect();
    if !images.is_empty() {
        message["images"] = json!(images);
    }
    message
}

fn text(bits: &[Bit]) -> String {
    let texts = bits.iter().filter_map(|bit| match bit {
        Bit::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}
