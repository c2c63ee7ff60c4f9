//! Perplexity, whose models search. The sources are citations of the whole text, and the
//! price of an answer comes with its usage. The options are those of the format: see
//! `plugway_formats::openai_chat`.

use plugway_formats::openai_chat::{Defaults, OpenAiChat, Profile, Profiled};
use plugway_sdk::provider::AuthScheme;

/// The provider.
pub struct Perplexity;

impl Profiled for Perplexity {
    const RESPONSES: bool = false;
    const PROFILE: &'static Profile = &Profile {
        name: "perplexity",
        base_url: Some("https://api.perplexity.ai"),
        auth: || vec![AuthScheme::Bearer],
        dialects: &["openai-chat"],
        reasoning_formats: &[],
        responses_format: None,
        parameters: &PARAMETERS,
        defaults: DEFAULTS,
    };
}

const DEFAULTS: Defaults =
    Defaults { efforts: &["minimal", "low", "medium", "high"], ..Defaults::COMPATIBLE };

const PARAMETERS: [&str; 14] = [
    "frequency_penalty",
    "include_reasoning",
    "max_completion_tokens",
    "max_tokens",
    "presence_penalty",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "stop",
    "stream_options",
    "structured_outputs",
    "temperature",
    "top_k",
    "top_p",
];

plugway_sdk::export!(provider: OpenAiChat<Perplexity>);

#[cfg(test)]
mod tests;
