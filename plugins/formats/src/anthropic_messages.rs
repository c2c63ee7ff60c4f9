//! Anthropic's Messages API, wherever it is served: by Anthropic itself, by Vertex and
//! by Bedrock. What differs between them is where a request says its model, its
//! version and its wish for a stream; an [`Envelope`] tells that.
//!
//! What has no exact counterpart, and what is done about it:
//!
//! | in the request | here |
//! |---|---|
//! | no `max_tokens` | the endpoint's `max-output-tokens`, else 4096 |
//! | `system`, `developer` after the start | a `system` turn where the model and the position allow it, else unsupported |
//! | `response_format: json_schema` | `output_config.format`; unsupported by models before 4.5 |
//! | `response_format: json_object` | a closing system block that asks for one JSON object |
//! | reasoning effort or budget | `thinking.budget_tokens`, or adaptive thinking with `output_config.effort` |
//! | `verbosity` | `output_config.effort` where the model takes one |
//! | a set of allowed tools | only those tools are sent |
//! | freeform tools, several choices, log probabilities, output other than text | unsupported |
//! | temperature above 1 | 1 |
//! | `temperature`, `top_p`, `top_k` that the model or its thinking rules out | dropped |
//! | penalties, `min_p`, `top_a`, `seed`, `logit_bias`, image detail, names of speakers | dropped: they tune, and change no meaning |
//! | reasoning that this provider did not sign | dropped |
//! | empty text | dropped: the API refuses it |
//!
//! Requests in the format's own dialect skip every such adjustment: their values
//! are sent as the client wrote them, and native blocks, tools and fields with them.
//!
//! Options of an endpoint, four booleans that override what is concluded from the
//! model's name: `adaptive_thinking`, `fixed_sampling`, `inline_system`,
//! `structured_outputs`.
//!
//! The memo of a request is its dialect: native values of an answer are for clients
//! of this format alone.

mod content;
mod decode;
mod encode;
mod errors;
mod model;
mod stream;
mod usage;

use plugway_sdk::chat::{Event, Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamResponse};

pub use encode::{JSON_INSTRUCTION, Tuning, wants_reasoning};
pub use model::{Version, version};
pub use stream::Decoder;

/// The client format whose native values are read and written here.
pub const DIALECT: &str = "anthropic-messages";

/// Names the signatures and encrypted reasoning that Anthropic's models take back,
/// whoever serves them.
pub const REASONING_FORMAT: &str = "anthropic-claude-v1";

/// OpenAI-style names of the parameters that [`encode`] translates.
pub const SUPPORTED_PARAMETERS: [&str; 18] = [
    "cache_control",
    "include_reasoning",
    "max_completion_tokens",
    "max_tokens",
    "parallel_tool_calls",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "service_tier",
    "stop",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
    "user",
    "verbosity",
];

/// What the body says beside the request itself; the rest is in path and headers.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// `model` is in the body.
    pub model: bool,
    /// `stream` is in the body, where one is wanted.
    pub stream: bool,
    /// `anthropic_version` of the body.
    pub version: Option<&'a str>,
    /// `anthropic_beta` is in the body; else the adapter sends [`betas`] as a header.
    pub betas: bool,
    /// Whoever serves the API fetches media by URL; else a request that holds one is
    /// refused, for the router to fetch it.
    pub fetches: bool,
}

/// A request as the body of a message to be created.
///
/// # Errors
/// Mostly of kind `unsupported`, naming what the format cannot say.
pub fn encode(
    request: &Request,
    endpoint: &Endpoint,
    envelope: Envelope<'_>,
) -> Result<Vec<u8>, Failure> {
    encode::encode(request, endpoint, envelope)
}

/// A request as the body of a question for the number of its tokens.
///
/// # Errors
/// As [`encode`].
pub fn encode_count(
    request: &Request,
    endpoint: &Endpoint,
    envelope: Envelope<'_>,
) -> Result<Vec<u8>, Failure> {
    encode::encode_count(request, endpoint, envelope)
}

/// The beta features that the client asked for, and those that the request needs: the
/// values of the header `anthropic-beta`.
pub fn betas(request: &Request) -> Vec<&str> {
    encode::betas(request)
}

/// Reads a whole answer.
pub fn decode(body: &[u8], memo: &str) -> Vec<Event> {
    decode::decode(body, memo)
}

/// Reads the answer to a question for the number of tokens.
///
/// # Errors
/// Of kind `unavailable`, where there is none.
pub fn decode_count(body: &[u8]) -> Result<u64, Failure> {
    decode::decode_count(body)
}

/// Explains a response that is no success.
pub fn explain(response: &UpstreamResponse) -> Failure {
    errors::explain(response)
}
