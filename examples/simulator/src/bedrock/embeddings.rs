//! Embeddings: Titan's and Cohere's models, told apart by name.

use serde::Deserialize;
use serde_json::{Value, json};

use super::request::not_read;
use crate::dialect::{Refusal, Served};
use crate::prompt::text_tokens;
use crate::vectors;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Titan {
    input_text: Option<String>,
    input_image: Option<String>,
    dimensions: Option<usize>,
    #[serde(rename = "normalize")]
    _normalize: Option<bool>,
    #[serde(rename = "embeddingConfig")]
    _embedding_config: Option<Value>,
    #[serde(rename = "embeddingTypes")]
    _embedding_types: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cohere {
    texts: Option<Vec<String>>,
    images: Option<Vec<String>>,
    output_dimension: Option<usize>,
    #[serde(rename = "input_type")]
    _input_type: String,
    #[serde(rename = "embedding_types")]
    _embedding_types: Option<Value>,
    #[serde(rename = "truncate")]
    _truncate: Option<String>,
}

pub(super) fn serve(body: &[u8], model: String) -> Result<Served, Refusal> {
    let answer = if model.contains("cohere") {
        let request: Cohere = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
        let texts = request.texts.or(request.images).unwrap_or_default();
        let vector = |text: &String| vectors::vector(text, request.output_dimension);
        json!({
            "id": "embed-simulated",
            "embeddings": texts.iter().map(vector).collect::<Vec<_>>(),
            "texts": texts,
            "response_type": "embeddings_floats",
        })
    } else {
        let request: Titan = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
        let said = [request.input_text, request.input_image].into_iter().flatten();
        let said: String = said.collect();
        json!({
            "embedding": vectors::vector(&said, request.dimensions),
            "inputTextTokenCount": text_tokens(said.len()),
        })
    };
    Ok(Served { model, body: answer.to_string().into_bytes() })
}
