//! What adapters refuse, because their providers have no such thing; and what is not
//! right yet.

/// Adapter and conversation.
pub(super) const LIMITS: [(&str, &str); 10] = [
    ("cohere", "document"),
    ("cohere", "tool-results-with-image"),
    ("deepseek", "document"),
    ("deepseek", "image-as-data"),
    ("deepseek", "image-by-url"),
    ("deepseek", "tool-results-with-image"),
    ("groq", "document"),
    ("ollama", "document"),
    ("openai-responses", "stop-sequence"),
    ("xai", "document"),
];

/// Dialect, adapter, conversation, and what is not right yet.
pub(super) const GAPS: [(&str, &str, &str, &str); 10] = [
    ("openai-responses", "mistral", "interleaved", REASONING_JOINED),
    ("anthropic-messages", "mistral", "interleaved", REASONING_JOINED),
    ("gemini", "mistral", "interleaved", REASONING_JOINED),
    ("anthropic-messages", "openai-responses", "reasoning", NO_SUMMARY),
    ("anthropic-messages", "openai-responses", "reasoning-over-three-turns", NO_SUMMARY),
    ("anthropic-messages", "openai-responses", "interleaved", NO_SUMMARY),
    ("gemini", "openai-responses", "reasoning", NO_SUMMARY),
    ("gemini", "openai-responses", "reasoning-over-three-turns", NO_SUMMARY),
    ("gemini", "openai-responses", "interleaved", NO_SUMMARY),
    ("ollama", "openai-responses", "reasoning", NO_SUMMARY),
];

const REASONING_JOINED: &str = "the adapter joins reasoning that text stands between";

const NO_SUMMARY: &str =
    "the dialect asks for reasoning, and not for the summary that this provider shows instead";
