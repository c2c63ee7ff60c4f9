//! The seam between the server and the wire formats: everything that differs
//! from one provider's API to another's.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};

use crate::prompt::Prompt;
use crate::reply::Reply;
use crate::speech::Limits;
use crate::timeline::Frames;

/// A provider's wire format.
pub(crate) trait Dialect: Sync {
    /// What the API has at this path, which has no slash at its end.
    fn endpoint(&self, path: &str) -> Option<Endpoint>;

    /// The credential of a request, if it shows one.
    fn credential<'h>(&self, head: &'h Parts) -> Option<&'h str> {
        bearer(&head.headers)
    }

    /// What a request asks for, or the provider's complaint about it.
    fn read(&self, head: &Parts, body: &[u8]) -> Result<Prompt, Refusal>;

    /// What answers cannot say.
    fn limits(&self) -> Limits;

    /// Appends the body of a whole answer.
    fn whole(&self, answer: &Answer<'_>, body: &mut Vec<u8>);

    /// Appends the frames of a streamed answer.
    fn stream(&self, answer: &Answer<'_>, frames: &mut Frames);

    /// The media type of a streamed answer.
    fn stream_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    /// What is asked of an endpoint beside chat, and the answer's body.
    fn serve(&self, _: Endpoint, head: &Parts, _: &[u8]) -> Result<Served, Refusal> {
        Err(self.unknown_endpoint(head.method.as_str(), head.uri.path()))
    }

    /// The error that the provider reports with this status.
    fn refusal(&self, status: u16, model: &str) -> Refusal;

    /// The complaint about a request without a credential.
    fn missing_credential(&self) -> Refusal;

    /// The complaint about a method or a path that the API does not have.
    fn unknown_endpoint(&self, method: &str, path: &str) -> Refusal;

    /// The body of an error response.
    fn refusal_body(&self, refusal: &Refusal, request_id: &str) -> Vec<u8>;

    /// An error inside a stream.
    fn error_frame(&self, refusal: &Refusal, request_id: &str) -> Vec<u8>;

    /// A frame whose data is not JSON.
    fn broken_frame(&self) -> Vec<u8>;

    /// The list of models.
    fn models(&self, names: &[&str]) -> Vec<u8>;

    /// The id of a response, which `set_headers` shows.
    fn request_id(&self, number: u64) -> String;

    /// Sets the headers that the provider sends with every response.
    fn set_headers(&self, headers: &mut HeaderMap, request_id: &str);

    /// Sets those that tell of an error.
    fn set_error_headers(&self, _: &mut HeaderMap, _: &Refusal) {}
}

/// What an API has at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Chat,
    Models,
    Embeddings,
    Rerank,
    Count,
}

/// The answer of an endpoint beside chat.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) model: String,
    pub(crate) body: Vec<u8>,
}

/// All that an answer is written from.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) prompt: &'a Prompt,
    pub(crate) reply: &'a Reply,
    /// What the answer's ids are drawn from.
    pub(crate) number: u64,
    /// Unix time, in seconds.
    pub(crate) created: u64,
    /// Characters per content chunk; zero means one token.
    pub(crate) chunk_chars: u32,
    /// Fields and events that no client knows are added.
    pub(crate) extras: bool,
}

impl Answer<'_> {
    /// What the ids of the part at this place are drawn from.
    pub(crate) fn number_of(&self, place: usize) -> u64 {
        crate::ids::mix(self.number).wrapping_add(place as u64)
    }
}

/// An error response, before it is written in a provider's format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The provider's `type` of the error.
    pub(crate) kind: &'static str,
    pub(crate) code: Option<&'static str>,
    pub(crate) param: Option<String>,
    pub(crate) message: String,
    /// Seconds.
    pub(crate) retry_after: Option<u64>,
}

impl Refusal {
    /// A request that the provider finds malformed.
    pub(crate) fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "invalid_request_error", message)
    }

    pub(crate) fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Refusal {
        Refusal {
            status,
            kind,
            code: None,
            param: None,
            message: message.into(),
            retry_after: None,
        }
    }

    pub(crate) fn code(mut self, code: &'static str) -> Refusal {
        self.code = Some(code);
        self
    }

    pub(crate) fn param(mut self, param: impl Into<String>) -> Refusal {
        self.param = Some(param.into());
        self
    }
}

/// The token of a bearer.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    text(headers, header::AUTHORIZATION.as_str())?.strip_prefix("Bearer ").map(str::trim)
}

/// A header that is text.
pub(crate) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Sets a header, where its value can be one.
pub(crate) fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
