//! Anthropic's messages: `POST /v1/messages` and `GET /v1/models`.

mod answer;
mod content;
mod request;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::json;

use crate::dialect::{Answer, Dialect, Refusal};
use crate::ids;
use crate::prompt::Prompt;
use crate::timeline::Frames;

/// Anthropic's wire format.
#[derive(Debug)]
pub(crate) struct Anthropic;

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
    fn chat_path(&self) -> &'static str {
        "/messages"
    }

    fn credential<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let text = |name| headers.get(name)?.to_str().ok();
        let bearer = || text(header::AUTHORIZATION)?.strip_prefix("Bearer ");
        text(HeaderName::from_static("x-api-key")).or_else(bearer)
    }

    fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Prompt, Refusal> {
        if !headers.contains_key("anthropic-version") {
            return Err(Refusal::invalid("anthropic-version: header is required"));
        }
        request::read(body)
    }

    fn whole(&self, answer: &Answer<'_>, body: &mut Vec<u8>) {
        answer::whole(answer, body);
    }

    fn stream(&self, answer: &Answer<'_>, frames: &mut Frames) {
        answer::stream(answer, frames);
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
        if path.ends_with(self.chat_path()) || path.ends_with("/models") {
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

    fn broken_frame(&self) -> &'static [u8] {
        b"event: content_block_delta\ndata: {\"type\":\"content_block_del\n\n"
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
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(HeaderName::from_static("request-id"), id);
        }
    }
}
