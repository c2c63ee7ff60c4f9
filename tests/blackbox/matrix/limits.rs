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
pub(super) const GAPS: [(&str, &str, &str, &str); 0] = [];
