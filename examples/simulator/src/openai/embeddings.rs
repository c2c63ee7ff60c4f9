//! Embeddings in OpenAI's format.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::flavour::{Flavour, Name};
use super::request::{not_read, unknown};
use crate::dialect::{Refusal, Served};
use crate::prompt::text_tokens;
use crate::{strict, vectors};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    model: String,
    input: Input,
    encoding_format: Option<Encoding>,
    #[serde(alias = "output_dimension")]
    dimensions: Option<usize>,
    #[serde(rename = "user")]
    _user: Option<String>,
    #[serde(rename = "output_dtype")]
    _dtype: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    Float,
    Base64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<String>),
    Tokens(Vec<u32>),
    ManyTokens(Vec<Vec<u32>>),
}

pub(super) fn serve(flavour: &Flavour, body: &[u8]) -> Result<Served, Refusal> {
    let request: Request =
        serde_json::from_slice(body).map_err(|error| match strict::unknown_field(&error) {
            Some(name) => unknown(flavour, &name),
            None => not_read(&error),
        })?;
    let tokens = |list: &Vec<u32>| format!("{list:?}");
    let texts = match &request.input {
        Input::One(text) => vec![text.clone()],
        Input::Many(texts) => texts.clone(),
        Input::Tokens(_) | Input::ManyTokens(_) if flavour.name == Name::Mistral => {
            return Err(Refusal::invalid("Input should be a valid string").param("input"));
        }
        Input::Tokens(list) => vec![tokens(list)],
        Input::ManyTokens(lists) => lists.iter().map(tokens).collect(),
    };
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(Refusal::invalid("'$.input' is invalid.").param("input"));
    }
    let base64 = request.encoding_format == Some(Encoding::Base64);
    let data = texts.iter().enumerate().map(|(index, text)| {
        let vector = vectors::vector(text, request.dimensions);
        let embedding = if base64 { Value::from(encoded(&vector)) } else { json!(vector) };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    let count = text_tokens(texts.iter().map(String::len).sum());
    let answer = json!({
        "object": "list",
        "data": data.collect::<Vec<_>>(),
        "model": request.model,
        "usage": {"prompt_tokens": count, "total_tokens": count},
    });
    Ok(Served { model: request.model, body: answer.to_string().into_bytes() })
}

fn encoded(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}
