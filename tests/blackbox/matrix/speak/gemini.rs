//! A client of Gemini's `generateContent`.

use super::super::cases::{Bit, Case, DOCUMENT, IMAGE, Said, image_url};
use super::super::heard::{Blur, Finish, Heard, Part};
use super::{Speaker, data, schema, string, tools};
use serde_json::{Value, json};

pub(super) struct Gemini;

impl Speaker for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn lacks(&self, case: &Case, _signs: bool) -> Option<&'static str> {
        case.cache.then_some("it has no cache breakpoints")
    }

    fn blur(&self) -> Blur {
        Blur { order: false, refusals: Some(Finish::Stop), filters: Finish::Filter }
    }

    fn ask(&self, model: &str, case: &Case, history: &[Value], streaming: bool) -> (String, Value) {
        let mut generation = json!({"maxOutputTokens": case.max_tokens.unwrap_or(4096)});
        if case.schema {
            generation["responseMimeType"] = json!("application/json");
            generation["responseJsonSchema"] = schema();
        }
        if case.reasoning {
            generation["thinkingConfig"] = json!({"includeThoughts": true, "thinkingBudget": 2048});
        }
        if let Some(stop) = case.stop {
            generation["stopSequences"] = json!([stop]);
        }
        let mut body = json!({"contents": history, "generationConfig": generation});
        if let Some(system) = case.system {
            body["systemInstruction"] = json!({"parts": [{"text": system}]});
        }
        if case.tools {
            let tools = tools().map(|(name, description, schema)| {
                json!({"name": name, "description": description, "parametersJsonSchema": schema})
            });
            body["tools"] = json!([{"functionDeclarations": tools}]);
        }
        let method = if streaming { "streamGenerateContent?alt=sse" } else { "generateContent" };
        (format!("/v1beta/models/{model}:{method}"), body)
    }

    fn say(&self, said: &Said, _case: &Case, heard: &Heard) -> Vec<Value> {
        let parts: Vec<Value> = match said {
            Said::User(bits) => bits.iter().map(bit).collect(),
            Said::Results(given) => {
                let called = heard.parts.iter().filter_map(|part| match part {
                    Part::Call(name, _) => Some(name),
                    _ => None,
                });
                let results = given.iter().zip(called).zip(&heard.ids);
                results.map(|((given, name), id)| result(given, name, id)).collect()
            }
        };
        vec![json!({"role": "user", "parts": parts})]
    }

    fn fold(&self, stream: &str) -> Result<Value, String> {
        let mut whole = Value::Null;
        let mut parts: Vec<Value> = Vec::new();
        for chunk in data(stream) {
            if let Some(message) = chunk["error"]["message"].as_str() {
                return Err(message.to_owned());
            }
            parts.extend(
                chunk["candidates"][0]["content"]["parts"]
                    .as_array()
                    .cloned()
                    .into_iter()
                    .flatten(),
            );
            if whole.is_null() {
                whole = chunk;
                continue;
            }
            for (field, value) in chunk.as_object().unwrap() {
                if field != "candidates" {
                    whole[field] = value.clone();
                }
            }
            let reason = &chunk["candidates"][0]["finishReason"];
            if !reason.is_null() {
                whole["candidates"][0]["finishReason"] = reason.clone();
            }
        }
        whole["candidates"][0]["content"]["parts"] = json!(joined(parts));
        Ok(whole)
    }

    fn hear(&self, answer: &Value) -> Heard {
        let mut heard = Heard::default();
        let candidate = &answer["candidates"][0];
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            if part["thought"] == true {
                heard.parts.push(Part::Reasoning(string(&part["text"])));
            } else if let Some(text) = part["text"].as_str() {
                heard.parts.push(Part::Text(text.into()));
            } else if part["functionCall"].is_object() {
                let call = &part["functionCall"];
                heard.parts.push(Part::Call(string(&call["name"]), call["args"].clone()));
                heard.ids.push(string(&call["id"]));
            }
        }
        let blocked = answer["promptFeedback"]["blockReason"].is_string();
        heard.finish = match candidate["finishReason"].as_str() {
            Some("STOP") if !heard.ids.is_empty() => Some(Finish::Tools),
            Some("STOP") => Some(Finish::Stop),
            Some("MAX_TOKENS") => Some(Finish::Length),
            Some("SAFETY" | "PROHIBITED_CONTENT" | "RECITATION" | "BLOCKLIST") => {
                Some(Finish::Filter)
            }
            None if blocked => Some(Finish::Filter),
            _ => None,
        };
        let usage = &answer["usageMetadata"];
        heard.usage = usage["promptTokenCount"].as_u64().map(|prompt| {
            let count = |field: &str| usage[field].as_u64().unwrap_or(0);
            let completion = count("candidatesTokenCount") + count("thoughtsTokenCount");
            [prompt, completion, count("cachedContentTokenCount")]
        });
        heard
    }

    fn echo(&self, answer: &Value) -> Vec<Value> {
        vec![answer["candidates"][0]["content"].clone()]
    }

    fn error(&self, body: &Value, status: u16) -> String {
        assert_eq!(body["error"]["code"], status, "{body}");
        assert!(body["error"]["status"].is_string(), "{body}");
        string(&body["error"]["message"])
    }
}

fn result(given: &super::super::cases::Given, name: &str, id: &str) -> Value {
    let field = if given.failed { "error" } else { "output" };
    let text = given.content.iter().find_map(|bit| match bit {
        Bit::Text(text) => Some(text),
        _ => None,
    });
    let mut response = json!({"name": name, "response": {field: text}});
    if !id.is_empty() {
        response["id"] = json!(id);
    }
    let media: Vec<Value> =
        given.content.iter().filter(|it| !matches!(it, Bit::Text(_))).map(bit).collect();
    if !media.is_empty() {
        response["parts"] = json!(media);
    }
    json!({"functionResponse": response})
}

/// Texts of one kind that follow each other are one part, which has the last proof.
fn joined(parts: Vec<Value>) -> Vec<Value> {
    let mut joined: Vec<Value> = Vec::new();
    for part in parts {
        let plain = |part: &Value| part["text"].is_string();
        match joined.last_mut() {
            Some(last)
                if plain(last)
                    && plain(&part)
                    && last["thought"] == part["thought"]
                    && last["thoughtSignature"].is_null() =>
            {
                last["text"] = json!(string(&last["text"]) + &string(&part["text"]));
                if part["thoughtSignature"].is_string() {
                    last["thoughtSignature"] = part["thoughtSignature"].clone();
                }
            }
            _ => joined.push(part),
        }
    }
    joined
}

fn bit(bit: &Bit) -> Value {
    match bit {
        Bit::Text(text) => json!({"text": text}),
        Bit::Image => json!({"inlineData": {"mimeType": "image/png", "data": IMAGE}}),
        Bit::Linked => json!({"fileData": {"mimeType": "image/png", "fileUri": image_url()}}),
        Bit::Document => json!({"inlineData": {"mimeType": "application/pdf", "data": DOCUMENT}}),
    }
}
