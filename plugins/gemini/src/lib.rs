//! Google's Gemini API as a Plugway provider: `generateContent` of Google AI Studio
//! and of Vertex AI, whole or streamed, with token counts, embeddings and models.
//!
//! Options of an endpoint, as JSON values:
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `platform` | `ai-studio` | `ai-studio` or `vertex`: which of the two an endpoint is of |
//! | `api_version` | none | e.g. `v1beta`: the first segment of every path, where the base URL does not name it |
//! | `project` | none | Vertex: the project; without one the paths are those of express mode |
//! | `location` | `global` | Vertex: the location, which the base URL must agree with |
//! | `publisher` | `google` | Vertex: who made the model |
//! | `thinking` | by the model's name | how it is told how much to think: `level`, `budget`, or `none` where it cannot |
//! | `fetches_urls` | by the model's name | it fetches media from any https URL by itself |
//! | `embed_method` | by platform and name | `batchEmbedContents`, `embedContent` or `predict` |
//!
//! Base URLs: `https://generativelanguage.googleapis.com/v1beta`; on Vertex
//! `https://aiplatform.googleapis.com/v1beta1` for the location `global`, and
//! `https://LOCATION-aiplatform.googleapis.com/v1beta1` (or `/v1`) for the others.
//!
//! What has no exact counterpart, and what is done about it:
//!
//! | in the request | here |
//! |---|---|
//! | `system`, `developer` after the start | unsupported |
//! | tool results that are no JSON object | the field `output` of one, or `error` where the tool failed |
//! | media in tool results | unsupported by models before 3 |
//! | URLs that Google does not fetch | unsupported with the code `fetch` |
//! | reasoning effort | `thinkingLevel`, of models before 3 a `thinkingBudget` |
//! | reasoning and signatures of other providers | dropped |
//! | tool calls that Gemini 3 did not sign | signed with the word that Google documents for it |
//! | ids of tool calls | left out on Vertex, which refuses them in parts of its fleet |
//! | allowed tools of which none is required | the mode `VALIDATED` |
//! | freeform tools, more than 5 stop sequences | unsupported |
//! | `parallel_tool_calls`, `strict`, `min_p`, `top_a`, `repetition_penalty`, `logit_bias`, seeds of more than 32 bits, image detail, names of speakers, schemas and documents | dropped: they tune, and change no meaning |
//! | empty text without a signature | dropped: the API refuses it |
//!
//! Models of Anthropic's on Vertex (`publisher` is `anthropic`) are asked by `rawPredict`
//! in their own format; of it, and of its further options, `plugway-formats` tells.
//!
//! Requests in the provider's own dialect skip such adjustments: their values are sent
//! as the client wrote them, and native parts, tools and fields with them.

mod claude;
mod decode;
mod embeddings;
mod encode;
mod explain;
mod listing;
mod model;
mod options;
mod path;
mod token_count;

use options::Options;
use plugway_formats::anthropic_messages;
use plugway_sdk::chat::{Event, Failure, Request};
use plugway_sdk::embeddings::{EmbedRequest, EmbedResponse, Embeddings};
use plugway_sdk::models::{Models, Page};
use plugway_sdk::provider::{
    AuthScheme, Endpoint, Info, Provider, UpstreamRequest, UpstreamResponse,
};
use plugway_sdk::token_count::TokenCount;

/// The client format whose native values this adapter reads and writes.
const DIALECT: &str = "gemini";

/// Names the signatures that this provider takes back.
const REASONING_FORMAT: &str = "google-gemini-v1";

/// What the made-up id of a call begins with, where nobody else is to see it: the host
/// writes such ids too, for calls that a client sent without one.
const UNNAMED: &str = "unnamed-";

/// What a token of Google's must be good for.
const OAUTH_SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// OpenAI-style names of the parameters that `encode` translates.
const SUPPORTED_PARAMETERS: [&str; 21] = [
    "frequency_penalty",
    "include_reasoning",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "modalities",
    "n",
    "presence_penalty",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "seed",
    "service_tier",
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
pub struct Gemini;

impl Provider for Gemini {
    type Decoder = decode::Decoder;

    fn describe() -> Info {
        Info {
            name: "gemini".into(),
            default_base_url: Some("https://generativelanguage.googleapis.com/v1beta".into()),
            auth: vec![
                AuthScheme::Header("x-goog-api-key".into()),
                AuthScheme::Query("key".into()),
                AuthScheme::Oauth(OAUTH_SCOPE.into()),
            ],
            dialects: vec![DIALECT.into(), anthropic_messages::DIALECT.into()],
            reasoning_formats: vec![
                REASONING_FORMAT.into(),
                anthropic_messages::REASONING_FORMAT.into(),
            ],
            supported_parameters: SUPPORTED_PARAMETERS.map(Into::into).into(),
        }
    }

    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        let options = Options::of(&endpoint)?;
        if options.is_claude() {
            return claude::encode(&request, &endpoint, &options);
        }
        encode::encode(&request, &options)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Vec<Event> {
        decode::whole(&response.body, &memo)
    }

    fn explain(response: UpstreamResponse) -> Failure {
        explain::explain(&response)
    }
}

impl TokenCount for Gemini {
    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        let options = Options::of(&endpoint)?;
        if options.is_claude() {
            return claude::encode_count(&request, &endpoint, &options);
        }
        token_count::encode(&request, &options)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Result<u64, Failure> {
        if claude::dialect(&memo).is_some() {
            return anthropic_messages::decode_count(&response.body);
        }
        token_count::decode(&response)
    }
}

impl Embeddings for Gemini {
    fn encode(request: EmbedRequest, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        embeddings::encode(&request, &endpoint)
    }

    fn decode(response: UpstreamResponse, _: String) -> Result<EmbedResponse, Failure> {
        embeddings::decode(&response)
    }
}

impl Models for Gemini {
    fn encode(cursor: Option<String>, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        listing::encode(cursor.as_deref(), &endpoint)
    }

    fn decode(response: UpstreamResponse, _: String) -> Result<Page, Failure> {
        listing::decode(&response)
    }
}

plugway_sdk::export!(provider: Gemini);
plugway_sdk::export!(token_count: Gemini);
plugway_sdk::export!(embeddings: Gemini);
plugway_sdk::export!(models: Gemini);

#[cfg(test)]
mod tests;
