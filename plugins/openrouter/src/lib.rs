//! OpenRouter, itself a router: it takes every format of reasoning back to whom it came
//! from, names the price of every answer, and fails inside a stream as a chunk. The
//! options are those of the format: see `plugway_formats::openai_chat`.

use plugway_formats::openai_chat::{
    AskReasoning, CachePoints, Defaults, Documents, OpenAiChat, Profile, Profiled, ResultMedia,
    SendReasoning,
};
use plugway_formats::openai_embeddings::OpenAiEmbeddings;
use plugway_formats::openai_models::OpenAiModels;
use plugway_sdk::provider::AuthScheme;

/// The provider.
pub struct OpenRouter;

impl Profiled for OpenRouter {
    const RESPONSES: bool = true;
    const PROFILE: &'static Profile = &Profile {
        name: "openrouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        auth: || vec![AuthScheme::Bearer],
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
    developer_role: "developer",
    ask_reasoning: AskReasoning::Object,
    send_reasoning: SendReasoning::Details,
    cache_points: CachePoints::Control,
    documents: Documents::FileUrl,
    videos: true,
    result_media: ResultMedia::Content,
    echo_images: true,
    ..Defaults::COMPATIBLE
};

const PARAMETERS: [&str; 30] = [
    "cache_control",
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "min_p",
    "modalities",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
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

plugway_sdk::export!(provider: OpenAiChat<OpenRouter>);
plugway_sdk::export!(embeddings: OpenAiEmbeddings<OpenRouter>);
plugway_sdk::export!(models: OpenAiModels<OpenRouter>);

#[cfg(test)]
mod tests;
