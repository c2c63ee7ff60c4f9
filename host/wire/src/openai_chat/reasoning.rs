//! `reasoning_details`: what the model thought, as a client hands it back.

use plugway_engine::chat::{Part, PartBody, Reasoning};

use crate::BadRequest;
use crate::conversation::plain;
use crate::json::{Fields, Node};

/// What clients call the format of reasoning that nobody signed.
const UNKNOWN_FORMAT: &str = "unknown";

/// Reads the details in order. Clients that hand back a stream's deltas as they
/// came send one block in many items of the same index: those are joined, for a
/// provider wants its block back whole.
pub(super) fn details(node: &Node<'_, '_>) -> Result<Vec<Part>, BadRequest> {
    let mut parts: Vec<Part> = Vec::new();
    let mut last_index = None;
    for node in node.array()? {
        let mut fields = node.object()?;
        let index: Option<u64> = fields.integer("index")?;
        let part = detail(&node, &mut fields)?;
        let same_block = index.is_some() && index == last_index;
        last_index = index;
        match parts.last_mut().filter(|_| same_block) {
            Some(block) => {
                if let Some(next) = join(block, part) {
                    parts.push(next);
                }
            }
            None => parts.push(part),
        }
    }
    parts.retain(says_something);
    Ok(parts)
}

fn detail(node: &Node<'_, '_>, fields: &mut Fields<'_, '_>) -> Result<Part, BadRequest> {
    let kind = fields.need("type")?;
    let reasoning = match &*kind.text()? {
        "reasoning.text" => Reasoning::Text(fields.string("text")?.unwrap_or_default()),
        "reasoning.summary" => Reasoning::Summary(fields.need("summary")?.string()?),
        "reasoning.encrypted" => Reasoning::Encrypted(fields.string("data")?.unwrap_or_default()),
        // Such as the record of a tool that a router ran.
        _ => return Ok(plain(PartBody::Native(node.json()?))),
    };
    let format = fields.string("format")?;
    Ok(Part {
        id: fields.string("id")?,
        signature: fields.string("signature")?,
        format: format.filter(|format| format != UNKNOWN_FORMAT),
        extra: fields.rest()?,
        ..plain(PartBody::Reasoning(reasoning))
    })
}

/// Joins the next bit onto its block; gives it back where it is no bit of it.
fn join(block: &mut Part, bit: Part) -> Option<Part> {
    let other_item = bit.id.is_some() && block.id.is_some() && bit.id != block.id;
    if block.signature.is_some() || other_item {
        return Some(bit);
    }
    match (&mut block.body, &bit.body) {
        (
            PartBody::Reasoning(Reasoning::Text(text)),
            PartBody::Reasoning(Reasoning::Text(more)),
        )
        | (
            PartBody::Reasoning(Reasoning::Summary(text)),
            PartBody::Reasoning(Reasoning::Summary(more)),
        ) => text.push_str(more),
        _ => return Some(bit),
    }
    block.id = block.id.take().or(bit.id);
    block.signature = bit.signature;
    block.format = block.format.take().or(bit.format);
    None
}

fn says_something(part: &Part) -> bool {
    match &part.body {
        PartBody::Reasoning(Reasoning::Text(text) | Reasoning::Summary(text)) => {
            !text.is_empty() || part.signature.is_some()
        }
        PartBody::Reasoning(Reasoning::Encrypted(data)) => !data.is_empty(),
        _ => true,
    }
}
