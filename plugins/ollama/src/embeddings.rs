//! Embeddings: `POST api/embed`.

use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::{Failure, ResultBody, ResultPart, Usage};
use plugway_sdk::embeddings::{EmbedInput, EmbedRequest, EmbedResponse, Embeddings};
use plugway_sdk::provider::{Endpoint, UpstreamRequest, UpstreamResponse};
use serde::Deserialize;

use crate::errors::unreadable;
use crate::{DIALECT, Ollama};

#[derive(Deserialize)]
struct Answer {
    embeddings: Vec<Vec<f32>>,
    prompt_eval_count: Option<u64>,
}

impl Embeddings for Ollama {
    fn encode(request: EmbedRequest, _: Endpoint) -> Result<UpstreamRequest, Failure> {
        let input: Vec<Json<'_>> = request.input.iter().map(text).collect::<Result<_, _>>()?;
        let extra = if request.dialect == DIALECT { request.extra.as_slice() } else { &[] };
        let body = Object::new()
            .with("model", &request.model)
            .with("input", input)
            .with_some("dimensions", request.dimensions)
            .with_extra(extra)?;
        let mut upstream = UpstreamRequest::post_json("api/embed", Json::from(body).to_bytes()?);
        upstream.memo = request.input.len().to_string();
        Ok(upstream)
    }

    /// `memo` is the number of inputs.
    fn decode(response: UpstreamResponse, memo: String) -> Result<EmbedResponse, Failure> {
        let answer: Answer = serde_json::from_slice(&response.body).map_err(|_| unreadable())?;
        if memo.parse().is_ok_and(|expected: usize| expected != answer.embeddings.len()) {
            return Err(Failure::unavailable(
                "Ollama sent another number of vectors than asked for",
            ));
        }
        let usage = answer
            .prompt_eval_count
            .map(|prompt_tokens| Usage { prompt_tokens, ..Usage::default() });
        Ok(EmbedResponse { vectors: answer.embeddings, usage })
    }
}

fn text(input: &EmbedInput) -> Result<Json<'_>, Failure> {
    match input {
        EmbedInput::Text(text) => Ok(text.into()),
        EmbedInput::Parts(parts) => match parts.as_slice() {
            [ResultPart { body: ResultBody::Text(text), .. }] => Ok(text.into()),
            _ => Err(Failure::unsupported("Ollama embeds one text at a time, and no images")),
        },
        EmbedInput::Tokens(_) => Err(Failure::unsupported("Ollama embeds no lists of tokens")),
    }
}
