//! Anthropic's Messages API as a Plugway provider: requests become `POST messages`,
//! answers become chat events, whole or streamed.
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
//! Requests in the provider's own dialect skip every such adjustment: their values
//! are sent as the client wrote them, and native blocks, tools and fields with them.
//!
//! Options of an endpoint: `version` (of the API, a string), and four booleans that
//! override what is concluded from the model's name: `adaptive_thinking`,
//! `fixed_sampling`, `inline_system`, `structured_outputs`.

mod content;
mod decode;
mod encode;
mod errors;
mod json;
mod model;
mod stream;
mod usage;

use plugway_sdk::chat::{Event, Failure, Request};
use plugway_sdk::provider::{
    AuthScheme, Endpoint, Info, Provider, UpstreamRequest, UpstreamResponse,
};

/// The client format whose native values this adapter reads and writes.
const DIALECT: &str = "anthropic-messages";

/// Names the signatures and encrypted reasoning that this provider takes back.
const REASONING_FORMAT: &str = "anthropic-claude-v1";

/// OpenAI-style names of the parameters that `encode` translates.
const SUPPORTED_PARAMETERS: [&str; 18] = [
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

/// The adapter.
pub struct Anthropic;

impl Provider for Anthropic {
    type Decoder = stream::Decoder;

    fn describe() -> Info {
        Info {
            name: "anthropic".into(),
            default_base_url: Some("https://api.anthropic.com/v1".into()),
            auth: vec![AuthScheme::Header("x-api-key".into()), AuthScheme::Bearer],
            dialects: vec![DIALECT.into()],
            reasoning_formats: vec![REASONING_FORMAT.into()],
            supported_parameters: SUPPORTED_PARAMETERS.map(Into::into).into(),
        }
    }

    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        encode::encode(&request, &endpoint)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Vec<Event> {
        decode::decode(&response.body, &memo)
    }

    fn explain(response: UpstreamResponse) -> Failure {
        errors::explain(&response)
    }
}

plugway_sdk::export!(provider: Anthropic);
