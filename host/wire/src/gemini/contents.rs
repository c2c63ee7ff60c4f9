//! `contents`: what user and model said, and what tools answered.

use plugway_engine::chat::{Message, Part, PartBody, Reasoning, Role};

use super::names::items;
use super::{FORMAT, UNNAMED};
use crate::BadRequest;
use crate::conversation::{Conversation, plain};
use crate::json::{Fields, Node};

/// Reads the contents of one conversation.
pub(super) struct Contents {
    pub(super) conversation: Conversation,
    /// Calls without an id so far.
    unnamed: usize,
    /// A part has come back with the proof of another provider.
    pub(super) foreign: bool,
}

impl Contents {
    pub(super) fn new(conversation: Conversation) -> Self {
        Self { conversation, unnamed: 0, foreign: false }
    }

    /// The messages that an instruction and `contents` are.
    pub(super) fn messages(
        &mut self,
        instruction: Option<&Node<'_, '_>>,
        contents: &Node<'_, '_>,
    ) -> Result<Vec<Message>, BadRequest> {
        let mut messages = Vec::new();
        if let Some(node) = instruction {
            messages.push(self.instruction(node)?);
        }
        let nodes = items(contents)?;
        if nodes.is_empty() {
            return Err(contents.invalid("must hold at least one content"));
        }
        for node in &nodes {
            self.content(node, &mut messages)?;
        }
        self.conversation.all_answered()?;
        if self.foreign {
            messages = joined(messages);
        }
        Ok(messages)
    }

    /// `systemInstruction`, whose role says nothing.
    fn instruction(&mut self, node: &Node<'_, '_>) -> Result<Message, BadRequest> {
        if node.is_string() {
            let text = PartBody::Text(self.conversation.text(node)?);
            return Ok(message(Role::System, vec![plain(text)]));
        }
        let mut fields = node.object()?;
        fields.take("role");
        let parts = fields.need("parts")?;
        let mut list = Vec::new();
        for node in items(&parts)? {
            let part = self.part(&node, Role::System)?;
            if !matches!(part.body, PartBody::Text(_)) {
                return Err(node.invalid("must be text: nothing else instructs"));
            }
            list.push(part);
        }
        Ok(Message { extra: fields.rest()?, ..message(Role::System, list) })
    }

    /// What user or model said. Answers of tools stand among what the user says here,
    /// and are messages of their own elsewhere.
    fn content(
        &mut self,
        node: &Node<'_, '_>,
        messages: &mut Vec<Message>,
    ) -> Result<(), BadRequest> {
        let mut fields = node.object()?;
        let role = role(&mut fields)?;
        let parts = fields.need("parts")?;
        let nodes = items(&parts)?;
        if nodes.is_empty() {
            return Err(parts.invalid("must hold at least one part"));
        }
        let mut extra = fields.rest()?;
        let first = messages.len();
        for node in &nodes {
            let part = self.part(node, role)?;
            let role = match part.body {
                PartBody::ToolResult(_) => Role::Tool,
                _ => role,
            };
            match messages.get_mut(first..).and_then(<[Message]>::last_mut) {
                Some(last) if last.role == role => last.parts.push(part),
                _ => {
                    let extra = std::mem::take(&mut extra);
                    messages.push(Message { extra, ..message(role, vec![part]) });
                }
            }
        }
        Ok(())
    }

    /// The id of a call, made up where it has none.
    pub(super) fn call_id(&mut self, id: Option<String>) -> String {
        id.unwrap_or_else(|| {
            self.unnamed += 1;
            format!("{UNNAMED}{}", self.unnamed)
        })
    }

    /// The call that an answer of this tool's is for: the one that it names, or the
    /// first that is still open.
    pub(super) fn answered(&mut self, id: Option<String>, tool: &str) -> Option<String> {
        if let Some(id) = id {
            if self.conversation.answered(&id).is_some() {
                return Some(id);
            }
            // Some clients name the calls that came without an id.
            self.conversation.next_open(Some(tool)).filter(|id| id.starts_with(UNNAMED))?;
        }
        let next = self.conversation.next_open(Some(tool))?;
        self.conversation.answered(&next);
        Some(next)
    }
}

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts, name: None, extra: Vec::new() }
}

/// Who speaks. A content that names nobody is the user's.
fn role(fields: &mut Fields<'_, '_>) -> Result<Role, BadRequest> {
    let Some(node) = fields.take("role") else {
        return Ok(Role::User);
    };
    match &*node.text()? {
        "" | "user" | "function" | "tool" => Ok(Role::User),
        "model" => Ok(Role::Assistant),
        _ => Err(node.invalid("must be user or model")),
    }
}

/// What another provider's model said, with its parts whole again. Clients keep a stream
/// chunk by chunk, each a content with a bit of the text; the proof stands on the last.
fn joined(messages: Vec<Message>) -> Vec<Message> {
    let mut whole: Vec<Message> = Vec::new();
    for message in messages {
        match whole.last_mut() {
            Some(last) if message.role == Role::Assistant && last.role == Role::Assistant => {
                last.parts.extend(message.parts);
                last.extra.extend(message.extra);
            }
            _ => whole.push(message),
        }
    }
    for message in whole.iter_mut().filter(|message| message.role == Role::Assistant) {
        let mut parts: Vec<Part> = Vec::new();
        for part in std::mem::take(&mut message.parts) {
            let next = match parts.last_mut() {
                Some(last) => join(last, part),
                None => Some(part),
            };
            parts.extend(next);
        }
        message.parts = parts;
    }
    whole
}

/// Joins the next bit onto what was thought, or the proof onto the text before it; gives
/// back what is a part by itself.
fn join(last: &mut Part, mut bit: Part) -> Option<Part> {
    if last.format.is_some() || last.signature.is_some() || last.id.is_some() {
        return Some(bit);
    }
    if bit.format.as_deref() == Some(FORMAT) {
        return Some(bit);
    }
    match (&mut last.body, &mut bit.body) {
        (
            PartBody::Reasoning(Reasoning::Text(text)),
            PartBody::Reasoning(Reasoning::Text(more) | Reasoning::Summary(more)),
        ) => {
            // Appended, as there may be very many: what is there already is not moved.
            text.push_str(more);
            *more = std::mem::take(text);
            let mut extra = std::mem::take(&mut last.extra);
            extra.append(&mut bit.extra);
            *last = Part { extra, ..bit };
            None
        }
        (PartBody::Text(_), PartBody::Text(nothing))
            if nothing.is_empty() && bit.signature.is_some() =>
        {
            last.signature = bit.signature;
            last.format = bit.format;
            last.id = bit.id;
            None
        }
        _ => Some(bit),
    }
}
