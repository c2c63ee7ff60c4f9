//! What adapters refuse, because their providers have no such thing.

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
