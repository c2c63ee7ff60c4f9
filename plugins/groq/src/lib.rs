//! Groq. Usage comes beside the choices under a name of its own, and errors inside a
//! stream as events. The options are those of the format: see
//! `plugway_formats::openai_chat`.

use plugway_formats::openai_chat::{
    AskReasoning, Defaults, Documents, OpenAiChat, Profile, Profiled, SendReasoning,
};
use plugway_formats::openai_models::OpenAiModels;
use plugway_sdk::provider::AuthScheme;

/// The provider.
pub struct Groq;

impl Profiled for Groq {
    const RESPONSES: bool = false;
    const PROFILE: &'static Profile = &Profile {
        name: "groq",
        base_url: Some("https://api.groq.com/openai/v1"),
        auth: || vec![AuthScheme::Bearer],
        dialects: &["openai-chat"],
        reasoning_formats: &[],
        responses_format: None,
        parameters: &PARAMETERS,
        defaults: DEFAULTS,
    };
}

const DEFAULTS: Defaults = Defaults {
    max_tokens_field: "max_completion_tokens",
    efforts: &["none", "default", "low", "medium", "high"],
    ask_reasoning: AskReasoning::HiddenEffort,
    audio: false,
    documents: Documents::No,
    send_reasoning: SendReasoning::Field("reasoning"),
    ..Defaults::COMPATIBLE
};

const PARAMETERS: [&str; 22] = [
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning",
    "reasoning_effort",
    "response_format",
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
];

plugway_sdk::export!(provider: OpenAiChat<Groq>);
plugway_sdk::export!(models: OpenAiModels<Groq>);

#[cfg(test)]
mod tests;
