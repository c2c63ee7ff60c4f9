//! A client of OpenAI's legacy completions: one prompt, and text.

use super::super::cases::{Bit, Case, Said};
use super::super::heard::{Blur, Finish, Heard, Part};
use super::{Speaker, append, data, string};
use serde_json::{Value, json};

pub(in super::super) struct Prompts;

impl Speaker for Prompts {
    fn name(&self) -> &'static str {
        "openai-completions"
    }

    fn lacks(&self, _: &Case, _: bool) -> Option<&'static str> {
        None
    }

    fn blur(&self) -> Blur {
        Blur { order: true, refusals: None, filters: Finish::Filter }
    }

    fn ask(&self, model: &str, case: &Case, history: &[Value], streaming: bool) -> (String, Value) {
        let mut body = json!({"model": model, "prompt": history[0], "stream": streaming,
            "max_tokens": case.max_tokens.unwrap_or(4096)});
        if let Some(stop) = case.stop {
            body["stop"] = json!(stop);
        }
        ("/v1/completions".into(), body)
    }

    fn say(&self, said: &Said, _: &Case, _: &Heard) -> Vec<Value> {
        match said {
            Said::User(bits) => match &bits[..] {
                [Bit::Text(text)] => vec![json!(text)],
                other => panic!("no prompt: {other:?}"),
            },
            Said::Results(_) => panic!("a prompt is no result"),
        }
    }

    fn fold(&self, stream: &str) -> Result<Value, String> {
        let mut answer = json!({"choices": [{"text": ""}]});
        for chunk in data(stream) {
            if let Some(message) = chunk["error"]["message"].as_str() {
                return Err(message.to_owned());
            }
            if !chunk["usage"].is_null() {
                answer["usage"] = chunk["usage"].clone();
            }
            let Some(told) = chunk["choices"].get(0) else { continue };
            append(&mut answer["choices"][0], "text", &told["text"]);
            if !told["finish_reason"].is_null() {
                answer["choices"][0]["finish_reason"] = told["finish_reason"].clone();
            }
        }
        Ok(answer)
    }

    fn hear(&self, answer: &Value) -> Heard {
        let choice = &answer["choices"][0];
        let finish = match choice["finish_reason"].as_str() {
            Some("stop") => Some(Finish::Stop),
            Some("length") => Some(Finish::Length),
            _ => None,
        };
        let usage = &answer["usage"];
        let cached = usage["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap_or(0);
        let usage = usage["prompt_tokens"].as_u64().zip(usage["completion_tokens"].as_u64());
        Heard {
            parts: vec![Part::Text(string(&choice["text"]))],
            ids: Vec::new(),
            finish,
            usage: usage.map(|(prompt, completion)| [prompt, completion, cached]),
        }
    }

    fn echo(&self, _: &Value) -> Vec<Value> {
        Vec::new()
    }

    fn error(&self, body: &Value, status: u16) -> String {
        super::chat::Chat.error(body, status)
    }
}
