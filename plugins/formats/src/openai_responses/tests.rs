//! The format on hand-written requests and transcripts.

mod decode;
mod encode;

use crate::openai_chat::{Defaults, OpenAiChat, Profile, Profiled};
use plugway_sdk::provider::AuthScheme;

/// OpenAI's own way.
struct Plain;

impl Profiled for Plain {
    const RESPONSES: bool = true;
    const PROFILE: &'static Profile = &Profile {
        name: "plain",
        base_url: None,
        auth: || vec![AuthScheme::Bearer],
        dialects: &["openai-chat", "openai-responses"],
        reasoning_formats: &["openai-responses-v1"],
        responses_format: Some("openai-responses-v1"),
        parameters: &[
            "logprobs",
            "parallel_tool_calls",
            "service_tier",
            "temperature",
            "tools",
            "user",
            "verbosity",
        ],
        defaults: Defaults::OPENAI,
    };
}

type OpenAi = OpenAiChat<Plain>;

const OPTIONS: [(&str, &str); 1] = [("api", r#""responses""#)];

/// The memo of a request of a client that speaks the format.
const NATIVE: &str = "responses openai-responses";

/// That of any other.
const FOREIGN: &str = "responses openai-chat";
