//! Reasoning, which OpenAI's own format has no field for and compatible servers
//! have three.

use plugway_sdk::chat::{Part, PartBody, Reasoning};
use serde_json::Value;

use super::choice::Key;
use super::fields::{index, list, text};

/// The reasoning in a message or delta. Servers that send details often repeat the
/// same text in a plain field, which then is left out.
pub(super) fn parts(said: &Value) -> Vec<(Key, Part)> {
    let mut parts: Vec<_> = list(said, "reasoning_details")
        .iter()
        .enumerate()
        .filter_map(|(position, item)| detail(item, position))
        .collect();
    let readable = |(_, part): &(Key, Part)| {
        matches!(part.body, PartBody::Reasoning(Reasoning::Text(_) | Reasoning::Summary(_)))
    };
    if !parts.iter().any(readable) {
        let plain = text(said, "reasoning_content")
            .or_else(|| text(said, "reasoning"))
            .map(Into::into)
            .or_else(|| thinking(said));
        if let Some(plain) = plain {
            parts.insert(0, (Key::Reasoning, Part::reasoning(plain)));
        }
    }
    parts
}

fn detail(item: &Value, position: usize) -> Option<(Key, Part)> {
    let string = |name| text(item, name).map(String::from);
    let signature = string("signature");
    let (kind, reasoning) = match text(item, "type")? {
        "reasoning.text" => ("text", Reasoning::Text(string("text").unwrap_or_default())),
        "reasoning.summary" => ("summary", Reasoning::Summary(string("summary")?)),
        "reasoning.encrypted" => ("encrypted", Reasoning::Encrypted(string("data")?)),
        _ => return None,
    };
    if matches!(&reasoning, Reasoning::Text(text) if text.is_empty()) && signature.is_none() {
        return None;
    }
    let mut part = Part::from(PartBody::Reasoning(reasoning));
    part.format = Some(string("format").unwrap_or_else(|| "unknown".into()));
    part.signature = signature;
    part.id = string("id");
    let index = index(item, "index").or(u32::try_from(position).ok())?;
    Some((Key::Detail(kind, index), part))
}

/// Reasoning among the items of `content`, in Mistral's form.
fn thinking(said: &Value) -> Option<String> {
    let thought: String = list(said, "content")
        .iter()
        .flat_map(|item| list(item, "thinking"))
        .filter_map(|thought| text(thought, "text"))
        .collect();
    (!thought.is_empty()).then_some(thought)
}
