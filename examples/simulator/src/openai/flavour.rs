//! What differs between those who took over OpenAI's format.

use crate::speech::{Limits, by_field, calls_last};

/// One provider's variety of the format.
#[derive(Debug)]
pub(super) struct Flavour {
    pub(super) name: Name,
    /// Fields of a request, beside those that all have.
    pub(super) fields: &'static [&'static str],
    /// Fields of a message, beside those that all have.
    pub(super) message_fields: &'static [&'static str],
    /// Types of the parts of a message.
    pub(super) parts: &'static [&'static str],
    /// Types of the parts of a tool's message.
    pub(super) tool_parts: &'static [&'static str],
    pub(super) thoughts: Thoughts,
    pub(super) sources: Sources,
    /// It has tools.
    pub(super) tools: bool,
    /// Ids of calls have this many letters and digits, and nothing else.
    pub(super) call_id_chars: Option<usize>,
    pub(super) refusals: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    OpenAi,
    Azure,
    DeepSeek,
    Groq,
    Mistral,
    OpenRouter,
    Perplexity,
    Xai,
}

/// Where reasoning stands in an answer, and in a message that is sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thoughts {
    None,
    /// In a field of this name.
    Field(&'static str),
    /// In `reasoning_details`, and in plain words in `reasoning`.
    Details,
    /// Among the items of the content.
    Chunks,
}

/// Where the sources of an answer stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sources {
    None,
    /// In the message, with places in its text.
    Annotations,
    /// Beside the choices, as a list of addresses.
    Urls,
    /// Beside the choices, as addresses and as what was found there.
    Results,
}

impl Flavour {
    pub(super) fn limits(&self) -> Limits {
        let chunks = self.thoughts == Thoughts::Chunks;
        Limits {
            order: if chunks { calls_last } else { by_field },
            joins: true,
            refusals: self.refusals,
            reasoning: self.thoughts != Thoughts::None,
            sealed: self.thoughts == Thoughts::Details,
            citations: self.sources != Sources::None,
            calls: self.tools,
            objects: false,
            content_filter: !matches!(self.name, Name::Groq | Name::Mistral | Name::Perplexity),
        }
    }
}

/// Fields of a request that all have.
pub(super) const FIELDS: [&str; 13] = [
    "model",
    "messages",
    "stream",
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "tools",
    "tool_choice",
    "response_format",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
];

/// Fields of a message that all have.
pub(super) const MESSAGE_FIELDS: [&str; 5] =
    ["role", "content", "name", "tool_calls", "tool_call_id"];

/// Fields that OpenAI has and Azure took over.
const OPENAI_FIELDS: [&str; 26] = [
    "audio",
    "data_sources",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "metadata",
    "modalities",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "seed",
    "service_tier",
    "store",
    "stream_options",
    "top_logprobs",
    "user",
    "user_security_context",
    "verbosity",
    "web_search_options",
];

const OPENAI_PARTS: [&str; 5] = ["text", "image_url", "input_audio", "refusal", "file"];

/// OpenAI, and whoever has nothing of his own. Reasoning is shown in the field that most
/// of them show it in.
const COMMON: Flavour = Flavour {
    name: Name::OpenAi,
    fields: &OPENAI_FIELDS,
    message_fields: &["annotations", "audio", "function_call", "reasoning_content", "refusal"],
    parts: &OPENAI_PARTS,
    tool_parts: &["text"],
    thoughts: Thoughts::Field("reasoning_content"),
    sources: Sources::Annotations,
    tools: true,
    call_id_chars: None,
    refusals: true,
};

pub(super) static OPENAI: Flavour = COMMON;

pub(super) static AZURE: Flavour = Flavour { name: Name::Azure, ..COMMON };

