//! Ollama's own API: `api/chat`, `api/embed` and `api/tags`.

mod answer;
mod embeddings;
mod request;

use http::HeaderMap;
use http::request::Parts;
use serde_json::{Value, json};

use crate::dialect::{Answer, Dialect, Endpoint, Refusal, Served, bearer};
use crate::ids;
use crate::prompt::Prompt;
use crate::speech::{Limits, by_field};
use crate::timeline::Frames;

/// The wire format: a line of JSON for each bit.
#[derive(Debug)]
pub(crate) struct Ollama;

impl Dialect for Ollama {
    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let endpoints = [
            ("/api/chat", Endpoint::Chat),
            ("/api/embed", Endpoint::Embeddings),
            ("/api/tags", Endpoint::Models),
        ];
        endpoints.iter().find(|(end, _)| path.ends_with(end)).map(|(_, endpoint)| *endpoint)
    }

    /// A server of one's own wants none.
    fn credential<'h>(&self, head: &'h Parts) -> Option<&'h str> {
        bearer(&head.headers).or(Some("nobody"))
    }

    fn read(&self, _: &Parts, body: &[u8]) -> Result<Prompt, Refusal> {
        request::read(body)
    }

    fn limits(&self) -> Limits {
        Limits {
            order: by_field,
            joins: true,
            refusals: false,
            sealed: false,
            citations: false,
            objects: true,
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
        "application/x-ndjson"
    }

    fn serve(&self, _: Endpoint, _: &Parts, body: &[u8]) -> Result<Served, Refusal> {
        embeddings::serve(body)
    }

    fn refusal(&self, status: u16, model: &str) -> Refusal {
        let message = match status {
            401 => "unauthorized".to_owned(),
            404 => format!("model '{model}' not found"),
            429 => "too many requests".to_owned(),
            503 => "server busy, please try again.  maximum pending requests exceeded".to_owned(),
            500.. => "an error was encountered while running the model".to_owned(),
            _ => "invalid request".to_owned(),
        };
        Refusal::new(status, "", message)
    }

    fn missing_credential(&self) -> Refusal {
        Refusal::new(401, "", "unauthorized")
    }

    fn unknown_endpoint(&self, _: &str, path: &str) -> Refusal {
        let known = self.endpoint(path).is_some();
        Refusal::new(if known { 405 } else { 404 }, "", format!("{path} is not served"))
    }

    fn refusal_body(&self, refusal: &Refusal, _: &str) -> Vec<u8> {
        json!({"error": refusal.message}).to_string().into_bytes()
    }

    fn error_frame(&self, refusal: &Refusal, _: &str) -> Vec<u8> {
        format!("{}\n", json!({"error": refusal.message})).into_bytes()
    }

    fn broken_frame(&self) -> Vec<u8> {
        b"{\"model\":\"broken\",\"mess\n".to_vec()
    }

    fn models(&self, names: &[&str]) -> Vec<u8> {
        let model = |name: &&str| {
            json!({"name": name, "model": name, "modified_at": "2025-01-01T00:00:00Z", "size": 1,
                   "digest": "0", "details": {"format": "gguf", "family": "simulated"}})
        };
        let models: Vec<Value> = names.iter().map(model).collect();
        json!({"models": models}).to_string().into_bytes()
    }

    fn request_id(&self, number: u64) -> String {
        ids::hex_id("", number)
    }

    fn set_headers(&self, _: &mut HeaderMap, _: &str) {}
}
