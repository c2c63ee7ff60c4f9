//! The format on hand-written requests and transcripts.

mod broken;
mod decode;
mod encode;
mod explain;

use super::{DIALECT, Defaults, OpenAiChat, Profile, Profiled};
use plugway_sdk::provider::AuthScheme;

/// OpenAI's own way, with every parameter.
struct Plain;

impl Profiled for Plain {
    const RESPONSES: bool = true;
    const PROFILE: &'static Profile = &Profile {
        name: "plain",
        base_url: None,
        auth: || vec![AuthScheme::Bearer],
        dialects: &[DIALECT],
        reasoning_formats: &[],
        responses_format: None,
        parameters: &[
            "frequency_penalty",
            "logit_bias",
            "logprobs",
            "modalities",
            "n",
            "parallel_tool_calls",
            "presence_penalty",
            "prompt_cache_key",
            "response_format",
            "seed",
            "service_tier",
            "stop",
            "structured_outputs",
            "temperature",
            "tools",
            "top_p",
            "user",
            "verbosity",
        ],
        defaults: Defaults::OPENAI,
    };
}

type OpenAi = OpenAiChat<Plain>;
