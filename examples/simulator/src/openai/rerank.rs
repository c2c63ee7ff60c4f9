//! Ranking in the format that Cohere began and many took over.

use serde::Deserialize;
use serde_json::json;

use super::request::not_read;
use crate::dialect::{Refusal, Served};
use crate::prompt::text_tokens;
use crate::vectors;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    model: String,
    query: String,
    documents: Vec<String>,
    top_n: Option<usize>,
    #[serde(rename = "return_documents")]
    _return_documents: Option<bool>,
}

pub(super) fn serve(body: &[u8]) -> Result<Served, Refusal> {
    let request: Request = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    let ranking = vectors::ranking(&request.query, &request.documents, request.top_n);
    let results = ranking.iter().map(|(index, score)| {
        json!({"index": index, "relevance_score": score,
               "document": {"text": request.documents[*index]}})
    });
    let bytes: usize = request.documents.iter().map(String::len).sum();
    let answer = json!({
        "id": "rerank-simulated",
        "model": request.model,
        "results": results.collect::<Vec<_>>(),
        "usage": {"total_tokens": text_tokens(bytes + request.query.len())},
    });
    Ok(Served { model: request.model, body: answer.to_string().into_bytes() })
}
