//! `input`: the items of a conversation, made into messages.

use plugway_engine::chat;

use super::options::said;
use super::{citations, content, reasoning};
use crate::BadRequest;
use crate::conversation::{Conversation, called, plain};
use crate::json::{Fields, Node};
use crate::labels::Field;

/// Reads the items of one conversation. What the model did in a row is one message.
pub(super) struct Input {
    pub(super) conversation: Conversation,
    messages: Vec<chat::Message>,
}

impl Input {
    pub(super) fn new(conversation: Conversation) -> Self {
        Self { conversation, messages: Vec::new() }
    }

    /// The messages, and what is known of them.
    pub(super) fn finish(mut self) -> (Vec<chat::Message>, Conversation) {
        for message in &mut self.messages {
            reasoning::sign(&mut message.parts);
        }
        (self.messages, self.conversation)
    }

    /// `instructions`, which come first; empty ones are none.
    pub(super) fn instructions(&mut self, node: &Node<'_, '_>) -> Result<(), BadRequest> {
        if !node.escaped()?.is_empty() {
            let text = chat::PartBody::Text(self.conversation.text(node)?);
            self.message(chat::Role::System, vec![plain(text)], Vec::new());
        }
        Ok(())
    }

    /// Reads a string, or a list of items; gives back what stands first and is no
    /// instruction.
    pub(super) fn items<'b>(&mut self, node: &Node<'b, '_>) -> Result<Option<&'b str>, BadRequest> {
        if node.is_string() {
            let text = chat::PartBody::Text(self.conversation.text(node)?);
            self.message(chat::Role::User, vec![plain(text)], Vec::new());
            return Ok(Some(node.raw()));
        }
        let items = node.array()?;
        if items.is_empty() {
            return Err(node.invalid("must hold at least one item"));
        }
        let mut first = None;
        for (index, item) in items.iter().enumerate() {
            self.item(item, index)?;
            let told = self.messages.last().map(|message| message.role);
            let instructs = matches!(told, None | Some(chat::Role::System | chat::Role::Developer));
            if first.is_none() && !instructs {
                first = Some(item.raw());
            }
        }
        if self.messages.is_empty() {
            return Err(node.invalid("says nothing"));
        }
        self.conversation.all_answered()?;
        Ok(first)
    }

    fn item(&mut self, node: &Node<'_, '_>, index: usize) -> Result<(), BadRequest> {
        let mut fields = node.object()?;
        let kind = fields.take("type");
        match kind.map(|node| node.text()).transpose()?.as_deref() {
            None | Some("message") => self.spoken(&mut fields),
            Some("function_call") => self.call(node, &mut fields, false),
            Some("custom_tool_call") => self.call(node, &mut fields, true),
            Some("function_call_output") => self.result(&mut fields, false),
            Some("custom_tool_call_output") => self.result(&mut fields, true),
            Some("reasoning") => {
                let parts = reasoning::parts(&mut fields)?;
                self.said(parts);
                Ok(())
            }
            Some("image_generation_call") => self.image(node, &mut fields, index),
            Some("item_reference") => Err(node.fault(
                "unsupported_parameter",
                "refers to an item that is kept elsewhere: nothing is kept here, send the item itself",
            )),
            Some(kind) => {
                // What a provider's own tool gave back, or what a person said to it, is
                // not the model's.
                let told = kind.ends_with("_output") || kind.ends_with("_response");
                // A call of a tool of the provider's may have the result of a function.
                if let Some(id) = fields.take("call_id").filter(|id| !told && id.is_string()) {
                    self.conversation.native_call(id.string()?);
                }
                let part = self.conversation.native(node)?;
                if told {
                    self.message(chat::Role::User, vec![part], Vec::new());
                } else {
                    self.said(vec![part]);
                }
                Ok(())
            }
        }
    }

    fn message(&mut self, role: chat::Role, parts: Vec<chat::Part>, extra: Vec<Field>) {
        self.messages.push(chat::Message { role, parts, name: None, extra });
    }

    /// Adds to what the model did.
    fn said(&mut self, parts: Vec<chat::Part>) {
        match self.messages.last_mut().filter(|last| last.role == chat::Role::Assistant) {
            Some(last) => last.parts.extend(parts),
            None if parts.is_empty() => {}
            None => self.message(chat::Role::Assistant, parts, Vec::new()),
        }
    }

    /// A message, of whoever said it.
    fn spoken(&mut self, fields: &mut Fields<'_, '_>) -> Result<(), BadRequest> {
        let role = fields.need("role")?;
        let role = match &*role.text()? {
            "user" => chat::Role::User,
            "system" => chat::Role::System,
            "developer" => chat::Role::Developer,
            "assistant" => return self.assistant(fields),
            _ => return Err(role.invalid("must be user, system, developer or assistant")),
        };
        let node = fields.need("content")?;
        let mut parts = self.content(&node)?;
        if parts.is_empty() {
            return Err(node.invalid("must hold at least one part"));
        }
        if let Some(first) = parts.first_mut() {
            first.id = fields.string("id")?;
        }
        self.message(role, parts, fields.rest()?);
        Ok(())
    }

