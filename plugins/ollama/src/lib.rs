//! Ollama's own API as a Plugway provider: chat whole and streamed, embeddings, and the
//! list of models. For servers at home and for its cloud.
//!
//! What has no exact counterpart, and what is done about it:
//!
//! | in the request | here |
//! |---|---|
//! | `developer` messages | `system` |
//! | several parts in one message | a message for each text, which the server joins; images before their text. An assistant's texts are joined here |
//! | text or reasoning after a tool call, reasoning after text | unsupported |
//! | images by URL | unsupported, with the code `fetch` |
//! | documents that are plain text | text; other documents, audio and video are unsupported |
//! | a forced tool call | unsupported |
//! | a set of allowed tools, `tool_choice: none` | only those tools are sent, or none |
//! | input of a tool call that is no JSON object | unsupported: it travels as an object |
//! | reasoning effort | `think`, as a level where the model takes one |
//! | reasoning of any format | dropped; without a format it goes back as `thinking` |
//! | freeform tools, several choices, output other than text | unsupported |
//! | `top_a`, `logit_bias`, `parallel_tool_calls`, a tool's strictness, cache points, image detail, names of speakers | dropped: they tune, and change no meaning |
//!
//! Options of an endpoint: `think_levels`, a boolean that overrides what is concluded
//! from the model's name: whether `think` takes `low`, `medium` and `high`.
//!
//! Older servers give calls no ids: then they are made up of the time of the answer.
//! Usage that lacks the prompt's count, which some servers leave out where all of the
//! prompt was cached, is not reported: the router counts for itself.
//!
//! There is no default base URL: the well-known one is local and not https.
//!
//! The memo is the dialect of the client; of embeddings it is the number of inputs.

mod decode;
mod embeddings;
mod encode;
mod errors;
mod models;

use plugway_sdk::chat::{Event, Failure, Request};
use plugway_sdk::provider::{
    AuthScheme, Endpoint, Info, Provider, UpstreamRequest, UpstreamResponse,
};

/// The format whose native values this adapter reads and writes.
const DIALECT: &str = "ollama";

/// OpenAI-style names of the parameters that `encode` translates.
const SUPPORTED_PARAMETERS: [&str; 20] = [
    "frequency_penalty",
    "include_reasoning",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "min_p",
    "presence_penalty",
    "reasoning",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "seed",
    "stop",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
];

/// The adapter.
pub struct Ollama;

impl Provider for Ollama {
    type Decoder = decode::Decoder;

    fn describe() -> Info {
        Info {
            name: "ollama".into(),
            default_base_url: None,
            auth: vec![AuthScheme::Bearer, AuthScheme::None],
            dialects: vec![DIALECT.into()],
            reasoning_formats: Vec::new(),
            supported_parameters: SUPPORTED_PARAMETERS.map(Into::into).into(),
        }
    }

    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        encode::encode(&request, &endpoint)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Vec<Event> {
        decode::whole(&response, memo)
    }

    fn explain(response: UpstreamResponse) -> Failure {
        errors::explain(&response)
    }
}

plugway_sdk::export!(provider: Ollama);
plugway_sdk::export!(embeddings: Ollama);
plugway_sdk::export!(models: Ollama);
