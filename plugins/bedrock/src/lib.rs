//! Amazon Bedrock as a Plugway provider: every model through Converse, and
//! Anthropic's, where the endpoint says so, through Invoke in their own format.
//!
//! What Converse has no exact counterpart for, and what is done about it:
//!
//! | in the request | here |
//! |---|---|
//! | `system`, `developer` after the start | unsupported |
//! | `response_format: json_schema` | `outputConfig`; unsupported by Anthropic's models before 4.5 |
//! | `response_format: json_object` | a closing system block that asks for one JSON object |
//! | reasoning, `top_k` | `additionalModelRequestFields`, in the words of the model's family; dropped for other families |
//! | `tool_choice: none` | the tools are not sent; unsupported where the conversation holds calls |
//! | `parallel_tool_calls: false` | said to Anthropic's models since 4.5, else unsupported |
//! | a set of allowed tools | only those tools are sent |
//! | cache points | sent to the models that take them, else dropped |
//! | media by https URL | for the router to fetch; `s3` URIs are passed on |
//! | a document's name | the characters that Converse takes; a number where there are none |
//! | freeform tools, several choices, log probabilities, output other than text | unsupported |
//! | penalties, `min_p`, `top_a`, `seed`, `logit_bias`, image detail, names of speakers, the end user | dropped: they tune, and change no meaning |
//! | reasoning that nobody signed | dropped |
//! | fields of Anthropic's format | for Anthropic's models `additionalModelRequestFields`; its native blocks and tools are unsupported |
//!
//! Options of an endpoint, as JSON values:
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `api` | `converse` | `invoke`: Anthropic's own format, for Anthropic's models |
//! | `family` | from the model's name | `anthropic`, `nova`, `openai` or `other`; for names that do not tell, e.g. ARNs |
//! | `cache_points` | from the model's name | whether the model takes cache points |
//! | `guardrail` | none | the object `guardrailConfig`: an identifier, a version, a trace |
//! | `latency` | none | `optimized`: the performance that is paid for |
//! | `betas` | all | the features in beta that a client of Anthropic's format may ask for |
//!
//! and those of Anthropic's format. The memo tells the decoder the client's dialect and
//! whether Anthropic's models wrote the answer.

mod count;
mod decode;
mod embed;

mod encode;
mod errors;
mod frames;
mod invoke;
mod memo;
mod model;
mod models;
mod options;

use plugway_formats::anthropic_messages::{self, REASONING_FORMAT};
use plugway_sdk::chat::{Event, Failure, Request};
use plugway_sdk::provider::{
    AuthScheme, Endpoint, Info, Provider, UpstreamRequest, UpstreamResponse,
};

use options::{Api, Options};

/// Converse's own words, in which no client speaks to a router yet.
const DIALECT: &str = "bedrock-converse";

/// The words of the models that make embeddings.
const EMBED_DIALECT: &str = "bedrock-invoke";

/// Names encrypted reasoning of models that are not Anthropic's.
const FORMAT: &str = "bedrock-converse-v1";

/// OpenAI-style names of the parameters that `encode` translates.
const SUPPORTED_PARAMETERS: [&str; 17] = [
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
    "verbosity",
];

/// The adapter.
pub struct Bedrock;

impl Provider for Bedrock {
    type Decoder = frames::Decoder;

    fn describe() -> Info {
        Info {
            name: "bedrock".into(),
            default_base_url: Some("https://bedrock-runtime.us-east-1.amazonaws.com".into()),
            auth: vec![AuthScheme::Sigv4("bedrock".into()), AuthScheme::Bearer],
            dialects: [DIALECT, EMBED_DIALECT, anthropic_messages::DIALECT].map(Into::into).into(),
            reasoning_formats: vec![REASONING_FORMAT.into(), FORMAT.into()],
            supported_parameters: SUPPORTED_PARAMETERS.map(Into::into).into(),
        }
    }

    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        let options = Options::of(&request.model, &endpoint)?;
        let request = options.without_unknown_betas(request);
        match options.api {
            Api::Converse => encode::encode(&request, &endpoint, &options),
            Api::Invoke => invoke::encode(&request, &endpoint, &options),
        }
    }

    fn decode(response: UpstreamResponse, memo: String) -> Vec<Event> {
        decode::whole(&response, &memo)
    }

    fn explain(response: UpstreamResponse) -> Failure {
        errors::explain(&response)
    }
}

plugway_sdk::export!(provider: Bedrock);
plugway_sdk::export!(token_count: Bedrock);
plugway_sdk::export!(embeddings: Bedrock);

plugway_sdk::export!(models: Bedrock);
