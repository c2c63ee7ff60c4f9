//! OpenAI: chat completions, and the responses API where an endpoint's option `api` says
//! so. The options are those of the format: see `plugway_formats::openai_chat`.

use plugway_formats::openai_chat::{Defaults, OPENAI_PARAMETERS, OpenAiChat, Profile, Profiled};
use plugway_formats::openai_embeddings::OpenAiEmbeddings;
use plugway_formats::openai_models::OpenAiModels;
use plugway_formats::openai_responses::InputTokens;
use plugway_sdk::provider::AuthScheme;

/// The provider.
pub struct OpenAi;

impl Profiled for OpenAi {
    const RESPONSES: bool = true;
    const PROFILE: &'static Profile = &Profile {
        name: "openai",
        base_url: Some("https://api.openai.com/v1"),
        auth: || vec![AuthScheme::Bearer],
        dialects: &["openai-chat", "openai-responses"],
        reasoning_formats: &["openai-responses-v1"],
        responses_format: Some("openai-responses-v1"),
        parameters: &OPENAI_PARAMETERS,
        defaults: DEFAULTS,
    };
}

const DEFAULTS: Defaults = Defaults::OPENAI;

plugway_sdk::export!(provider: OpenAiChat<OpenAi>);
plugway_sdk::export!(embeddings: OpenAiEmbeddings<OpenAi>);
plugway_sdk::export!(models: OpenAiModels<OpenAi>);
plugway_sdk::export!(token_count: InputTokens<OpenAi>);

#[cfg(test)]
mod tests;
