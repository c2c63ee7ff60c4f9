//! Reasoning, which OpenAI's own format has no field for and compatible servers
//! have four.

use plugway_sdk::chat::{Part, PartBody, Reasoning};

use super::choice::Key;
use crate::node::Node;

/// Who can read the proofs that stand in `extra_content`.
pub(super) const EXTRA_CONTENT_FORMAT: &str = "google-gemini-v1";

/// Fields that hold readable reasoning and nothing else.
const PLAIN: [&str; 3] = ["reasoning_content", "reasoning", "reasoning_text"];

/// The reasoning in a message or delta. Servers that send details often repeat the
/// same text in a plain field, which then is left out.
pub(super) fn parts(said: &Node, encrypted: &mut u32) -> Vec<(Key, Part)> {
    let mut parts: Vec<_> = said
        .list("reasoning_details")
        .iter()
        .zip(0..)
        .filter_map(|(item, position)| detail(item, position, encrypted))
        .collect();
    let readable = |(_, part): &(Key, Part)| {
        matches!(part.body, PartBody::Reasoning(Reasoning::Text(_) | Reasoning::Summary(_)))
    };
    if !parts.iter().any(readable)
        && let Some(plain) = PLAIN.iter().find_map(|field| said.text(field))
    {
        parts.insert(0, (Key::Reasoning, Part::reasoning(plain)));
    }
    parts
}

fn detail(item: &Node, position: u32, encrypted: &mut u32) -> Option<(Key, Part)> {
    let signature = item.owned("signature");
    let (kind, reasoning) = match item.text("type")? {
        "reasoning.text" => ("text", Reasoning::Text(item.owned("text").unwrap_or_default())),
        "reasoning.summary" => ("summary", Reasoning::Summary(item.owned("summary")?)),
        "reasoning.encrypted" => ("encrypted", Reasoning::Encrypted(item.owned("data")?)),
        _ => return None,
    };
    if matches!(&reasoning, Reasoning::Text(text) if text.is_empty()) && signature.is_none() {
        return None;
    }
    let sealed = matches!(reasoning, Reasoning::Encrypted(_));
    let mut part = Part::from(PartBody::Reasoning(reasoning));
    part.format = Some(item.owned("format").unwrap_or_else(|| "unknown".into()));
    part.signature = signature;
    part.id = item.owned("id");
    let index = item.index("index").unwrap_or(position);
    let key = if sealed {
        *encrypted += 1;
        Key::Encrypted(*encrypted)
    } else {
        Key::Detail(kind, index)
    };
    Some((key, part))
}

/// Reasoning among the items of `content`, in Mistral's form.
pub(super) fn thought(item: &Node) -> Option<Part> {
    let thoughts = item.list("thinking").iter().filter_map(|thought| thought.text("text"));
    let text = item.owned("thinking").unwrap_or_else(|| thoughts.collect());
    (!text.is_empty()).then(|| Part::reasoning(text))
}

/// The proof in an `extra_content`.
pub(super) fn proof(google: &Node) -> Option<String> {
    google.owned("thought_signature")
}
