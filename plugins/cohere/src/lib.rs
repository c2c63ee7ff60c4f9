//! Cohere's API v2 as a Plugway provider: chat whole and streamed, embeddings, rerank,
//! and the list of models.
//!
//! What has no exact counterpart, and what is done about it:
//!
//! | in the request | here |
//! |---|---|
//! | `developer` messages | `system` |
//! | a named tool, a set of allowed tools | only those tools are sent |
//! | `strict` on any tool | `strict_tools`, which is for all of them |
//! | reasoning effort | `thinking` on; its budget alone can be stated |
//! | reasoning without a format | a `thinking` item |
//! | reasoning of other formats | dropped |
//! | text after a tool call in one message | unsupported |
//! | audio, video, files, images that are not the user's | unsupported |
//! | freeform tools, several choices, alternatives per token, output other than text, more than five stop sequences | unsupported |
//! | penalties below 0 or above 1, `top_p` and `top_k` out of range | the nearest value that the API takes |
//! | `min_p`, `top_a`, `repetition_penalty`, `logit_bias`, `parallel_tool_calls`, cache points, image detail of other words, names of speakers | dropped: they tune, and change no meaning |
//!
//! What Cohere calls the tool plan, which it writes before its calls, is reasoning of
//! a format of its own, so that it goes back to where it came from.
//!
//! Usage. Cohere counts twice: `tokens` are all that the model read and wrote, with
//! the template around the messages; `billed_units` are what it charges for, mostly
//! less. The first are the counts; the second are meters, `billed-prompt-tokens` and
//! `billed-completion-tokens`, beside `search-units`, `classifications` and `images`.
//! Of embeddings and rerank only the billed units are known.
//!
//! Citations carry places in the text of the answer; the quoted passage is the
//! source's own text, where the source is a document or a tool's output that holds one.
//!
//! Models are listed only by the first version of the API: the base URL of the listing is
//! `https://api.cohere.com/v1`.
//!
//! The memo is the dialect of the client; of embeddings it is the number of inputs.

mod decode;
mod embeddings;
mod encode;
mod errors;
mod models;
mod rerank;
mod usage;
mod vectors;

use plugway_sdk::chat::{Event, Failure, Request};
use plugway_sdk::provider::{
    AuthScheme, Endpoint, Info, Provider, UpstreamRequest, UpstreamResponse,
};

/// The format whose native values this adapter reads and writes.
const DIALECT: &str = "cohere-chat";

/// Names the reasoning that is a plan for the calls after it.
const PLAN_FORMAT: &str = "cohere-tool-plan-v2";

/// OpenAI-style names of the parameters that `encode` translates.
const SUPPORTED_PARAMETERS: [&str; 18] = [
    "frequency_penalty",
    "include_reasoning",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "presence_penalty",
    "reasoning",
    "reasoning_effort",
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
pub struct Cohere;

impl Provider for Cohere {
    type Decoder = decode::Decoder;

    fn describe() -> Info {
        Info {
            name: "cohere".into(),
            default_base_url: Some("https://api.cohere.com/v2".into()),
            auth: vec![AuthScheme::Bearer],
            dialects: vec![DIALECT.into()],
            reasoning_formats: vec![PLAN_FORMAT.into()],
            supported_parameters: SUPPORTED_PARAMETERS.map(Into::into).into(),
        }
    }

    fn encode(request: Request, _: Endpoint) -> Result<UpstreamRequest, Failure> {
        encode::encode(&request)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Vec<Event> {
        decode::whole(&response, memo)
    }

    fn explain(response: UpstreamResponse) -> Failure {
        errors::explain(&response)
    }
}

plugway_sdk::export!(provider: Cohere);
plugway_sdk::export!(embeddings: Cohere);
plugway_sdk::export!(rerank: Cohere);
plugway_sdk::export!(models: Cohere);
