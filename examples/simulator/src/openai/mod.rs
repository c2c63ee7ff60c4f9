//! OpenAI's chat completions: `POST /v1/chat/completions` and `GET /v1/models`.

mod answer;
mod request;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::json;

use crate::dialect::{Answer, Dialect, Refusal};
use crate::ids;
use crate::prompt::Prompt;
use crate::timeline::Frames;

/// OpenAI's wire format.
#[derive(Debug)]
pub(crate) struct OpenAi;

/// Headers that are the same on every response.
static HEADERS: [(HeaderName, HeaderValue); 7] = [
    fixed("access-control-expose-headers", "X-Request-ID"),
    fixed("openai-organization", "org-simulated"),
    fixed("openai-processing-ms", "1"),
    fixed("openai-version", "2020-10-01"),
    fixed("x-content-type-options", "nosniff"),
    fixed("x-ratelimit-limit-requests", "10000"),
    fixed("x-ratelimit-remaining-requests", "9999"),
];

const fn fixed(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static(value))
}

impl Dialect for OpenAi {
    fn chat_path(&self) -> &'static str {
        "/chat/completions"
    }

    fn credential<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        value.strip_prefix("Bearer ").map(str::trim)
    }

    fn read(&self, _: &HeaderMap, body: &[u8]) -> Result<Prompt, Refusal> {
        request::read(body)
    }

    fn whole(&self, answer: &Answer<'_>, body: &mut Vec<u8>) {
        answer::whole(answer, body);
    }

    fn stream(&self, answer: &Answer<'_>, frames: &mut Frames) {
        answer::stream(answer, frames);
    }

    fn refusal(&self, status: u16, model: &str) -> Refusal {
        let error = |kind, message: &str| Refusal::new(status, kind, message);
        match status {
            401 => error(
                "invalid_request_error",
                "Incorrect API key provided: simul****. You can find your API key at \
                 https://platform.openai.com/account/api-keys.",
            )
            .code("invalid_api_key"),
            403 => error("request_forbidden", "Country, region, or territory not supported")
                .code("unsupported_country_region_territory"),
            404 => Refusal::new(
                404,
                "invalid_request_error",
                format!("The model `{model}` does not exist or you do not have access to it."),
            )
            .code("model_not_found"),
            429 => Refusal::new(
                429,
                "requests",
                format!(
                    "Rate limit reached for {model} in organization org-simulated on \
                     requests per min (RPM): Limit 3, Used 3, Requested 1. \
                     Please try again later."
                ),
            )
            .code("rate_limit_exceeded"),
            500 => error(
                "server_error",
                "The server had an error while processing your request. Sorry about that!",
            ),
            503 => {
                error("server_error", "The engine is currently overloaded, please try again later.")
            }
            501.. => error("server_error", "The server is not available."),
            _ => error("invalid_request_error", "The request cannot be served."),
        }
    }

    fn missing_credential(&self) -> Refusal {
        Refusal::new(
            401,
            "invalid_request_error",
            "You didn't provide an API key. You need to provide your API key in an \
             Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
    }

    fn unknown_endpoint(&self, method: &str, path: &str) -> Refusal {
        if path.ends_with(self.chat_path()) || path.ends_with("/models") {
            let message = format!(
                "Not allowed to {method} on {path}. \
                 (HINT: Perhaps you meant to use a different HTTP method?)"
            );
            let refusal = Refusal::new(405, "invalid_request_error", message);
            return refusal.code("method_not_supported");
        }
        let message = format!("Invalid URL ({method} {path})");
        Refusal::new(404, "invalid_request_error", message)
    }

    fn refusal_body(&self, refusal: &Refusal, _: &str) -> Vec<u8> {
        let error = json!({"error": {
            "message": refusal.message,
            "type": refusal.kind,
            "param": refusal.param,
            "code": refusal.code,
        }});
        format!("{error:#}\n").into_bytes()
    }

    fn error_frame(&self, refusal: &Refusal, _: &str) -> Vec<u8> {
        let error = json!({"error": {
            "message": refusal.message,
            "type": refusal.kind,
            "param": refusal.param,
            "code": refusal.code,
        }});
        format!("data: {error}\n\n").into_bytes()
    }

    fn broken_frame(&self) -> &'static [u8] {
        b"data: {\"id\":\"chatcmpl-broken\",\"object\":\"chat.comp\n\n"
    }

    fn models(&self, names: &[&str]) -> Vec<u8> {
        let model = |name: &&str| {
            json!({
                "id": name,
                "object": "model",
                "created": 1_700_000_000,
                "owned_by": "simulator",
            })
        };
        let data: Vec<_> = names.iter().map(model).collect();
        json!({"object": "list", "data": data}).to_string().into_bytes()
    }

    fn request_id(&self, number: u64) -> String {
        ids::hex_id("req_", number)
    }

    fn set_headers(&self, headers: &mut HeaderMap, request_id: &str) {
        headers.extend(HEADERS.iter().cloned());
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
    }
}