    fn content(&mut self, node: &Node<'_, '_>) -> Result<Vec<chat::Part>, BadRequest> {
        if node.is_array() {
            let parts = node.array()?;
            return parts.iter().map(|node| content::part(&mut self.conversation, node)).collect();
        }
        let text = self.conversation.text(node)?;
        Ok(vec![plain(chat::PartBody::Text(text))])
    }

    /// A message of the model's: its parts share the item's id, and the first of them
    /// carries what is said of the item.
    fn assistant(&mut self, fields: &mut Fields<'_, '_>) -> Result<(), BadRequest> {
        let node = fields.need("content")?;
        let mut parts = if node.is_array() {
            let parts = node.array()?;
            parts.iter().map(|node| self.assistant_part(node)).collect::<Result<_, _>>()?
        } else {
            self.content(&node)?
        };
        let id = fields.string("id")?;
        for part in &mut parts {
            part.id.clone_from(&id);
        }
        if let Some(first) = parts.first_mut() {
            first.extra.extend(fields.rest()?);
        }
        self.said(parts);
        Ok(())
    }

    fn assistant_part(&mut self, node: &Node<'_, '_>) -> Result<chat::Part, BadRequest> {
        let mut fields = node.object()?;
        let kind = fields.need("type")?;
        let body = match &*kind.text()? {
            "output_text" => {
                let text = self.conversation.text(&fields.need("text")?)?;
                chat::PartBody::Text(text)
            }
            "refusal" => chat::PartBody::Refusal(fields.need("refusal")?.string()?),
            _ => return content::part(&mut self.conversation, node),
        };
        let citations = fields.take("annotations");
        let citations = citations.map_or(Ok(Vec::new()), |node| citations::read(&node))?;
        Ok(chat::Part { citations, extra: fields.rest()?, ..plain(body) })
    }

    fn call(
        &mut self,
        node: &Node<'_, '_>,
        fields: &mut Fields<'_, '_>,
        freeform: bool,
    ) -> Result<(), BadRequest> {
        let input = fields.need(if freeform { "input" } else { "arguments" })?.string()?;
        let call = chat::ToolCall {
            id: said(&fields.need("call_id")?)?,
            name: called(fields)?,
            input,
            freeform,
        };
        let id = fields.string("id")?;
        let part = self.conversation.call(node, call, fields.rest()?);
        self.said(vec![chat::Part { id, ..part }]);
        Ok(())
    }

    fn result(&mut self, fields: &mut Fields<'_, '_>, freeform: bool) -> Result<(), BadRequest> {
        let id = fields.need("call_id")?;
        let call_id = said(&id)?;
        let (name, _) = self
            .conversation
            .answered(&call_id)
            .ok_or_else(|| id.invalid("must be the id of a call before it"))?;
        let parts = self.content(&fields.need("output")?)?;
        let cache = parts.iter().rev().find_map(|part| part.cache.clone());
        let content = parts.into_iter().map(content::of_result).collect();
        let result = chat::ToolResult { call_id, name, content, failed: false, freeform };
        let part = chat::Part {
            id: fields.string("id")?,
            cache,
            extra: fields.rest()?,
            ..plain(chat::PartBody::ToolResult(result))
        };
        self.message(chat::Role::Tool, vec![part], Vec::new());
        Ok(())
    }

    /// An image that the model made; one that is not there is as native as any item.
    fn image(
        &mut self,
        node: &Node<'_, '_>,
        fields: &mut Fields<'_, '_>,
        index: usize,
    ) -> Result<(), BadRequest> {
        let status = fields.string("status")?;
        let Some(data) = fields.take("result").filter(|_| status.as_deref() == Some("completed"))
        else {
            let part = self.conversation.native(node)?;
            self.said(vec![part]);
            return Ok(());
        };
        let format = fields.take("output_format");
        let word = format.map(|node| node.string()).transpose()?;
        let mime = format!("image/{}", word.as_deref().unwrap_or("png"));
        let kind = chat::MediaKind::Image;
        let (source, mime) = self.conversation.base64(&data, kind, Some(mime))?;
        let media = self.conversation.medium(kind, source, mime);
        let id = fields.string("id")?.unwrap_or_else(|| format!("ig_{index}"));
        let mut extra = fields.rest()?;
        if let Some(format) = format {
            extra.push(("output_format".to_owned(), format.json()?));
        }
        let part = chat::Part { id: Some(id), extra, ..plain(chat::PartBody::Media(media)) };
        self.said(vec![part]);
        Ok(())
    }
}
