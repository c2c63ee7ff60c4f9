//! A client of OpenAI's responses, which keeps the conversation itself.

use super::super::cases::{Bit, Case, DOCUMENT, IMAGE, Said, image_url};
use super::super::heard::{self, Blur, Finish, Heard, Part};
use super::{Speaker, data, schema, string, tools};
use serde_json::{Value, json};

pub(super) struct Responses;

impl Speaker for Responses {
    fn name(&self) -> &'static str {
        "openai-responses"
    }

    fn lacks(&self, case: &Case, _signs: bool) -> Option<&'static str> {
        case.stop.map(|_| "it has no stop sequences")
    }

    fn marks_failures(&self) -> bool {
        false
    }

    fn blur(&self) -> Blur {
        Blur { order: false, refusals: None, filters: Finish::Filter }
    }

    fn ask(&self, model: &str, case: &Case, history: &[Value], streaming: bool) -> (String, Value) {
        let mut input = Vec::new();
        if let (Some(system), true) = (case.system, case.cache) {
            let content = marked(json!({"type": "input_text", "text": system}));
            input.push(json!({"type": "message", "role": "system", "content": [content]}));
        }
        input.extend_from_slice(history);
        let mut body = json!({"model": model, "input": input, "stream": streaming,
            "max_output_tokens": case.max_tokens.unwrap_or(4096),
            "include": ["reasoning.encrypted_content"]});
        if let (Some(system), false) = (case.system, case.cache) {
            body["instructions"] = json!(system);
        }
        if case.tools {
            let tools = tools().map(|(name, description, parameters)| {
                json!({"type": "function", "name": name, "description": description,
                    "parameters": parameters, "strict": false})
            });
            body["tools"] = json!(tools);
        }
        if case.schema {
            body["text"] = json!({"format": {"type": "json_schema", "name": "place",
                "schema": schema(), "strict": true}});
        }
        if case.reasoning {
            body["reasoning"] = json!({"effort": "medium", "summary": "auto"});
        }
        ("/v1/responses".into(), body)
    }

    fn say(&self, said: &Said, case: &Case, heard: &Heard) -> Vec<Value> {
        match said {
            Said::User(bits) => {
                let mut content: Vec<Value> = bits.iter().map(bit).collect();
                if let (Some(last), true) = (content.last_mut(), case.cache) {
                    *last = marked(last.take());
                }
                vec![json!({"type": "message", "role": "user", "content": content})]
            }
            Said::Results(given) => {
                let outputs = given.iter().zip(&heard.ids).map(|(given, id)| {
                    let output: Vec<Value> = given.content.iter().map(bit).collect();
                    json!({"type": "function_call_output", "call_id": id, "output": output})
                });
                outputs.collect()
            }
        }
    }

    fn fold(&self, stream: &str) -> Result<Value, String> {
        let mut done = Vec::new();
        let mut texts = String::new();
        let mut whole = Value::Null;
        for (event, number) in data(stream).zip(0_u64..) {
            assert_eq!(event["sequence_number"], number, "{event}");
            match event["type"].as_str().unwrap() {
                "response.output_text.delta" => texts += event["delta"].as_str().unwrap(),
                "response.output_item.done" => {
                    assert_eq!(event["output_index"], done.len(), "{event}");
                    done.push(event["item"].clone());
                }
                "response.completed" | "response.incomplete" => whole = event["response"].clone(),
                "response.failed" => {
                    return Err(string(&event["response"]["error"]["message"]));
                }
                "error" => {
                    let told = event["message"].as_str();
                    return Err(told
                        .unwrap_or_else(|| event["error"]["message"].as_str().unwrap())
                        .into());
                }
                _ => {}
            }
        }
        // An item may grow on after it was done, where its provider goes back to it.
        let ids = |items: &Value| -> Vec<String> {
            items.as_array().unwrap().iter().map(|item| string(&item["id"])).collect()
        };
        assert_eq!(ids(&whole["output"]), ids(&json!(done)), "what is done is what is told");
        let told: String =
            content(&whole).filter_map(|it| it["text"].as_str().map(str::to_owned)).collect();
        assert_eq!(texts, told, "the deltas are the text");
        Ok(whole)
    }

    fn hear(&self, answer: &Value) -> Heard {
        let mut heard = Heard::default();
        let mut refused = false;
        for item in answer["output"].as_array().into_iter().flatten() {
            match item["type"].as_str().unwrap() {
                "reasoning" => {
                    for field in ["summary", "content"] {
                        let texts = item[field].as_array().into_iter().flatten();
                        heard.parts.extend(texts.map(|it| Part::Reasoning(string(&it["text"]))));
                    }
                }
                "message" => {
                    for part in item["content"].as_array().unwrap() {
                        refused |= part["refusal"].is_string();
                        heard.parts.push(match part["refusal"].as_str() {
                            Some(refusal) => Part::Refusal(refusal.into()),
                            None => Part::Text(string(&part["text"])),
                        });
                    }
                }
                "function_call" => {
                    let input = heard::json(&string(&item["arguments"]));
                    heard.parts.push(Part::Call(string(&item["name"]), input));
                    heard.ids.push(string(&item["call_id"]));
                }
                _ => {}
            }
        }
        let why = answer["incomplete_details"]["reason"].as_str();
        heard.finish = match (answer["status"].as_str(), why) {
            (Some("completed"), _) if !heard.ids.is_empty() => Some(Finish::Tools),
            (Some("completed"), _) if refused => Some(Finish::Refused),
            (Some("completed"), _) => Some(Finish::Stop),
            (Some("incomplete"), Some("max_output_tokens")) => Some(Finish::Length),
            (Some("incomplete"), Some("content_filter")) => Some(Finish::Filter),
            _ => None,
        };
        let usage = &answer["usage"];
        heard.usage = usage["input_tokens"].as_u64().map(|input| {
            let cached = &usage["input_tokens_details"]["cached_tokens"];
            [input, usage["output_tokens"].as_u64().unwrap(), cached.as_u64().unwrap()]
        });
        heard
    }

    fn echo(&self, answer: &Value) -> Vec<Value> {
        answer["output"].as_array().cloned().unwrap_or_default()
    }

    fn error(&self, body: &Value, _status: u16) -> String {
        assert!(!body["error"]["code"].is_null(), "{body}");
        string(&body["error"]["message"])
    }
}

/// The part, with a breakpoint behind it.
fn marked(mut part: Value) -> Value {
    part["prompt_cache_breakpoint"] = json!({"mode": "explicit"});
    part
}

/// The parts of all messages.
fn content(answer: &Value) -> impl Iterator<Item = &Value> {
    let items = answer["output"].as_array().into_iter().flatten();
    let messages = items.filter(|item| item["type"] == "message");
    messages.flat_map(|item| item["content"].as_array().into_iter().flatten())
}

fn bit(bit: &Bit) -> Value {
    match bit {
        Bit::Text(text) => json!({"type": "input_text", "text": text}),
        Bit::Image => {
            let url = format!("data:image/png;base64,{IMAGE}");
            json!({"type": "input_image", "image_url": url, "detail": "auto"})
        }
        Bit::Linked => json!({"type": "input_image", "image_url": image_url(), "detail": "auto"}),
        Bit::Document => {
            let data = format!("data:application/pdf;base64,{DOCUMENT}");
            json!({"type": "input_file", "filename": "a.pdf", "file_data": data})
        }
    }
}
