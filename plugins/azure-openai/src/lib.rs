//! OpenAI's models at Azure.
//!
//! The base URL is the resource's with `/openai/v1`, as in
//! `https://NAME.openai.azure.com/openai/v1`; the model is the name of the deployment. The
//! older style is an option away: with `api_version`, say `"2024-10-21"`, and a base URL
//! that ends in `/openai`, requests go to `/deployments/{model}/chat/completions`. The
//! other options are those of the format: see `plugway_formats::openai_chat`.
//!
//! What Azure's content filter found travels as native fields of the answer; what it
//! withheld is a finish or a failure of that kind.

use plugway_formats::openai_chat::{Defaults, OPENAI_PARAMETERS, OpenAiChat, Profile, Profiled};
use plugway_formats::openai_embeddings::OpenAiEmbeddings;
use plugway_formats::openai_models::OpenAiModels;
use plugway_sdk::provider::AuthScheme;

/// The provider.
pub struct AzureOpenAi;

impl Profiled for AzureOpenAi {
    const RESPONSES: bool = true;
    const PROFILE: &'static Profile = &Profile {
        name: "azure-openai",
        base_url: None,
        auth: || {
            vec![
                AuthScheme::Header("api-key".into()),
                AuthScheme::Oauth("https://cognitiveservices.azure.com/.default".into()),
            ]
        },
        dialects: &["openai-chat", "openai-responses"],
        reasoning_formats: &["azure-openai-responses-v1"],
        responses_format: Some("azure-openai-responses-v1"),
        parameters: &OPENAI_PARAMETERS,
        defaults: DEFAULTS,
    };
}

const DEFAULTS: Defaults = Defaults::OPENAI;

plugway_sdk::export!(provider: OpenAiChat<AzureOpenAi>);
plugway_sdk::export!(embeddings: OpenAiEmbeddings<AzureOpenAi>);
plugway_sdk::export!(models: OpenAiModels<AzureOpenAi>);

#[cfg(test)]
mod tests;
