//! Chat completions, the format that OpenAI began and most others took over.
//!
//! An adapter is a [`Profile`] and nothing else; what differs between two servers of
//! one provider is an option of the endpoint. The options, as JSON values, with
//! OpenAI's defaults:
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `api` | `chat` | the format of requests: `chat` completions or `responses`, where the adapter has both |
//! | `api_version` | none | goes into the query, and the model with `/deployments` into the path before it: Azure's older style |
//! | `path` | `/chat/completions` | path and query below the base URL; `{model}` stands for the model, percent-encoded |
//! | `responses_path`, `embeddings_path`, `rerank_path`, `models_path` | `/responses`, `/embeddings`, `/rerank`, `/models` | the same for the other things that a server does |
//! | `max_tokens_field` | `max_completion_tokens` | the field that bounds the answer; older servers know `max_tokens` |
//! | `user_field` | `user` | the field for the end user's pseudonym, e.g. `safety_identifier` |
//! | `seed_field` | `seed` | the field for the seed, e.g. `random_seed` |
//! | `system_role`, `developer_role` | `system`, `developer` | how those messages are named; older servers know `system` alone |
//! | `required_choice` | `required` | the tool choice for a call of any tool, e.g. `any` |
//! | `efforts` | all of OpenAI's | the values of `reasoning_effort` that the model has; empty: none is ever sent |
//! | `reasoning_field` | `reasoning_effort` | how to ask for reasoning: `none`, `reasoning_effort`, `include_reasoning` (the same, and `false` where it is to be kept out of the answer), `reasoning` (an object), `thinking` (an object with a type, and the effort beside it), `enable_thinking`, `chat_template_kwargs` |
//! | `send_reasoning` | `none` | where assistant messages take reasoning back: `none`, `reasoning_content`, `reasoning`, `reasoning_details` (every format), `content` (as items of it), `extra_content` (signatures, on the calls) |
//! | `cache_points` | `prompt_cache_breakpoint` | how cache breakpoints are written: `none`, `cache_control`, `native` (the same, where the client wrote it so), or `prompt_cache_breakpoint` where the client asks for explicit caching |
//! | `documents` | `file` | how documents are attached: `none` (only as text), as a `file` of data, `file_url` (the same, and it may be a URL) or `document_url` |
//! | `images`, `audio` | `true` | the server takes them |
//! | `image_urls` | `true` | the server fetches images; else the router does, where the operator lets it |
//! | `videos` | `false` | the server takes `video_url` |
//! | `result_media` | `message` | where media of a tool's result go: `content` (into the result), `message` (into a message of the user's behind the results), or `none`: they are refused |
//! | `echo_images` | `false` | assistant messages take back the images that the model made |
//! | `stream_usage` | `true` | ask for usage at the end of a stream, which few servers refuse |
//! | `freeform_tools`, `allowed_tools` | `true` | the server knows tools without a schema, and sets of allowed tools; else the former are refused, and only the tools of the latter are sent |
//! | `prefix` | `false` | mark a trailing assistant message with `prefix`, so that it is continued |
//! | `prefix_path` | none | where such a request goes, if to another path |
//! | `call_id_chars` | none | the letters and digits that an id of a call must have; others are mapped |
//! | `extended_sampling` | `false` | the server knows `top_k`, `min_p`, `top_a` and `repetition_penalty` too |
//! | `refused` | none | names of parameters that the server refuses: they are left out where they only tune, else the request is refused as unsupported |
//!
//! No option is needed for what is read: reasoning by any of its names, ends of streams
//! with or without `[DONE]`, calls without ids or numbers, arguments that are objects,
//! content that is a list, usage by many names or none, odd finish reasons.
//!
//! The memo is the request's dialect: native fields of an answer are passed on only
//! to a client that speaks this format itself.

mod decode;
mod encode;
mod explain;
mod options;
mod profile;

use std::marker::PhantomData;

use plugway_sdk::chat::{Event, Failure, Request};
use plugway_sdk::provider::{
    Endpoint, Frame, Info, Provider, ResponseHead, StreamDecoder, UpstreamRequest, UpstreamResponse,
};

use crate::openai_responses;
pub(crate) use decode::{named_price, news, nonsense};
pub(crate) use encode::{effort, json_schema};
pub(crate) use explain::{in_band, told};
pub(crate) use options::Options;
pub use profile::{
    Api, AskReasoning, CachePoints, Defaults, Documents, OPENAI_PARAMETERS, Profile, ResultMedia,
    SendReasoning,
};

/// The client format whose native values this one reads and writes.
pub const DIALECT: &str = "openai-chat";

/// A type that stands for one provider.
pub trait Profiled: 'static {
    /// What is its own.
    const PROFILE: &'static Profile;
    /// Whether it has the responses API too.
    const RESPONSES: bool;
}

/// The adapter of a provider.
pub struct OpenAiChat<P>(PhantomData<P>);

impl<P: Profiled> Provider for OpenAiChat<P> {
    type Decoder = Decoder<P>;

    fn describe() -> Info {
        P::PROFILE.info()
    }

    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        let options = Options::of(P::PROFILE, &endpoint)?;
        match options.api {
            Api::Chat => encode::encode(&options, &request),
            Api::Responses if P::RESPONSES => {
                openai_responses::encode(P::PROFILE, &options, &request)
            }
            Api::Responses => Err(Failure::unsupported("this provider has no responses API")),
        }
    }

    fn decode(response: UpstreamResponse, memo: String) -> Vec<Event> {
        match openai_responses::dialect(&memo) {
            Some(dialect) if P::RESPONSES => {
                openai_responses::whole(P::PROFILE, &response, dialect)
            }
            _ => decode::whole(&response, &memo),
        }
    }

    fn explain(response: UpstreamResponse) -> Failure {
        explain::explain(&response)
    }
}

/// Reads one streamed answer, in the format that its request was in.
pub struct Decoder<P>(Format, PhantomData<P>);

enum Format {
    Chat(decode::Decoder),
    Responses(openai_responses::Decoder),
}

impl<P: Profiled> StreamDecoder for Decoder<P> {
    fn new(_head: ResponseHead, memo: String) -> Self {
        let format = match openai_responses::dialect(&memo) {
            Some(dialect) if P::RESPONSES => {
                Format::Responses(openai_responses::Decoder::new(P::PROFILE, dialect))
            }
            _ => Format::Chat(decode::Decoder::new(&memo)),
        };
        Self(format, PhantomData)
    }

    fn push(&mut self, frame: Frame, events: &mut Vec<Event>) {
        match &mut self.0 {
            Format::Chat(decoder) => decoder.push(&frame, events),
            Format::Responses(decoder) => decoder.push(&frame, events),
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        match &mut self.0 {
            Format::Chat(decoder) => decoder.end(events),
            Format::Responses(decoder) => decoder.end(events),
        }
    }
}

#[cfg(test)]
mod tests;
