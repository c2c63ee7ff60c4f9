//! One chat exchange, free of any provider's wire format: the types that an adapter
//! reads a request from and answers with, and short ways to make them.

pub use crate::bindings::provider::plugway::chat::chat::{
    AllowedTools, CachePoint, Citation, Event, Extra, Failure, FailureKind, Finish, FinishReason,
    FreeformTool, FunctionTool, Grammar, Header, Json, JsonSchema, Media, MediaKind, MediaSource,
    Message, Origin, Part, PartBody, Picodollars, Piece, Reasoning, ReasoningOptions, Request,
    ResponseFormat, ResultBody, ResultPart, Role, Sampling, Tool, ToolCall, ToolChoice, ToolResult,
    Usage,
};
use crate::provider::ResponseHead;

impl Part {
    /// A part that is text and nothing else.
    pub fn text(text: impl Into<String>) -> Self {
        PartBody::Text(text.into()).into()
    }

    /// Readable reasoning without a signature.
    pub fn reasoning(text: impl Into<String>) -> Self {
        PartBody::Reasoning(Reasoning::Text(text.into())).into()
    }
}

impl From<PartBody> for Part {
    fn from(body: PartBody) -> Self {
        Self {
            body,
            id: None,
            signature: None,
            format: None,
            citations: Vec::new(),
            cache: None,
            extra: Vec::new(),
        }
    }
}

impl From<ToolCall> for Part {
    fn from(call: ToolCall) -> Self {
        PartBody::ToolCall(call).into()
    }
}

impl From<ToolResult> for Part {
    fn from(result: ToolResult) -> Self {
        PartBody::ToolResult(result).into()
    }
}

impl From<Media> for Part {
    fn from(media: Media) -> Self {
        PartBody::Media(media).into()
    }
}

impl From<ResultBody> for ResultPart {
    fn from(body: ResultBody) -> Self {
        Self { body, extra: Vec::new() }
    }
}

impl Message {
    /// A message of these parts.
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, parts, name: None, extra: Vec::new() }
    }

    /// A user's message of one text.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, vec![Part::text(text)])
    }

    /// A system message of one text.
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(Role::System, vec![Part::text(text)])
    }

    /// An assistant's message of one text.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, vec![Part::text(text)])
    }
}

impl ToolCall {
    /// A call to a function, with JSON input.
    pub fn new(id: impl Into<String>, name: impl Into<String>, input: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), input: input.into(), freeform: false }
    }

    /// The next bit of the input of a call that has begun.
    pub fn more(input: impl Into<String>) -> Self {
        Self::new("", "", input)
    }
}

impl Piece {
    /// A bit of the part at this place of this choice.
    pub fn new(choice: u32, index: u32, part: impl Into<Part>) -> Self {
        Self { choice, index, part: part.into(), logprobs: None }
    }
}

impl From<Piece> for Event {
    fn from(piece: Piece) -> Self {
        Self::Piece(piece)
    }
}

impl From<Failure> for Event {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Finish {
    /// The end of a choice, in the contract's and in the provider's own words.
    pub fn new(choice: u32, reason: FinishReason, native: impl Into<String>) -> Self {
        Self { choice, reason, native: native.into(), stop_sequence: None, extra: Vec::new() }
    }
}

impl Failure {
    /// A failure of this kind. The message is one sentence for the client, without
    /// credentials or internals.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code: None, param: None, retry_after_ms: None }
    }

    /// This adapter, endpoint or model cannot do it; another may.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Unsupported, message)
    }

    /// The provider failed: nonsense, or a stream that was cut.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Unavailable, message)
    }

    /// What the response's status and `retry-after` imply.
    pub fn from_head(head: &ResponseHead, message: impl Into<String>) -> Self {
        Self {
            retry_after_ms: head.retry_after_ms(),
            ..Self::new(FailureKind::from_status(head.status), message)
        }
    }
}

impl FailureKind {
    /// The kind that an HTTP status implies where the body says nothing better.
    pub fn from_status(status: u16) -> Self {
        match status {
            400 | 422 => Self::InvalidRequest,
            401 => Self::Authentication,
            402 => Self::PaymentRequired,
            403 | 451 => Self::PermissionDenied,
            404 | 410 => Self::ModelNotFound,
            405 | 406 | 415 | 501 => Self::Unsupported,
            // Of a server in time: 408 and 504; of a proxy in front of it: 522, 524.
            408 | 504 | 522 | 524 => Self::Timeout,
            413 => Self::ContextLengthExceeded,
            429 => Self::RateLimited,
            503 | 529 => Self::Overloaded,
            500..=599 => Self::Unavailable,
            _ => Self::Other,
        }
    }
}
