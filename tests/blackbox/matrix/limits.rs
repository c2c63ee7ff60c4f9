//! What adapters refuse, because their providers have no such thing.

/// Adapter and conversation.
pub(super) const LIMITS: [(&str, &str); 12] = [
    ("azure-openai", "tool-results-with-image"),
    ("bedrock", "image-by-url"),
    ("cohere", "document"),
    ("cohere", "tool-results-with-image"),
    ("deepseek", "tool-results-with-image"),
    ("groq", "tool-results-with-image"),
    ("mistral", "tool-results-with-image"),
    ("ollama", "document"),
    ("ollama", "image-by-url"),
    ("openai", "tool-results-with-image"),
    ("openai-responses", "stop-sequence"),
    ("xai", "tool-results-with-image"),
];
