//! Anthropic's messages: `POST /v1/messages`, `POST /v1/messages/count_tokens` and
//! `GET /v1/models`, and what Vertex AI makes of them.

mod answer;
mod content;
mod request;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use crate::dialect::{Answer, Dialect, Endpoint, Refusal, Served, bearer, set, text};
use crate::ids;
use crate::prompt::Prompt;
use crate::speech::Limits;
use crate::timeline::Frames;

pub(crate) use answer::{Wrap, stream, whole};
pub(crate) use request::{Envelope, read};

/// Anthropic's wire format.
#[derive(Debug)]
pub(crate) struct Anthropic {
    /// Model, version and stream are told as Vertex AI wants it.
    vertex: bool,
}

pub(crate) static ANTHROPIC: Anthropic = Anthropic { vertex: false };
pub(crate) static VERTEX: Anthropic = Anthropic { vertex: true };

/// The version of the API that Vertex AI speaks.
const VERTEX_VERSION: &str = "vertex-2023-10-16";

/// What answers cannot say: the model refuses by the reason why an answer ends.
pub(crate) const LIMITS: Limits = Limits { refusals: false, objects: true, ..Limits::NONE };

/// Headers that are the same on every response.
static HEADERS: [(HeaderName, HeaderValue); 5] = [
    fixed("anthropic-organization-id", "org-simulated"),
    fixed("anthropic-ratelimit-requests-limit", "4000"),
    fixed("anthropic-ratelimit-requests-remaining", "3999"),
    fixed("cache-control", "no-cache"),
    fixed("x-robots-tag", "none"),
];

const fn fixed(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static(value))
}

impl Dialect for Anthropic {
    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let ends = |end: &str| path.ends_with(end);
        if self.vertex {
            let counts = ends("/count-tokens:rawPredict");
            let chats = ends(":rawPredict") || ends(":streamRawPredict");
            let chat = chats.then_some(Endpoint::Chat);
            return counts.then_some(Endpoint::Count).or(chat);
        }
        let endpoints = [
            ("/messages", Endpoint::Chat),
            ("/messages/count_tokens", Endpoint::Count),
            ("/models", Endpoint::Models),
        ];
        endpoints.iter().find(|(end, _)| ends(end)).map(|(_, endpoint)| *endpoint)
    }

    fn credential<'h>(&self, head: &'h Parts) -> Option<&'h str> {
        text(&head.headers, "x-api-key").or_else(|| bearer(&head.headers))
    }

    fn read(&self, head: &Parts, body: &[u8]) -> Result<Prompt, Refusal> {
        request::read(body, self.envelope(head)?)
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn whole(&self, answer: &Answer<'_>, body: &mut Vec<u8>) {
        answer::whole(answer, body);
    }

    fn stream(&self, answer: &Answer<'_>, frames: &mut Frames) {
        answer::stream(answer, frames, Wrap::Event);
    }

    fn serve(&self, _: Endpoint, head: &Parts, body: &[u8]) -> Result<Served, Refusal> {
        let envelope = self.envelope(head)?;
        // The path names no model here.
        let envelope = Envelope { counts: true, model: None, stream: None, ..envelope };
        let prompt = request::read(body, envelope)?;
        let count = json!({"input_tokens": prompt.tokens()});
        Ok(Served { model: prompt.model, body: count.to_string().into_bytes() })
    }

    fn refusal(&self, status: u16, model: &str) -> Refusal {
        let (kind, message) = match status {
            401 => ("authentication_error", "API key is invalid."),
            402 => ("billing_error", "There is an issue with your billing."),
            403 => (
                "permission_error",
                "Your API key does not have permission to use the specified resource.",
            ),
            404 => ("not_found_error", "model: "),
            413 => ("request_too_large", "Request exceeds the maximum allowed number of bytes."),
            429 => (
                "rate_limit_error",
                "This request would exceed your organization's rate limit of 4,000 \
                 requests per minute.",
            ),
            504 => ("timeout_error", "Request timed out."),
            529 => ("overloaded_error", "Overloaded"),
            500.. => ("api_error", "Internal server error"),
            _ => ("invalid_request_error", "The request cannot be served."),
        };
        let mut refusal = Refusal::new(status, kind, message);
        if status == 404 {
            refusal.message.push_str(model);
        }
        refusal
    }

    fn missing_credential(&self) -> Refusal {
        Refusal::new(401, "authentication_error", "x-api-key header is required")
    }

    fn unknown_endpoint(&self, _: &str, path: &str) -> Refusal {
        if self.endpoint(path).is_some() {
            return Refusal::new(405, "invalid_request_error", "Method Not Allowed");
        }
        Refusal::new(404, "not_found_error", "Not Found")
    }

    fn refusal_body(&self, refusal: &Refusal, request_id: &str) -> Vec<u8> {
        json!({
            "type": "error",
            "error": {"type": refusal.kind, "message": refusal.message},
            "request_id": request_id,
        })
        .to_string()
        .into_bytes()
    }

    fn error_frame(&self, refusal: &Refusal, request_id: &str) -> Vec<u8> {
        let body = self.refusal_body(refusal, request_id);
        [b"event: error\ndata: ", &body[..], b"\n\n"].concat()
    }

    fn broken_frame(&self) -> Vec<u8> {
        b"event: content_block_delta\ndata: {\"type\":\"content_block_del\n\n".to_vec()
    }

    fn models(&self, names: &[&str]) -> Vec<u8> {
        let model = |name: &&str| {
            json!({
                "type": "model",
                "id": name,
                "display_name": name,
                "created_at": "2025-01-01T00:00:00Z",
            })
        };
        let data: Vec<_> = names.iter().map(model).collect();
        json!({
            "data": data,
            "has_more": false,
            "first_id": names.first(),
            "last_id": names.last(),
        })
        .to_string()
        .into_bytes()
    }

    fn request_id(&self, number: u64) -> String {
        ids::id("req_011C", !number, 20)
    }

    fn set_headers(&self, headers: &mut HeaderMap, request_id: &str) {
        headers.extend(HEADERS.iter().cloned());
        set(headers, "request-id", request_id);
    }
}

impl Anthropic {
    /// What path and headers say.
    fn envelope(&self, head: &Parts) -> Result<Envelope, Refusal> {
        if self.vertex {
            let path = head.uri.path();
            let (_, method) = path.rsplit_once("/models/").unwrap_or_default();
            let (model, method) = method.split_once(':').unwrap_or_default();
            return Ok(Envelope {
                version: Some(VERTEX_VERSION),
                model: Some(model.to_owned()),
                stream: Some(method == "streamRawPredict"),
                stream_field: true,
                counts: false,
            });
        }
        if !head.headers.contains_key("anthropic-version") {
            return Err(Refusal::invalid("anthropic-version: header is required"));
        }
        Ok(Envelope { stream_field: true, ..Envelope::default() })
    }
}
