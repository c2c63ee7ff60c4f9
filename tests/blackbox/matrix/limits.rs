//! What adapters refuse, because their providers have no such thing; and what is not
//! right yet.

/// Adapter and conversation.
pub(super) const LIMITS: [(&str, &str); 7] = [
    ("bedrock", "image-by-url"),
    ("cohere", "document"),
    ("cohere", "tool-results-with-image"),
    ("mistral", "tool-results-with-image"),
    ("ollama", "document"),
    ("ollama", "image-by-url"),
    ("openai-responses", "stop-sequence"),
];

/// Dialect, adapter, conversation, and what is not right yet.
pub(super) const GAPS: [(&str, &str, &str, &str); 0] = [];
