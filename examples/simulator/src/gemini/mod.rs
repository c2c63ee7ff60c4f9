//! Google's Gemini, at AI Studio and at Vertex AI: `models/NAME:generateContent` and
//! what goes with it.

mod answer;
mod body;
mod embeddings;
mod request;

use http::request::Parts;
use http::{HeaderMap, Uri};
use serde_json::{Value, json};

use crate::dialect::{Answer, Dialect, Endpoint, Refusal, Served, bearer, text};
use crate::ids;
use crate::prompt::Prompt;
use crate::speech::Limits;
use crate::timeline::Frames;

/// The wire format.
#[derive(Debug)]
pub(crate) struct Gemini {
    /// Vertex AI knows other fields than AI Studio.
    vertex: bool,
    /// A stream is of events, not one JSON array.
    events: bool,
}

static EVERY: [Gemini; 4] = [
    Gemini { vertex: false, events: false },
    Gemini { vertex: false, events: true },
    Gemini { vertex: true, events: false },
    Gemini { vertex: true, events: true },
];

impl Gemini {
    /// The one that is spoken at this address.
    pub(crate) fn of(uri: &Uri) -> &'static Gemini {
        let events = uri.query().is_some_and(|query| query.contains("alt=sse"));
        let vertex = uri.path().contains("/publishers/") || uri.path().contains("/endpoints/");
        &EVERY[usize::from(vertex) * 2 + usize::from(events)]
    }
}

/// Name of the model and of its method.
fn called(path: &str) -> Option<(&str, &str)> {
    let (before, method) = path.rsplit_once(':')?;
    let (_, model) = before.rsplit_once('/')?;
    Some((model, method))
}

impl Dialect for Gemini {
    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        if path.ends_with("/models") {
            return Some(Endpoint::Models);
        }
        match called(path)?.1 {
            "generateContent" | "streamGenerateContent" => Some(Endpoint::Chat),
            "countTokens" => Some(Endpoint::Count),
            "batchEmbedContents" if !self.vertex => Some(Endpoint::Embeddings),
            "embedContent" => Some(Endpoint::Embeddings),
            "predict" if self.vertex => Some(Endpoint::Embeddings),
            _ => None,
        }
    }

    fn credential<'h>(&self, head: &'h Parts) -> Option<&'h str> {
        let in_query = || {
            let mut pairs = head.uri.query()?.split('&');
            pairs.find_map(|pair| pair.strip_prefix("key="))
        };
        let key = text(&head.headers, "x-goog-api-key").or_else(in_query);
        key.or_else(|| bearer(&head.headers))
    }

    fn read(&self, head: &Parts, body: &[u8]) -> Result<Prompt, Refusal> {
        let (model, method) = called(head.uri.path()).unwrap_or_default();
        let mut prompt = request::read(body, model, self.vertex)?;
        prompt.stream = method == "streamGenerateContent";
        Ok(prompt)
    }

    fn limits(&self) -> Limits {
        Limits { refusals: false, sealed: false, joins: true, objects: true, ..Limits::NONE }
    }

    fn whole(&self, answer: &Answer<'_>, body: &mut Vec<u8>) {
        answer::whole(answer, body);
    }

    fn stream(&self, answer: &Answer<'_>, frames: &mut Frames) {
        answer::stream(answer, frames, self.events);
    }

    fn stream_type(&self) -> &'static str {
        if self.events { "text/event-stream" } else { "application/json; charset=UTF-8" }
    }

    fn serve(&self, endpoint: Endpoint, head: &Parts, body: &[u8]) -> Result<Served, Refusal> {
        let (model, method) = called(head.uri.path()).unwrap_or_default();
        if endpoint == Endpoint::Embeddings {
            return embeddings::serve(body, model, method);
        }
        let prompt = request::counted(body, model, self.vertex)?;
        let tokens = prompt.tokens();
        let count = json!({
            "totalTokens": tokens,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}],
        });
        Ok(Served { model: prompt.model, body: count.to_string().into_bytes() })
    }

    fn refusal(&self, status: u16, model: &str) -> Refusal {
        let (kind, message) = match status {
            400 => ("INVALID_ARGUMENT", "Request contains an invalid argument.".to_owned()),
            401 => (
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access \
                 token, login cookie or other valid authentication credential."
                    .to_owned(),
            ),
            403 => ("PERMISSION_DENIED", "The caller does not have permission".to_owned()),
            404 => (
                "NOT_FOUND",
                format!(
                    "models/{model} is not found for API version v1beta, or is not supported \
                     for generateContent."
                ),
            ),
            429 => {
                ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).".to_owned())
            }
            500 => ("INTERNAL", "An internal error has occurred.".to_owned()),
            503 => ("UNAVAILABLE", "The model is overloaded. Please try again later.".to_owned()),
            504 => ("DEADLINE_EXCEEDED", "Deadline expired.".to_owned()),
            _ => ("UNKNOWN", "The request cannot be served.".to_owned()),
        };
        Refusal::new(status, kind, message)
    }

    fn missing_credential(&self) -> Refusal {
        Refusal::new(
            403,
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established \
             identity). Please use API Key or other form of API consumer identity to call \
             this API.",
        )
    }

    fn unknown_endpoint(&self, method: &str, path: &str) -> Refusal {
        Refusal::new(404, "NOT_FOUND", format!("Requested entity was not found: {method} {path}"))
    }

    fn refusal_body(&self, refusal: &Refusal, _: &str) -> Vec<u8> {
        format!("{:#}\n", error(refusal)).into_bytes()
    }

    fn error_frame(&self, refusal: &Refusal, _: &str) -> Vec<u8> {
        let error = error(refusal);
        let frame = if self.events { format!("data: {error}\r\n\r\n") } else { error.to_string() };
        frame.into_bytes()
    }

    fn broken_frame(&self) -> Vec<u8> {
        b"data: {\"candidates\": [{\"content\": {\"par\r\n\r\n".to_vec()
    }

    fn models(&self, names: &[&str]) -> Vec<u8> {
        let model = |name: &&str| {
            if self.vertex {
                return json!({"name": format!("publishers/google/models/{name}"),
                              "versionId": "default"});
            }
            json!({
                "name": format!("models/{name}"),
                "displayName": name,
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            })
        };
        let list: Vec<Value> = names.iter().map(model).collect();
        let field = if self.vertex { "publisherModels" } else { "models" };
        json!({field: list}).to_string().into_bytes()
    }

    fn request_id(&self, number: u64) -> String {
        ids::id("", number, 24)
    }

    fn set_headers(&self, headers: &mut HeaderMap, _: &str) {
        crate::dialect::set(headers, "x-frame-options", "SAMEORIGIN");
        crate::dialect::set(headers, "server", "scaffolding on HTTPServer2");
    }
}

/// `google.rpc.Status`.
fn error(refusal: &Refusal) -> Value {
    let mut details = Vec::new();
    if let Some(field) = &refusal.param {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": field, "description": refusal.message}],
        }));
    }
    if let Some(seconds) = refusal.retry_after {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{seconds}s"),
        }));
    }
    let mut error = json!({
        "code": refusal.status, "message": refusal.message, "status": refusal.kind});
    if !details.is_empty() {
        error["details"] = details.into();
    }
    json!({"error": error})
}
