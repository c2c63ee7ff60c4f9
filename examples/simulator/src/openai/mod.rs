//! OpenAI's chat completions, embeddings and models, and those who took them over.

mod answer;
mod embeddings;
mod errors;
mod flavour;
mod message;
mod request;
mod rerank;
mod thoughts;
mod usage;
mod words;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use crate::dialect::{Answer, Dialect, Endpoint, Refusal, Served, bearer, set, text};
use crate::ids;
use crate::prompt::Prompt;
use crate::responses::Responses;
use crate::speech::Limits;
use crate::timeline::Frames;
use flavour::{Flavour, Name};

/// OpenAI's wire format, in one provider's variety.
#[derive(Debug)]
pub(crate) struct OpenAi(&'static Flavour);

pub(crate) static OPENAI: OpenAi = OpenAi(&flavour::OPENAI);
pub(crate) static AZURE: OpenAi = OpenAi(&flavour::AZURE);
pub(crate) static DEEPSEEK: OpenAi = OpenAi(&flavour::DEEPSEEK);
pub(crate) static GROQ: OpenAi = OpenAi(&flavour::GROQ);
pub(crate) static MISTRAL: OpenAi = OpenAi(&flavour::MISTRAL);
pub(crate) static OPENROUTER: OpenAi = OpenAi(&flavour::OPENROUTER);
pub(crate) static PERPLEXITY: OpenAi = OpenAi(&flavour::PERPLEXITY);
pub(crate) static XAI: OpenAi = OpenAi(&flavour::XAI);

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
    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let ends = |end: &str| path.ends_with(end);
        let embeds = !matches!(self.0.name, Name::DeepSeek | Name::Groq | Name::Perplexity);
        match self.0.name {
            _ if ends("/chat/completions") => Some(Endpoint::Chat),
            _ if ends("/embeddings") && embeds => Some(Endpoint::Embeddings),
            Name::OpenAi if ends("/responses/input_tokens") => Some(Endpoint::Count),
            Name::OpenAi | Name::OpenRouter if ends("/rerank") => Some(Endpoint::Rerank),
            Name::Perplexity => None,
            _ if ends("/models") => Some(Endpoint::Models),
            _ => None,
        }
    }

    fn credential<'h>(&self, head: &'h Parts) -> Option<&'h str> {
        let own = (self.0.name == Name::Azure).then(|| text(&head.headers, "api-key")).flatten();
        own.or_else(|| bearer(&head.headers))
    }

    fn read(&self, _: &Parts, body: &[u8]) -> Result<Prompt, Refusal> {
        request::read(self.0, body)
    }

    fn limits(&self) -> Limits {
        self.0.limits()
    }

    fn whole(&self, answer: &Answer<'_>, body: &mut Vec<u8>) {
        answer::whole(self.0, answer, body);
    }

    fn stream(&self, answer: &Answer<'_>, frames: &mut Frames) {
        answer::stream(self.0, answer, frames);
    }

    fn serve(&self, endpoint: Endpoint, head: &Parts, body: &[u8]) -> Result<Served, Refusal> {
        match endpoint {
            Endpoint::Embeddings => embeddings::serve(self.0, body),
            Endpoint::Rerank => rerank::serve(body),
            Endpoint::Count => Responses.serve(endpoint, head, body),
            _ => Err(self.unknown_endpoint(head.method.as_str(), head.uri.path())),
        }
    }

    fn refusal(&self, status: u16, model: &str) -> Refusal {
        errors::of_status(self.0, status, model)
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
        if self.endpoint(path).is_some() {
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
        format!("{:#}\n", errors::body(self.0, refusal)).into_bytes()
    }

    fn error_frame(&self, refusal: &Refusal, request_id: &str) -> Vec<u8> {
        errors::frame(self.0, refusal, request_id)
    }

    fn broken_frame(&self) -> Vec<u8> {
        b"data: {\"id\":\"chatcmpl-broken\",\"object\":\"chat.comp\n\n".to_vec()
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
        if matches!(self.0.name, Name::OpenAi | Name::Azure) {
            headers.extend(HEADERS.iter().cloned());
        }
        set(headers, "x-request-id", request_id);
    }
}
