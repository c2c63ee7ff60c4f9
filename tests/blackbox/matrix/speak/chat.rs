//! A client of OpenAI's chat completions, with OpenRouter's additions.

use super::super::cases::{Bit, Case, DOCUMENT, IMAGE, Said, image_url};
use super::super::heard::{self, Blur, Finish, Heard, Part};
use super::{Speaker, append, data, schema, string, tools};
use serde_json::{Value, json};

pub(super) struct Chat;

impl Speaker for Chat {
    fn name(&self) -> &'static str {
        "openai-chat"
    }

    fn lacks(&self, _case: &Case, _signs: bool) -> Option<&'static str> {
        None
    }

    fn marks_failures(&self) -> bool {
        false
    }

    fn blur(&self) -> Blur {
        Blur { order: true, refusals: None, filters: Finish::Filter }
    }

    fn ask(&self, model: &str, case: &Case, history: &[Value], streaming: bool) -> (String, Value) {
        let mut messages = Vec::new();
        if let Some(system) = case.system {
            let content = match case.cache {
                true => json!([{"type": "text", "text": system,
                    "cache_control": {"type": "ephemeral"}}]),
                false => json!(system),
            };
            messages.push(json!({"role": "system", "content": content}));
        }
        messages.extend_from_slice(history);
        let mut body = json!({"model": model, "messages": messages, "stream": streaming,
            "max_tokens": case.max_tokens.unwrap_or(4096)});
        if case.tools {
            let tools = tools().map(|(name, description, parameters)| {
                json!({"type": "function", "function":
                    {"name": name, "description": description, "parameters": parameters}})
            });
            body["tools"] = json!(tools);
        }
        if case.schema {
            body["response_format"] = json!({"type": "json_schema",
                "json_schema": {"name": "place", "schema": schema(), "strict": true}});
        }
        if case.reasoning {
            body["reasoning"] = json!({"max_tokens": 2048, "summary": "auto"});
        }
        if let Some(stop) = case.stop {
            body["stop"] = json!([stop]);
        }
        ("/v1/chat/completions".into(), body)
    }

    fn say(&self, said: &Said, case: &Case, heard: &Heard) -> Vec<Value> {
        match said {
            Said::User(bits) => {
                let mut content: Vec<Value> = bits.iter().map(bit).collect();
                if let (Some(last), true) = (content.last_mut(), case.cache) {
                    last["cache_control"] = json!({"type": "ephemeral"});
                }
                vec![json!({"role": "user", "content": content})]
            }
            Said::Results(given) => {
                let results = given.iter().zip(&heard.ids);
                let message = |(given, id): (&super::super::cases::Given, &String)| {
                    let content: Vec<Value> = given.content.iter().map(bit).collect();
                    json!({"role": "tool", "tool_call_id": id, "content": content})
                };
                results.map(message).collect()
            }
        }
    }

    fn fold(&self, stream: &str) -> Result<Value, String> {
        let mut message = json!({"role": "assistant", "content": null});
        let (mut finish, mut usage) = (Value::Null, Value::Null);
        for chunk in data(stream) {
            if let Some(message) = chunk["error"]["message"].as_str() {
                return Err(message.to_owned());
            }
            if chunk["usage"].is_object() {
                usage = chunk["usage"].clone();
            }
            let choice = &chunk["choices"][0];
            for field in ["content", "reasoning", "refusal"] {
                append(&mut message, field, &choice["delta"][field]);
            }
            for (field, key) in [("tool_calls", "index"), ("reasoning_details", "index")] {
                for delta in choice["delta"][field].as_array().into_iter().flatten() {
                    grow(&mut message, field, delta[key].as_u64().unwrap() as usize, delta);
                }
            }
            if !choice["finish_reason"].is_null() {
                finish = choice["finish_reason"].clone();
            }
        }
        assert!(stream.ends_with("data: [DONE]\n\n"), "no end mark: {stream}");
        Ok(json!({"choices": [{"message": message, "finish_reason": finish}], "usage": usage}))
    }

    fn hear(&self, answer: &Value) -> Heard {
        let choice = &answer["choices"][0];
        let message = &choice["message"];
        let refused = message["refusal"].is_string();
        let mut parts = vec![
            Part::Reasoning(string(&message["reasoning"])),
            Part::Text(string(&message["content"])),
        ];
        parts.extend(message["refusal"].as_str().map(|text| Part::Refusal(text.into())));
        let calls: Vec<&Value> = message["tool_calls"].as_array().into_iter().flatten().collect();
        let call = |call: &&Value| {
            let function = &call["function"];
            Part::Call(string(&function["name"]), heard::json(&string(&function["arguments"])))
        };
        parts.extend(calls.iter().map(call));
        let finish = match choice["finish_reason"].as_str() {
            Some("stop") if refused => Some(Finish::Refused),
            Some("stop") => Some(Finish::Stop),
            Some("tool_calls") => Some(Finish::Tools),
            Some("length") => Some(Finish::Length),
            Some("content_filter") => Some(Finish::Filter),
            _ => None,
        };
        let usage = &answer["usage"];
        let count = |value: &Value| value.as_u64();
        let usage = count(&usage["prompt_tokens"]).map(|prompt| {
            let cached = &usage["prompt_tokens_details"]["cached_tokens"];
            [prompt, count(&usage["completion_tokens"]).unwrap(), count(cached).unwrap()]
        });
        Heard { parts, ids: calls.iter().map(|call| string(&call["id"])).collect(), finish, usage }
    }

    fn echo(&self, answer: &Value) -> Vec<Value> {
        vec![answer["choices"][0]["message"].clone()]
    }

    fn error(&self, body: &Value, status: u16) -> String {
        let error = &body["error"];
        assert_eq!(error["code"], status, "{body}");
        assert!(error["metadata"]["error_type"].is_string(), "{body}");
        string(&error["message"])
    }
}

/// Adds a delta to the item of that index.
fn grow(message: &mut Value, list: &str, index: usize, delta: &Value) {
    if message[list].is_null() {
        message[list] = json!([]);
    }
    let items = message[list].as_array_mut().unwrap();
    assert!(index <= items.len(), "an item before that of less index: {delta}");
    if index == items.len() {
        items.push(delta.clone());
        return;
    }
    for (field, value) in delta.as_object().unwrap() {
        match field.as_str() {
            "function" => append(&mut items[index]["function"], "arguments", &value["arguments"]),
            "text" | "summary" | "data" => append(&mut items[index], field, value),
            _ => items[index][field] = value.clone(),
        }
    }
}

fn bit(bit: &Bit) -> Value {
    match bit {
        Bit::Text(text) => json!({"type": "text", "text": text}),
        Bit::Image => {
            let url = format!("data:image/png;base64,{IMAGE}");
            json!({"type": "image_url", "image_url": {"url": url}})
        }
        Bit::Linked => json!({"type": "image_url", "image_url": {"url": image_url()}}),
        Bit::Document => {
            let data = format!("data:application/pdf;base64,{DOCUMENT}");
            json!({"type": "file", "file": {"filename": "a.pdf", "file_data": data}})
        }
    }
}
