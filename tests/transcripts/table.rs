//! What providers answer, by hand, for the fuzz target `adapters` to change. The tests on
//! bad input read the same files, and tell what they mean.

use plugway_engine::{Frame, Framing};
use plugway_wire::framing::Framer;

/// One answer, or the stream of one.
pub(crate) struct Transcript {
    /// Who reads this format.
    pub(crate) adapters: &'static [&'static str],
    pub(crate) what: What,
    /// Memos: of a foreign client, of a client of the format, and others that make the
    /// adapter read it another way.
    pub(crate) memos: &'static [&'static str],
    text: &'static str,
}

/// What is answered.
#[derive(Clone, Copy)]
pub(crate) enum What {
    Chat,
    Embeddings,
    Rerank,
    Count,
    Models,
}

impl Transcript {
    /// Server-sent events, lines, or one body.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        let framing = if self.text.starts_with('{') { Framing::Ndjson } else { Framing::Sse };
        let mut framer = Framer::new(framing, usize::MAX);
        let mut frames = Vec::new();
        let framed = framer.push(self.text.as_bytes(), &mut frames);
        let ended = framer.end(&mut frames);
        assert!(framed.is_ok() && ended.is_ok(), "a transcript cannot be read");
        frames
    }
}

const CHAT: &[&str] = &[
    "azure-openai",
    "deepseek",
    "groq",
    "mistral",
    "openai",
    "openai-compatible",
    "openrouter",
    "perplexity",
    "xai",
];
const RESPONSES: &[&str] = &["azure-openai", "openai", "openai-compatible", "openrouter", "xai"];
const CHAT_MEMOS: &[&str] = &["", "openai-chat"];
const RESPONSES_MEMOS: &[&str] = &["responses ", "responses openai-responses"];
const MESSAGES: &[&str] = &["anthropic", "gemini"];
const MESSAGES_MEMOS: &[&str] =
    &["anthropic-messages", "anthropic anthropic-messages", "anthropic ", ""];
/// How many inputs there were.
const COUNTED: &[&str] = &["", "2"];
const BEDROCK_MEMOS: &[&str] = &[
    "",
    r#"{"anthropic":true}"#,
    r#"{"dialect":"bedrock-converse"}"#,
    r#"{"dialect":"anthropic-messages","anthropic":true}"#,
];

macro_rules! transcript {
    ($adapters:expr, $what:ident, $memos:expr, $file:literal) => {
        Transcript {
            adapters: $adapters,
            what: What::$what,
            memos: $memos,
            text: include_str!($file),
        }
    };
}

pub(crate) const TRANSCRIPTS: [Transcript; 37] = [
    transcript!(CHAT, Chat, CHAT_MEMOS, "openai-chat.sse"),
    transcript!(CHAT, Chat, CHAT_MEMOS, "openai-chat-more.sse"),
    transcript!(CHAT, Chat, CHAT_MEMOS, "openai-chat.json"),
    transcript!(RESPONSES, Chat, RESPONSES_MEMOS, "openai-responses.sse"),
    transcript!(RESPONSES, Chat, RESPONSES_MEMOS, "openai-responses-more.sse"),
    transcript!(RESPONSES, Chat, RESPONSES_MEMOS, "openai-responses-failed.sse"),
    transcript!(RESPONSES, Chat, RESPONSES_MEMOS, "openai-responses.json"),
    transcript!(MESSAGES, Chat, MESSAGES_MEMOS, "anthropic-messages.sse"),
    transcript!(MESSAGES, Chat, MESSAGES_MEMOS, "anthropic-messages-more.sse"),
    transcript!(MESSAGES, Chat, MESSAGES_MEMOS, "anthropic-messages.json"),
    transcript!(&["bedrock"], Chat, BEDROCK_MEMOS, "anthropic-messages.json"),
    transcript!(&["bedrock"], Chat, BEDROCK_MEMOS, "bedrock-invoke.sse"),
    transcript!(&["gemini"], Chat, &["", "gemini"], "gemini.sse"),
    transcript!(&["gemini"], Chat, &["", "gemini"], "gemini-more.sse"),
    transcript!(&["gemini"], Chat, &["", "gemini"], "gemini-blocked.sse"),
    transcript!(&["gemini"], Chat, &["", "gemini"], "gemini.json"),
    transcript!(&["bedrock"], Chat, BEDROCK_MEMOS, "bedrock-converse.sse"),
    transcript!(&["bedrock"], Chat, BEDROCK_MEMOS, "bedrock-converse-more.sse"),
    transcript!(&["bedrock"], Chat, BEDROCK_MEMOS, "bedrock-converse.json"),
    transcript!(&["cohere"], Chat, &["", "cohere-chat"], "cohere.sse"),
    transcript!(&["cohere"], Chat, &["", "cohere-chat"], "cohere-more.sse"),
    transcript!(&["cohere"], Chat, &["", "cohere-chat"], "cohere.json"),
    transcript!(&["ollama"], Chat, &["", "ollama"], "ollama.ndjson"),
    transcript!(&["ollama"], Chat, &["", "ollama"], "ollama-more.ndjson"),
    transcript!(CHAT, Embeddings, COUNTED, "openai-embeddings.json"),
    transcript!(CHAT, Models, &[""], "openai-models.json"),
    transcript!(&["openai-compatible", "cohere"], Rerank, COUNTED, "rerank.json"),
    transcript!(&["anthropic"], Models, &[""], "anthropic-models.json"),
    transcript!(&["gemini"], Models, &[""], "gemini-models.json"),
    transcript!(&["gemini"], Embeddings, COUNTED, "gemini-embeddings.json"),
    transcript!(&["cohere"], Embeddings, COUNTED, "cohere-embeddings.json"),
    transcript!(&["cohere"], Models, &[""], "cohere-models.json"),
    transcript!(&["bedrock"], Models, &[""], "bedrock-models.json"),
    transcript!(&["ollama"], Models, &[""], "ollama-models.json"),
    transcript!(&["ollama"], Embeddings, COUNTED, "ollama-embeddings.json"),
    transcript!(
        &["anthropic", "azure-openai", "bedrock", "gemini", "openai", "xai"],
        Count,
        &[""],
        "counts.json"
    ),
    transcript!(
        &["anthropic", "bedrock", "cohere", "gemini", "groq", "ollama", "openai", "openrouter"],
        Chat,
        &["", "responses "],
        "errors.json"
    ),
];
