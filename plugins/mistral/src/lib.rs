//! Mistral. Reasoning comes and goes back as items of the content, documents have an item
//! of their own, and ids of calls are nine letters and digits. The options are those of
//! the format: see `plugway_formats::openai_chat`.

use plugway_formats::openai_chat::{
    Defaults, Documents, OpenAiChat, Profile, Profiled, ResultMedia, SendReasoning,
};
use plugway_formats::openai_embeddings::OpenAiEmbeddings;
use plugway_formats::openai_models::OpenAiModels;
use plugway_sdk::provider::AuthScheme;

/// The provider.
pub struct Mistral;

impl Profiled for Mistral {
    const RESPONSES: bool = false;
    const PROFILE: &'static Profile = &Profile {
        name: "mistral",
        base_url: Some("https://api.mistral.ai/v1"),
        auth: || vec![AuthScheme::Bearer],
        dialects: &["openai-chat"],
        reasoning_formats: &[],
        responses_format: None,
        parameters: &PARAMETERS,
        defaults: DEFAULTS,
    };
}

const DEFAULTS: Defaults = Defaults {
    seed_field: "random_seed",
    dimensions_field: "output_dimension",
    required_choice: "any",
    efforts: &["none", "high"],
    send_reasoning: SendReasoning::Chunks,
    documents: Documents::DocumentUrl,
    stream_usage: false,
    result_media: ResultMedia::Content,
    prefix: true,
    call_id_chars: Some(9),
    ..Defaults::COMPATIBLE
};

const PARAMETERS: [&str; 20] = [
    "frequency_penalty",
    "include_reasoning",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
];

plugway_sdk::export!(provider: OpenAiChat<Mistral>);
plugway_sdk::export!(embeddings: OpenAiEmbeddings<Mistral>);
plugway_sdk::export!(models: OpenAiModels<Mistral>);

#[cfg(test)]
mod tests;
