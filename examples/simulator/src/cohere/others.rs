//! Embeddings and rankings.

use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{invalid, not_read};
use crate::dialect::{Refusal, Served};
use crate::prompt::text_tokens;
use crate::vectors;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Embed {
    model: String,
    texts: Option<Vec<String>>,
    images: Option<Vec<String>>,
    inputs: Option<Vec<Value>>,
    output_dimension: Option<usize>,
    #[serde(rename = "input_type")]
    _input_type: String,
    #[serde(rename = "embedding_types")]
    _embedding_types: Option<Vec<String>>,
    #[serde(rename = "truncate")]
    _truncate: Option<String>,
    #[serde(rename = "max_tokens")]
    _max_tokens: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rerank {
    model: String,
    query: String,
    documents: Vec<String>,
    top_n: Option<usize>,
    #[serde(rename = "max_tokens_per_doc")]
    _max_tokens_per_doc: Option<u32>,
    #[serde(rename = "priority")]
    _priority: Option<u32>,
}

pub(super) fn embed(body: &[u8]) -> Result<Served, Refusal> {
    let request: Embed = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    let mixed = request.inputs.map(|list| list.iter().map(Value::to_string).collect());
    let inputs = [request.texts, request.images, mixed];
    let inputs: Vec<Vec<String>> = inputs.into_iter().flatten().collect();
    let [inputs] = &inputs[..] else {
        return Err(invalid("one of texts, images and inputs must be given"));
    };
    let vector = |text: &String| vectors::vector(text, request.output_dimension);
    let vectors: Vec<Vec<f32>> = inputs.iter().map(vector).collect();
    let count = text_tokens(inputs.iter().map(String::len).sum());
    let answer = json!({
        "id": "embed-simulated",
        "embeddings": {"float": vectors},
        "texts": inputs,
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": count}},
    });
    Ok(Served { model: request.model, body: answer.to_string().into_bytes() })
}

pub(super) fn rerank(body: &[u8]) -> Result<Served, Refusal> {
    let request: Rerank = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    let ranking = vectors::ranking(&request.query, &request.documents, request.top_n);
    let result = |(index, score): &(usize, f64)| json!({"index": index, "relevance_score": score});
    let answer = json!({
        "id": "rerank-simulated",
        "results": ranking.iter().map(result).collect::<Vec<_>>(),
        "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}},
    });
    Ok(Served { model: request.model, body: answer.to_string().into_bytes() })
}
