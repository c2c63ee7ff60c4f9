//! A client of Anthropic's messages.

use super::super::cases::{Bit, Case, DOCUMENT, IMAGE, Said, image_url};
use super::super::heard::{Blur, Finish, Heard, Part};
use super::{Speaker, append, data, schema, string, tools};
use serde_json::{Value, json};

pub(super) struct Messages;

impl Speaker for Messages {
    fn name(&self) -> &'static str {
        "anthropic-messages"
    }

    fn lacks(&self, _case: &Case, _signs: bool) -> Option<&'static str> {
        None
    }

    fn blur(&self) -> Blur {
        // It has one word for both, and no part that is a refusal.
        let refused = Finish::Refused;
        Blur { order: false, refusals: Some(refused), filters: refused }
    }

    fn ask(&self, model: &str, case: &Case, history: &[Value], streaming: bool) -> (String, Value) {
        let mut body = json!({"model": model, "messages": history, "stream": streaming,
            "max_tokens": case.max_tokens.unwrap_or(4096)});
        if let Some(system) = case.system {
            body["system"] = match case.cache {
                true => json!([{"type": "text", "text": system,
                    "cache_control": {"type": "ephemeral"}}]),
                false => json!(system),
            };
        }
        if case.tools {
            let tools = tools().map(|(name, description, schema)| {
                json!({"name": name, "description": description, "input_schema": schema})
            });
            body["tools"] = json!(tools);
        }
        if case.schema {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema()}});
        }
        if case.reasoning {
            body["thinking"] = json!({"type": "enabled", "budget_tokens": 2048});
        }
        if let Some(stop) = case.stop {
            body["stop_sequences"] = json!([stop]);
        }
        ("/v1/messages".into(), body)
    }

    fn say(&self, said: &Said, case: &Case, heard: &Heard) -> Vec<Value> {
        let content: Vec<Value> = match said {
            Said::User(bits) => {
                let mut content: Vec<Value> = bits.iter().map(bit).collect();
                if let (Some(last), true) = (content.last_mut(), case.cache) {
                    last["cache_control"] = json!({"type": "ephemeral"});
                }
                content
            }
            Said::Results(given) => {
                let results = given.iter().zip(&heard.ids).map(|(given, id)| {
                    let content: Vec<Value> = given.content.iter().map(bit).collect();
                    json!({"type": "tool_result", "tool_use_id": id, "content": content,
                        "is_error": given.failed})
                });
                results.collect()
            }
        };
        vec![json!({"role": "user", "content": content})]
    }

    fn fold(&self, stream: &str) -> Result<Value, String> {
        let mut message = Value::Null;
        let mut open: Option<usize> = None;
        for event in data(stream) {
            match event["type"].as_str().unwrap() {
                "message_start" => message = event["message"].clone(),
                "content_block_start" => {
                    let content = message["content"].as_array_mut().unwrap();
                    assert!(open.is_none() && event["index"] == content.len(), "{event}");
                    open = Some(content.len());
                    content.push(event["content_block"].clone());
                }
                "content_block_delta" => {
                    let index = open.expect("a delta outside of a block");
                    assert_eq!(event["index"], index);
                    let block = &mut message["content"][index];
                    let delta = &event["delta"];
                    append(block, "text", &delta["text"]);
                    append(block, "thinking", &delta["thinking"]);
                    append(block, "signature", &delta["signature"]);
                    append(block, "partial", &delta["partial_json"]);
                }
                "content_block_stop" => {
                    let block = &mut message["content"][open.take().expect("no block is open")];
                    if block["type"] == "tool_use" {
                        let partial = string(&block["partial"]);
                        block.as_object_mut().unwrap().remove("partial");
                        if !partial.is_empty() {
                            block["input"] = serde_json::from_str(&partial).unwrap();
                        }
                    }
                }
                "message_delta" => {
                    for (field, value) in event["delta"].as_object().unwrap() {
                        message[field] = value.clone();
                    }
                    for (field, value) in event["usage"].as_object().unwrap() {
                        message["usage"][field] = value.clone();
                    }
                }
                "error" => return Err(string(&event["error"]["message"])),
                "message_stop" | "ping" => {}
                other => panic!("no event of the format: {other}"),
            }
        }
        assert!(stream.contains("event: message_stop"), "no end mark: {stream}");
        Ok(message)
    }

    fn hear(&self, answer: &Value) -> Heard {
        let mut heard = Heard::default();
        let reason = answer["stop_reason"].as_str();
        for block in answer["content"].as_array().into_iter().flatten() {
            match block["type"].as_str().unwrap() {
                "text" => heard.parts.push(Part::Text(string(&block["text"]))),
                "thinking" => heard.parts.push(Part::Reasoning(string(&block["thinking"]))),
                "tool_use" => {
                    heard.parts.push(Part::Call(string(&block["name"]), block["input"].clone()));
                    heard.ids.push(string(&block["id"]));
                }
                _ => {}
            }
        }
        heard.finish = match reason {
            Some("end_turn" | "stop_sequence") => Some(Finish::Stop),
            Some("tool_use") => Some(Finish::Tools),
            Some("max_tokens") => Some(Finish::Length),
            Some("refusal") => Some(Finish::Refused),
            _ => None,
        };
        let usage = &answer["usage"];
        heard.usage = usage["input_tokens"].as_u64().map(|input| {
            let count = |field: &str| usage[field].as_u64().unwrap_or(0);
            let read = count("cache_read_input_tokens");
            let prompt = input + read + count("cache_creation_input_tokens");
            [prompt, count("output_tokens"), read]
        });
        heard
    }

    fn echo(&self, answer: &Value) -> Vec<Value> {
        vec![json!({"role": "assistant", "content": answer["content"]})]
    }

    fn error(&self, body: &Value, _status: u16) -> String {
        assert_eq!(body["type"], "error", "{body}");
        assert!(body["error"]["type"].is_string(), "{body}");
        string(&body["error"]["message"])
    }
}

fn bit(bit: &Bit) -> Value {
    match bit {
        Bit::Text(text) => json!({"type": "text", "text": text}),
        Bit::Image => json!({"type": "image", "source":
            {"type": "base64", "media_type": "image/png", "data": IMAGE}}),
        Bit::Linked => json!({"type": "image", "source": {"type": "url", "url": image_url()}}),
        Bit::Document => json!({"type": "document", "source":
            {"type": "base64", "media_type": "application/pdf", "data": DOCUMENT}}),
    }
}
