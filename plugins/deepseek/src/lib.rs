//! DeepSeek. Reasoning is switched by `thinking`, comes in `reasoning_content`, and goes
//! back there; an assistant's message is continued at the path for prefixes. The options
//! are those of the format: see `plugway_formats::openai_chat`.

use plugway_formats::openai_chat::{
    AskReasoning, Defaults, Documents, OpenAiChat, Profile, Profiled, ResultMedia, SendReasoning,
};
use plugway_formats::openai_models::OpenAiModels;
use plugway_sdk::provider::AuthScheme;

/// The provider.
pub struct DeepSeek;

impl Profiled for DeepSeek {
    const RESPONSES: bool = true;
    const PROFILE: &'static Profile = &Profile {
        name: "deepseek",
        base_url: Some("https://api.deepseek.com"),
        auth: || vec![AuthScheme::Bearer],
        dialects: &["openai-chat", "openai-responses"],
        reasoning_formats: &["deepseek-responses-v1"],
        responses_format: Some("deepseek-responses-v1"),
        parameters: &PARAMETERS,
        defaults: DEFAULTS,
    };
}

const DEFAULTS: Defaults = Defaults {
    efforts: &["low", "medium", "high", "max"],
    ask_reasoning: AskReasoning::Thinking,
    // It reads text alone.
    images: false,
    audio: false,
    documents: Documents::No,
    result_media: ResultMedia::No,
    send_reasoning: SendReasoning::Field("reasoning_content"),
    prefix: true,
    prefix_path: Some("/beta/chat/completions"),
    ..Defaults::COMPATIBLE
};

const PARAMETERS: [&str; 18] = [
    "frequency_penalty",
    "include_reasoning",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "stop",
    "stream_options",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
];

plugway_sdk::export!(provider: OpenAiChat<DeepSeek>);
plugway_sdk::export!(models: OpenAiModels<DeepSeek>);

#[cfg(test)]
mod tests;