pub(super) static DEEPSEEK: Flavour = Flavour {
    name: Name::DeepSeek,
    fields: &[
        "logprobs",
        "max_completion_tokens",
        "parallel_tool_calls",
        "stream_options",
        "thinking",
        "top_logprobs",
    ],
    message_fields: &["prefix", "reasoning_content"],
    parts: &["text"],
    thoughts: Thoughts::Field("reasoning_content"),
    sources: Sources::None,
    refusals: false,
    ..COMMON
};

pub(super) static GROQ: Flavour = Flavour {
    name: Name::Groq,
    fields: &[
        "citation_options",
        "compound_custom",
        "documents",
        "include_reasoning",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "metadata",
        "n",
        "parallel_tool_calls",
        "reasoning_format",
        "search_settings",
        "seed",
        "service_tier",
        "store",
        "stream_options",
        "top_logprobs",
        "user",
    ],
    message_fields: &["reasoning"],
    parts: &["text", "image_url"],
    thoughts: Thoughts::Field("reasoning"),
    sources: Sources::None,
    refusals: false,
    ..COMMON
};

pub(super) static MISTRAL: Flavour = Flavour {
    name: Name::Mistral,
    fields: &[
        "guardrails",
        "logprobs",
        "metadata",
        "n",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_key",
        "prompt_mode",
        "random_seed",
        "safe_prompt",
        "top_logprobs",
    ],
    message_fields: &["prefix"],
    parts: &["text", "image_url", "document_url", "reference", "file", "thinking", "input_audio"],
    tool_parts: &["text", "image_url", "document_url", "reference", "file"],
    thoughts: Thoughts::Chunks,
    sources: Sources::None,
    call_id_chars: Some(9),
    refusals: false,
    ..COMMON
};

pub(super) static OPENROUTER: Flavour = Flavour {
    name: Name::OpenRouter,
    fields: &[
        "cache_control",
        "debug",
        "image_config",
        "include_reasoning",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "metadata",
        "min_p",
        "modalities",
        "models",
        "n",
        "parallel_tool_calls",
        "plugins",
        "prediction",
        "prompt_cache_key",
        "provider",
        "reasoning",
        "repetition_penalty",
        "route",
        "seed",
        "service_tier",
        "session_id",
        "stream_options",
        "structured_outputs",
        "top_a",
        "top_k",
        "top_logprobs",
        "trace",
        "transforms",
        "usage",
        "user",
        "verbosity",
        "web_search_options",
    ],
    message_fields: &[
        "annotations",
        "audio",
        "images",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "refusal",
    ],
    parts: &["text", "image_url", "input_audio", "file", "video_url", "refusal"],
    tool_parts: &["text", "image_url", "input_audio", "file", "video_url"],
    thoughts: Thoughts::Details,
    ..COMMON
};

pub(super) static PERPLEXITY: Flavour = Flavour {
    name: Name::Perplexity,
    fields: &[
        "disable_search",
        "enable_search_classifier",
        "language_preference",
        "last_updated_after_filter",
        "last_updated_before_filter",
        "max_completion_tokens",
        "media_response",
        "num_search_results",
        "return_images",
        "return_related_questions",
        "search_after_date_filter",
        "search_before_date_filter",
        "search_domain_filter",
        "search_language_filter",
        "search_mode",
        "search_recency_filter",
        "stream_mode",
        "stream_options",
        "top_k",
        "web_search_options",
    ],
    message_fields: &[],
    parts: &["text", "image_url", "file_url", "file", "pdf_url", "video_url", "input_audio"],
    thoughts: Thoughts::None,
    sources: Sources::Results,
    tools: false,
    refusals: false,
    ..COMMON
};

pub(super) static XAI: Flavour = Flavour {
    name: Name::Xai,
    fields: &[
        "deferred",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "n",
        "parallel_tool_calls",
        "search_parameters",
        "seed",
        "stream_options",
        "top_logprobs",
        "user",
        "web_search_options",
    ],
    message_fields: &["reasoning_content"],
    parts: &["text", "image_url"],
    thoughts: Thoughts::Field("reasoning_content"),
    sources: Sources::Urls,
    refusals: true,
    ..COMMON
};
