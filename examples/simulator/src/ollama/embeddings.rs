//! Embeddings.

use serde::Deserialize;
use serde_json::{Value, json};

use super::request::not_read;
use crate::dialect::{Refusal, Served};
use crate::prompt::text_tokens;
use crate::vectors;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    model: String,
    input: Input,
    dimensions: Option<usize>,
    #[serde(rename = "truncate")]
    _truncate: Option<bool>,
    #[serde(rename = "keep_alive")]
    _keep_alive: Option<Value>,
    #[serde(rename = "options")]
    _options: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<String>),
}

pub(super) fn serve(body: &[u8]) -> Result<Served, Refusal> {
    let request: Request = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    let texts = match request.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
    };
    let vector = |text: &String| vectors::vector(text, request.dimensions);
    let answer = json!({
        "model": request.model,
        "embeddings": texts.iter().map(vector).collect::<Vec<_>>(),
        "total_duration": 5,
        "load_duration": 1,
        "prompt_eval_count": text_tokens(texts.iter().map(String::len).sum()),
    });
    Ok(Served { model: request.model, body: answer.to_string().into_bytes() })
}
