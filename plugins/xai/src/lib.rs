//! xAI. Its count of what was written leaves reasoning out, which is put back; the price
//! that it names and the sources of its live search come with the usage. The options are
//! those of the format: see `plugway_formats::openai_chat`.

use plugway_formats::openai_chat::{
    Defaults, Documents, OpenAiChat, Profile, Profiled, SendReasoning,
};
use plugway_formats::openai_embeddings::OpenAiEmbeddings;
use plugway_formats::openai_models::OpenAiModels;
use plugway_sdk::provider::AuthScheme;

/// The provider.
pub struct Xai;

impl Profiled for Xai {
    const RESPONSES: bool = true;
    const PROFILE: &'static Profile = &Profile {
        name: "xai",
        base_url: Some("https://api.x.ai/v1"),
        auth: || vec![AuthScheme::Bearer],
        dialects: &["openai-chat", "openai-responses"],
        reasoning_formats: &["xai-responses-v1"],
        responses_format: Some("xai-responses-v1"),
        parameters: &PARAMETERS,
        defaults: DEFAULTS,
    };
}

const DEFAULTS: Defaults = Defaults {
    efforts: &["none", "low", "medium", "high"],
    send_reasoning: SendReasoning::Field("reasoning_content"),
    audio: false,
    documents: Documents::No,
    ..Defaults::COMPATIBLE
};

const PARAMETERS: [&str; 22] = [
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "stream_options",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
];

plugway_sdk::export!(provider: OpenAiChat<Xai>);
plugway_sdk::export!(embeddings: OpenAiEmbeddings<Xai>);
plugway_sdk::export!(models: OpenAiModels<Xai>);

#[cfg(test)]
mod tests;
