//! Chat completions of OpenAI, and of any server that speaks the same format.
//!
//! Options of an endpoint, as JSON values:
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `path` | `/chat/completions` | path and query below the base URL; `{model}` stands for the model, percent-encoded |
//! | `max_tokens_field` | `max_completion_tokens` | the field that bounds the answer; older servers know `max_tokens` |
//! | `user_field` | `user` | the field for the end user's pseudonym, e.g. `safety_identifier` |
//! | `developer_role` | `developer` | how developer messages are named; older servers know `system` |
//! | `efforts` | all of OpenAI's | the values of `reasoning_effort` that the model has; empty: none is ever sent |
//! | `send_reasoning` | none | the field of assistant messages that takes reasoning back: `reasoning_content`, `reasoning` or `reasoning_details`, which takes every format |
//! | `extended_sampling` | `false` | the server knows `top_k`, `min_p`, `top_a` and `repetition_penalty`; else they are left out |
//! | `stream_usage` | `true` | ask for usage at the end of a stream, which few servers refuse |
//!
//! The memo is the request's dialect: native fields of an answer are passed on only
//! to a client that speaks this format itself.

mod decode;
mod encode;
mod explain;
mod json;
mod options;

use plugway_sdk::chat::{Event, Failure, Request};
use plugway_sdk::provider::{
    AuthScheme, Endpoint, Info, Provider, UpstreamRequest, UpstreamResponse,
};

/// The client format whose native values this adapter reads and writes.
const DIALECT: &str = "openai-chat";

/// The adapter.
pub struct OpenAi;

impl Provider for OpenAi {
    type Decoder = decode::Decoder;

    fn describe() -> Info {
        Info {
            name: "openai".into(),
            default_base_url: Some("https://api.openai.com/v1".into()),
            auth: vec![AuthScheme::Bearer],
            dialects: vec![DIALECT.into()],
            reasoning_formats: Vec::new(),
            supported_parameters: SUPPORTED_PARAMETERS.map(Into::into).to_vec(),
        }
    }

    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        encode::encode(&request, &endpoint)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Vec<Event> {
        decode::whole(&response, memo)
    }

    fn explain(response: UpstreamResponse) -> Failure {
        explain::explain(&response)
    }
}

const SUPPORTED_PARAMETERS: [&str; 27] = [
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "modalities",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "stream_options",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];

plugway_sdk::export!(provider: OpenAi);

#[cfg(test)]
mod tests;
