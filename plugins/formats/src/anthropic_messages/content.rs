//! Content blocks of an answer as parts. A block that just began in a stream is read
//! like a whole one: what it does not hold yet follows in deltas.

use plugway_sdk::chat::{Citation, Part, PartBody, Reasoning, ToolCall};

use crate::anthropic_messages::REASONING_FORMAT;
use crate::json::{Fields, compact};

/// The part that a block stands for; none where there is nothing to tell, or nothing
/// that a client of another dialect could read.
pub(super) fn part(block: &Fields, native: bool) -> Option<Part> {
    let kind = block.text("type")?;
    let text = |name| block.text(name).unwrap_or_default();
    let (body, known): (PartBody, &[&str]) = match kind.as_str() {
        "text" => (PartBody::Text(text("text")), &["text", "citations"]),
        "thinking" => {
            (PartBody::Reasoning(Reasoning::Text(text("thinking"))), &["thinking", "signature"])
        }
        "redacted_thinking" => (PartBody::Reasoning(Reasoning::Encrypted(text("data"))), &["data"]),
        "tool_use" => (PartBody::ToolCall(tool_call(block)), &["id", "name", "input"]),
        _ if native => (PartBody::Native(serde_json::to_string(block).ok()?), &[]),
        _ => return None,
    };
    let is_native_body = matches!(body, PartBody::Native(_));
    let mut part = Part::from(body);
    if let PartBody::Reasoning(_) = part.body {
        part.format = Some(REASONING_FORMAT.into());
        part.signature = block.text("signature").filter(|it| !it.is_empty());
    }
    part.citations = citations(block, native);
    if native && !is_native_body {
        part.extra = block.extra(&[&["type"], known].concat());
    }
    (!is_empty(&part)).then_some(part)
}

fn tool_call(block: &Fields) -> ToolCall {
    let text = |name| block.text(name).unwrap_or_default();
    let input = block.get("input").filter(|json| *json != "null");
    ToolCall::new(text("id"), text("name"), input.map_or_else(|| "{}".into(), compact))
}

fn is_empty(part: &Part) -> bool {
    match &part.body {
        PartBody::Text(text) => text.is_empty() && part.citations.is_empty(),
        PartBody::Reasoning(Reasoning::Text(text)) => text.is_empty() && part.signature.is_none(),
        _ => false,
    }
}

fn citations(block: &Fields, native: bool) -> Vec<Citation> {
    let list = block.get("citations");
    let list: Option<Vec<Fields>> = list.and_then(|json| serde_json::from_str(json).ok());
    let list = list.unwrap_or_default();
    list.iter().map(|fields| citation(fields, native)).collect()
}

/// A source as the contract has it; for clients of this dialect with all that must be
/// sent back.
pub(super) fn citation(fields: &Fields, native: bool) -> Citation {
    let keys = CitationKeys::of(&fields.text("type").unwrap_or_default());
    let extra = if native {
        fields.extra(&["cited_text", keys.title, keys.url.unwrap_or_default()])
    } else {
        Vec::new()
    };
    Citation {
        url: keys.url.and_then(|key| fields.text(key)),
        title: fields.text(keys.title),
        quote: fields.text("cited_text"),
        // A block is cited as a whole.
        span: None,
        extra,
    }
}

/// Where a kind of citation keeps what the contract models.
pub(super) struct CitationKeys {
    pub(super) title: &'static str,
    pub(super) url: Option<&'static str>,
}

impl CitationKeys {
    pub(super) fn of(kind: &str) -> Self {
        let (title, url) = match kind {
            "web_search_result_location" => ("title", Some("url")),
            "search_result_location" => ("title", Some("source")),
            _ => ("document_title", None),
        };
        Self { title, url }
    }
}
