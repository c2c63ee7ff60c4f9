//! Every adapter with every format that it reads, and how that format says the answer
//! and its errors.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use plugway_engine::chat::FailureKind;
use plugway_engine::{Adapter, Engine, Frame, Framing, Grants, Limits, Plugin};

use super::reading::frames_of;

/// One adapter, one format, one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    pub(crate) adapter: &'static str,
    pub(crate) format: Format,
    /// What encoding left behind.
    pub(crate) memo: &'static str,
    /// The client takes native values of the format.
    pub(crate) native: bool,
}

/// What an adapter reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Chat,
    Responses,
    Messages,
    /// The same, each event wrapped in a chunk.
    Invoke,
    Gemini,
    Converse,
    Cohere,
    Ollama,
}

/// Adapter, format, and the memo for a foreign client and for one of its own.
const READERS: [(&str, Format, [&str; 2]); 18] = [
    ("openai", Format::Chat, ["", "openai-chat"]),
    ("openai-compatible", Format::Chat, ["", "openai-chat"]),
    ("azure-openai", Format::Chat, ["", "openai-chat"]),
    ("deepseek", Format::Chat, ["", "openai-chat"]),
    ("groq", Format::Chat, ["", "openai-chat"]),
    ("mistral", Format::Chat, ["", "openai-chat"]),
    ("openrouter", Format::Chat, ["", "openai-chat"]),
    ("perplexity", Format::Chat, ["", "openai-chat"]),
    ("xai", Format::Chat, ["", "openai-chat"]),
    ("openai", Format::Responses, ["responses x", "responses openai-responses"]),
    ("azure-openai", Format::Responses, ["responses x", "responses openai-responses"]),
    ("anthropic", Format::Messages, ["", "anthropic-messages"]),
    ("gemini", Format::Messages, ["anthropic x", "anthropic anthropic-messages"]),
    (
        "bedrock",
        Format::Invoke,
        [r#"{"anthropic":true}"#, r#"{"dialect":"anthropic-messages","anthropic":true}"#],
    ),
    ("bedrock", Format::Converse, ["", r#"{"dialect":"bedrock-converse"}"#]),
    ("gemini", Format::Gemini, ["", "gemini"]),
    ("cohere", Format::Cohere, ["", "cohere-chat"]),
    ("ollama", Format::Ollama, ["", "ollama"]),
];

/// All of them.
pub(crate) fn lanes() -> impl Iterator<Item = Lane> {
    READERS.into_iter().flat_map(|(adapter, format, [foreign, own])| {
        [(foreign, false), (own, true)].map(|(memo, native)| Lane { adapter, format, memo, native })
    })
}

/// The first-party adapters.
pub(crate) fn adapters() -> &'static BTreeMap<&'static str, Arc<Adapter>> {
    static LOADED: OnceLock<BTreeMap<&str, Arc<Adapter>>> = OnceLock::new();
    LOADED.get_or_init(|| {
        let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-code-cache");
        // Elapsed time is the machine's matter, not the adapter's.
        let limits = Limits { wall_deadline: Duration::from_secs(600), ..Limits::default() };
        let engine = Engine::new(limits, Some(cache)).unwrap();
        let mut adapters = BTreeMap::new();
        for component in plugway::FIRST_PARTY {
            let loaded = engine.load(component.id, component.wasm, &Grants::default()).unwrap();
            if let Plugin::Adapter(adapter) = loaded {
                adapters.insert(component.id, adapter);
            }
        }
        adapters
    })
}

impl Lane {
    pub(crate) fn adapter(self) -> &'static Adapter {
        &adapters()[self.adapter]
    }

    /// The answer as a stream.
    pub(crate) fn stream(self) -> Vec<Frame> {
        frames_of(match self.format {
            Format::Chat => include_str!("../../transcripts/openai-chat.sse"),
            Format::Responses => include_str!("../../transcripts/openai-responses.sse"),
            Format::Messages | Format::Invoke => {
                include_str!("../../transcripts/anthropic-messages.sse")
            }
            Format::Gemini => include_str!("../../transcripts/gemini.sse"),
            Format::Converse => include_str!("../../transcripts/bedrock-converse.sse"),
            Format::Cohere => include_str!("../../transcripts/cohere.sse"),
            Format::Ollama => include_str!("../../transcripts/ollama.ndjson"),
        })
    }

    /// The answer in one piece.
    pub(crate) fn body(self) -> &'static str {
        match self.format {
            Format::Chat => include_str!("../../transcripts/openai-chat.json"),
            Format::Responses => include_str!("../../transcripts/openai-responses.json"),
            Format::Messages | Format::Invoke => {
                include_str!("../../transcripts/anthropic-messages.json")
            }
            Format::Gemini => include_str!("../../transcripts/gemini.json"),
            Format::Converse => include_str!("../../transcripts/bedrock-converse.json"),
            Format::Cohere => include_str!("../../transcripts/cohere.json"),
            Format::Ollama => include_str!("../../transcripts/ollama.json"),
        }
    }

    pub(crate) fn framing(self) -> Framing {
        match self.format {
            Format::Ollama => Framing::Ndjson,
            Format::Converse | Format::Invoke => Framing::AwsEventStream,
            _ => Framing::Sse,
        }
    }

    /// An error as it stands in a body of status 200, and what it means.
    pub(crate) fn error(self) -> (&'static str, FailureKind) {
        match self.format {
            Format::Chat | Format::Responses => (
                r#"{"error":{"message":"Busy.","type":"overloaded_error","param":null,"code":503}}"#,
                FailureKind::Overloaded,
            ),
            Format::Messages => (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                FailureKind::Overloaded,
            ),
            Format::Gemini => (
                r#"{"error":{"code":503,"message":"Busy.","status":"UNAVAILABLE"}}"#,
                FailureKind::Overloaded,
            ),
            Format::Invoke | Format::Converse => (
                r#"{"__type":"ServiceUnavailableException","message":"Busy."}"#,
                FailureKind::Overloaded,
            ),
            Format::Cohere => (r#"{"message":"Something failed."}"#, FailureKind::Unavailable),
            Format::Ollama => {
                (r#"{"error":"server busy, please try again"}"#, FailureKind::Overloaded)
            }
        }
    }

    /// The same within a stream.
    pub(crate) fn error_frame(self) -> Frame {
        let (kind, data) = match self.format {
            Format::Chat | Format::Gemini | Format::Ollama | Format::Cohere => {
                (None, self.error().0)
            }
            Format::Responses => (
                Some("error"),
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Busy."}}"#,
            ),
            Format::Messages => (Some("error"), self.error().0),
            Format::Invoke | Format::Converse => {
                (Some("serviceUnavailableException"), r#"{"message":"Busy."}"#)
            }
        };
        frame(kind, data)
    }
}

pub(crate) fn frame(kind: Option<&str>, data: &str) -> Frame {
    Frame { kind: kind.map(str::to_owned), data: data.as_bytes().to_vec() }
}

#[test]
fn every_adapter_has_a_lane() {
    for adapter in adapters().keys() {
        assert!(READERS.iter().any(|(name, ..)| name == adapter), "no lane for {adapter}");
    }
}
