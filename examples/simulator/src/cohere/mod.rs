//! Cohere's API, version 2: `chat`, `embed`, `rerank` and `models`.

mod answer;
mod others;
mod request;

use http::HeaderMap;
use http::request::Parts;
use serde_json::{Value, json};

use crate::dialect::{Answer, Dialect, Endpoint, Refusal, Served, set};
use crate::ids;
use crate::prompt::Prompt;
use crate::speech::{Limits, calls_last};
use crate::timeline::Frames;

/// The wire format.
#[derive(Debug)]
pub(crate) struct Cohere;

impl Dialect for Cohere {
    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let endpoints = [
            ("/chat", Endpoint::Chat),
            ("/embed", Endpoint::Embeddings),
            ("/rerank", Endpoint::Rerank),
            ("/models", Endpoint::Models),
        ];
        endpoints.iter().find(|(end, _)| path.ends_with(end)).map(|(_, endpoint)| *endpoint)
    }

    fn read(&self, _: &Parts, body: &[u8]) -> Result<Prompt, Refusal> {
        request::read(body)
    }

    fn limits(&self) -> Limits {
        Limits {
            order: calls_last,
            refusals: false,
            sealed: false,
            content_filter: false,
            ..Limits::NONE
        }
    }

    fn whole(&self, answer: &Answer<'_>, body: &mut Vec<u8>) {
        answer::whole(answer, body);
    }

    fn stream(&self, answer: &Answer<'_>, frames: &mut Frames) {
        answer::stream(answer, frames);
    }

    fn stream_type(&self) -> &'static str {
        "text/event-stream"
    }

    fn serve(&self, endpoint: Endpoint, _: &Parts, body: &[u8]) -> Result<Served, Refusal> {
        match endpoint {
            Endpoint::Rerank => others::rerank(body),
            _ => others::embed(body),
        }
    }

    fn refusal(&self, status: u16, model: &str) -> Refusal {
        let message = match status {
            401 => "invalid api token".to_owned(),
            402 => "Please add or update your payment method".to_owned(),
            404 => format!("model '{model}' not found, make sure the correct model ID was used"),
            429 => {
                "You are using a Trial key, which is limited to 10 API calls / minute".to_owned()
            }
            498 => "the request was blocked by our content filter".to_owned(),
            503 => "the service is overloaded, please try again later".to_owned(),
            500.. => "internal server error".to_owned(),
            _ => "invalid request".to_owned(),
        };
        Refusal::new(status, "", message)
    }

    fn missing_credential(&self) -> Refusal {
        Refusal::new(401, "", "no api key supplied")
    }

    fn unknown_endpoint(&self, _: &str, path: &str) -> Refusal {
        let known = self.endpoint(path).is_some();
        Refusal::new(if known { 405 } else { 404 }, "", format!("{path} does not exist"))
    }

    fn refusal_body(&self, refusal: &Refusal, request_id: &str) -> Vec<u8> {
        json!({"id": request_id, "message": refusal.message}).to_string().into_bytes()
    }

    /// What fails late ends its message with an error.
    fn error_frame(&self, refusal: &Refusal, _: &str) -> Vec<u8> {
        let end = json!({"type": "message-end", "delta": {
            "error": refusal.message, "finish_reason": "ERROR",
            "usage": {"billed_units": {"input_tokens": 0, "output_tokens": 0},
                      "tokens": {"input_tokens": 1, "output_tokens": 0}}}});
        format!("event: message-end\ndata: {end}\n\n").into_bytes()
    }

    fn broken_frame(&self) -> Vec<u8> {
        b"event: content-delta\ndata: {\"type\":\"content-del\n\n".to_vec()
    }

    fn models(&self, names: &[&str]) -> Vec<u8> {
        let model = |name: &&str| {
            json!({"name": name, "endpoints": ["chat"], "finetuned": false,
                   "context_length": 128_000.0, "features": null})
        };
        let models: Vec<Value> = names.iter().map(model).collect();
        json!({"models": models}).to_string().into_bytes()
    }

    fn request_id(&self, number: u64) -> String {
        ids::hex_id("", number)
    }

    fn set_headers(&self, headers: &mut HeaderMap, request_id: &str) {
        set(headers, "x-debug-trace-id", request_id);
    }
}
