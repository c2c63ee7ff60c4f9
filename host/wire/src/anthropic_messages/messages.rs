//! The messages of a conversation.

use plugway_engine::chat;

use super::parts::{Proof, prove};
use crate::BadRequest;
use crate::conversation::{Conversation, plain};
use crate::json::{Fields, Node};

/// Reads the messages of one conversation.
pub(super) struct Messages {
    pub(super) conversation: Conversation,
}

impl Messages {
    pub(super) fn new(conversation: Conversation) -> Self {
        Self { conversation }
    }

    /// What stands before all messages; none where that is nothing.
    pub(super) fn system(
        &mut self,
        node: &Node<'_, '_>,
    ) -> Result<Option<chat::Message>, BadRequest> {
        if node.raw() == "\"\"" {
            return Ok(None);
        }
        let parts = self.content(node, chat::Role::System)?;
        let message =
            chat::Message { role: chat::Role::System, parts, name: None, extra: Vec::new() };
        Ok(Some(message).filter(|message| !message.parts.is_empty()))
    }

    pub(super) fn messages(
        &mut self,
        node: &Node<'_, '_>,
    ) -> Result<Vec<chat::Message>, BadRequest> {
        let nodes = node.array()?;
        if nodes.is_empty() {
            return Err(node.invalid("must hold at least one message"));
        }
        let mut messages = Vec::with_capacity(nodes.len());
        for node in &nodes {
            self.message(node, &mut messages)?;
        }
        self.conversation.all_answered()?;
        Ok(messages)
    }

    fn message(
        &mut self,
        node: &Node<'_, '_>,
        messages: &mut Vec<chat::Message>,
    ) -> Result<(), BadRequest> {
        let mut fields = node.object()?;
        let role = fields.need("role")?;
        let role = match &*role.text()? {
            "user" => chat::Role::User,
            "assistant" => chat::Role::Assistant,
            "system" => chat::Role::System,
            _ => return Err(role.invalid("must be user, assistant or system")),
        };
        let content = fields.need("content")?;
        // A model may say nothing, and its client hands that back.
        if role != chat::Role::Assistant && says_nothing(&content)? {
            return Err(content.invalid("must not be empty"));
        }
        let parts = self.content(&content, role)?;
        add(role, parts, &fields, messages)
    }

    /// The parts of a `content`: a string, or blocks.
    fn content(
        &mut self,
        node: &Node<'_, '_>,
        role: chat::Role,
    ) -> Result<Vec<chat::Part>, BadRequest> {
        if !node.is_array() {
            let text = self.conversation.text(node)?;
            return Ok(vec![plain(chat::PartBody::Text(text))]);
        }
        let mut parts = Vec::new();
        let mut proofs: Vec<Proof> = Vec::new();
        for node in node.array()? {
            self.block(&node, role, &mut parts, &mut proofs)?;
        }
        prove(&mut parts, proofs);
        Ok(parts)
    }
}

fn says_nothing(content: &Node<'_, '_>) -> Result<bool, BadRequest> {
    Ok(match content.is_array() {
        true => content.array()?.is_empty(),
        false => content.escaped()?.is_empty(),
    })
}

/// Adds a message as those that it is: a client answers calls and speaks in one, of
/// which results are a message of their own, in the order in which they stand.
fn add(
    role: chat::Role,
    parts: Vec<chat::Part>,
    fields: &Fields<'_, '_>,
    messages: &mut Vec<chat::Message>,
) -> Result<(), BadRequest> {
    let mut extra = fields.rest()?;
    let mut run: Option<chat::Message> = None;
    for part in parts {
        let is_result = matches!(part.body, chat::PartBody::ToolResult(_));
        let role = if is_result { chat::Role::Tool } else { role };
        match &mut run {
            Some(message) if message.role == role => message.parts.push(part),
            _ => {
                let extra = std::mem::take(&mut extra);
                let begun = chat::Message { role, parts: vec![part], name: None, extra };
                messages.extend(run.replace(begun));
            }
        }
    }
    let nothing = || chat::Message { role, parts: Vec::new(), name: None, extra };
    messages.push(run.unwrap_or_else(nothing));
    Ok(())
}
