//! Any server that speaks OpenAI's format: what is odd about it is an option of its
//! endpoint. Nothing needs to be said about what such servers answer; about what they
//! take, these are the options that matter most:
//!
//! | the server | option |
//! |---|---|
//! | knows `max_completion_tokens` only | `max_tokens_field = "max_completion_tokens"` |
//! | has reasoning that is switched | `reasoning_field = "thinking"`, `"enable_thinking"`, `"chat_template_kwargs"` or `"reasoning"` |
//! | has other efforts, or none | `efforts = ["low", "high"]`, `efforts = []` |
//! | wants its reasoning back | `send_reasoning = "reasoning_content"`, `"reasoning"` or `"reasoning_details"` |
//! | knows the developer's role | `developer_role = "developer"` |
//! | refuses fields | `refused = ["seed", "parallel_tool_calls"]` |
//! | refuses to tell usage in streams | `stream_usage = false` |
//! | cannot fetch images | `image_urls = false` |
//! | keeps prompt caches by breakpoints | `cache_points = "cache_control"` |
//! | refuses such marks | `cache_points = "none"` |
//! | has OpenAI's newer kinds of tools | `freeform_tools = true`, `allowed_tools = true` |
//! | has the responses API | `api = "responses"` |
//! | has other paths | `path = "/api/v2/cortex/v1/chat/completions"`, `rerank_path = "/v1/rerank"` |
//!
//! All of them, with those for embeddings and ranking, stand in
//! `plugway_formats::openai_chat`, `::openai_embeddings` and `::rerank`.

use plugway_formats::openai_chat::{
    CachePoints, Defaults, OpenAiChat, Profile, Profiled, ResultMedia,
};
use plugway_formats::openai_embeddings::OpenAiEmbeddings;
use plugway_formats::openai_models::OpenAiModels;
use plugway_formats::rerank::DocumentRerank;
use plugway_sdk::provider::AuthScheme;

/// The provider.
pub struct Compatible;

impl Profiled for Compatible {
    const RESPONSES: bool = true;
    const PROFILE: &'static Profile = &Profile {
        name: "openai-compatible",
        base_url: None,
        auth: || vec![AuthScheme::Bearer, AuthScheme::None],
        dialects: &["openai-chat", "openai-responses"],
        reasoning_formats: &[
            "anthropic-claude-v1",
            "azure-openai-responses-v1",
            "google-gemini-v1",
            "openai-responses-v1",
            "unknown",
            "xai-responses-v1",
        ],
        responses_format: Some("openai-responses-v1"),
        parameters: &PARAMETERS,
        defaults: DEFAULTS,
    };
}

const DEFAULTS: Defaults = Defaults {
    efforts: &["none", "minimal", "low", "medium", "high", "xhigh", "max"],
    videos: true,
    result_media: ResultMedia::Content,
    echo_images: true,
    // Servers that pass requests on take the client's own marks; others mostly ignore them.
    cache_points: CachePoints::Native,
    ..Defaults::COMPATIBLE
};

const PARAMETERS: [&str; 32] = [
    "cache_control",
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "min_p",
    "modalities",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning",
    "reasoning_effort",
    "repetition_penalty",
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
    "top_a",
    "top_k",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];

plugway_sdk::export!(provider: OpenAiChat<Compatible>);
plugway_sdk::export!(embeddings: OpenAiEmbeddings<Compatible>);
plugway_sdk::export!(rerank: DocumentRerank<Compatible>);
plugway_sdk::export!(models: OpenAiModels<Compatible>);

#[cfg(test)]
mod tests;
