//! OpenAI's responses: `POST /v1/responses`, its count of tokens, and `GET /v1/models`.

mod answer;
mod items;
mod request;
mod stream;

use http::HeaderMap;
use http::request::Parts;
use serde_json::json;

use crate::dialect::{Answer, Dialect, Endpoint, Refusal, Served};
use crate::openai::OPENAI;
use crate::prompt::Prompt;
use crate::speech::Limits;
use crate::timeline::Frames;

/// The wire format, which has errors, models and headers from OpenAI's older one.
#[derive(Debug)]
pub(crate) struct Responses;

impl Dialect for Responses {
    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let endpoints = [
            ("/responses", Endpoint::Chat),
            ("/responses/input_tokens", Endpoint::Count),
            ("/embeddings", Endpoint::Embeddings),
            ("/models", Endpoint::Models),
        ];
        endpoints.iter().find(|(end, _)| path.ends_with(end)).map(|(_, endpoint)| *endpoint)
    }

    fn read(&self, _: &Parts, body: &[u8]) -> Result<Prompt, Refusal> {
        request::read(body)
    }

    fn limits(&self) -> Limits {
        Limits::NONE
    }

    fn whole(&self, answer: &Answer<'_>, body: &mut Vec<u8>) {
        let response = answer::response(answer);
        body.extend_from_slice(response.to_string().as_bytes());
    }

    fn stream(&self, answer: &Answer<'_>, frames: &mut Frames) {
        stream::stream(answer, frames);
    }

    fn serve(&self, endpoint: Endpoint, head: &Parts, body: &[u8]) -> Result<Served, Refusal> {
        if endpoint != Endpoint::Count {
            return OPENAI.serve(endpoint, head, body);
        }
        let prompt = request::read(body)?;
        let count = json!({"object": "response.input_tokens", "input_tokens": prompt.tokens()});
        Ok(Served { model: prompt.model, body: count.to_string().into_bytes() })
    }

    fn refusal(&self, status: u16, model: &str) -> Refusal {
        OPENAI.refusal(status, model)
    }

    fn missing_credential(&self) -> Refusal {
        OPENAI.missing_credential()
    }

    fn unknown_endpoint(&self, method: &str, path: &str) -> Refusal {
        OPENAI.unknown_endpoint(method, path)
    }

    fn refusal_body(&self, refusal: &Refusal, request_id: &str) -> Vec<u8> {
        OPENAI.refusal_body(refusal, request_id)
    }

    fn error_frame(&self, refusal: &Refusal, _: &str) -> Vec<u8> {
        let error = json!({
            "type": "error",
            "code": refusal.code.unwrap_or(refusal.kind),
            "message": refusal.message,
            "param": refusal.param,
            "sequence_number": 99,
        });
        format!("event: error\ndata: {error}\n\n").into_bytes()
    }

    fn broken_frame(&self) -> Vec<u8> {
        b"event: response.output_text.delta\ndata: {\"type\":\"response.outp\n\n".to_vec()
    }

    fn models(&self, names: &[&str]) -> Vec<u8> {
        OPENAI.models(names)
    }

    fn request_id(&self, number: u64) -> String {
        OPENAI.request_id(number)
    }

    fn set_headers(&self, headers: &mut HeaderMap, request_id: &str) {
        OPENAI.set_headers(headers, request_id);
    }
}
