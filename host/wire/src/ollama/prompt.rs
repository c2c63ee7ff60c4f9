//! A single prompt, which is a conversation of one message and maybe an instruction.

use plugway_engine::chat::{Message, Part, PartBody, Role};

use super::messages::{Messages, Read};
use crate::BadRequest;
use crate::conversation::plain;
use crate::json::{Fields, Node};

/// Refuses what is done with a prompt below the level of messages. No provider's chat
/// has it, the one of this very format included.
pub(super) fn refuse(fields: &mut Fields<'_, '_>) -> Result<(), BadRequest> {
    let unserved =
        |node: Node<'_, '_>, why: &'static str| Err(node.fault("unsupported_parameter", why));
    for name in ["template", "suffix"] {
        if let Some(node) = fields.take(name).filter(|node| node.raw() != "\"\"") {
            node.text()?;
            return unserved(node, "is not served: prompts go as messages of a chat");
        }
    }
    if let Some(node) = fields.take("raw")
        && node.boolean()?
    {
        return unserved(node, "must be false: prompts go as messages of a chat");
    }
    if let Some(node) = fields.take("context")
        && !node.array()?.is_empty()
    {
        return unserved(node, "is not served: send the conversation to /api/chat");
    }
    for name in ["width", "height", "steps"] {
        if let Some(node) = fields.take(name).filter(|node| node.raw() != "0") {
            return unserved(node, "is not served: no image is made here");
        }
    }
    Ok(())
}

/// The conversation; without a message of the user's where there is no prompt.
pub(super) fn read<'b>(
    fields: &mut Fields<'b, '_>,
    reader: &mut Messages,
) -> Result<Vec<Read<'b>>, BadRequest> {
    let mut read = Vec::new();
    let mut say = |role, parts: Vec<Part>, raw| {
        if !parts.is_empty() {
            read.push((Message { role, parts, name: None, extra: Vec::new() }, raw));
        }
    };
    let filled = |node: &Node<'_, '_>| node.raw() != "\"\"";
    if let Some(node) = fields.take("system").filter(filled) {
        let text = reader.conversation.text(&node)?;
        say(Role::System, vec![plain(PartBody::Text(text))], node.raw());
    }
    let images = fields.take("images");
    let mut parts = images.map(|node| reader.images(&node)).transpose()?.unwrap_or_default();
    let prompt = fields.take("prompt").filter(filled);
    if let Some(node) = &prompt {
        parts.push(plain(PartBody::Text(reader.conversation.text(node)?)));
    }
    let raw = prompt.or(images).map_or("", |node| node.raw());
    say(Role::User, parts, raw);
    Ok(read)
}
