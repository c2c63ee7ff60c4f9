//! The messages of a conversation.

use plugway_engine::chat::{
    MediaKind, Message, Part, PartBody, Reasoning, ResultBody, ResultPart, Role, ToolCall,
    ToolResult,
};

use crate::BadRequest;
use crate::conversation::{Conversation, called, plain};
use crate::json::{Fields, Node};

/// A message, and the slice of the body that it was read from.
pub(super) type Read<'b> = (Message, &'b str);

/// Reads the messages of one conversation.
pub(super) struct Messages {
    pub(super) conversation: Conversation,
}

impl Messages {
    pub(super) fn new(conversation: Conversation) -> Self {
        Self { conversation }
    }

    /// The messages; none where a model is only to be loaded.
    pub(super) fn read<'b>(
        &mut self,
        fields: &mut Fields<'b, '_>,
    ) -> Result<Vec<Read<'b>>, BadRequest> {
        let Some(node) = fields.take("messages") else { return Ok(Vec::new()) };
        let messages = node.array()?.into_iter().enumerate();
        messages.map(|(index, node)| Ok((self.message(&node, index)?, node.raw()))).collect()
    }

    fn message(&mut self, node: &Node<'_, '_>, index: usize) -> Result<Message, BadRequest> {
        let mut fields = node.object()?;
        let role = fields.need("role")?;
        let (role, parts) = match &*role.text()? {
            "system" => (Role::System, self.spoken(&mut fields)?),
            "developer" => (Role::Developer, self.spoken(&mut fields)?),
            "user" => (Role::User, self.spoken(&mut fields)?),
            "assistant" => (Role::Assistant, self.assistant(&mut fields, index)?),
            "tool" => (Role::Tool, vec![self.tool_result(&mut fields, index)?]),
            _ => return Err(role.invalid("must be system, user, assistant or tool")),
        };
        Ok(Message { role, parts, name: None, extra: fields.rest()? })
    }

    /// Images, which are seen before the text beside them; and the text.
    fn spoken(&mut self, fields: &mut Fields<'_, '_>) -> Result<Vec<Part>, BadRequest> {
        let mut parts = match fields.take("images") {
            Some(node) => self.images(&node)?,
            None => Vec::new(),
        };
        let content = fields.take("content");
        if let Some(node) = content.filter(|node| parts.is_empty() || node.raw() != "\"\"") {
            parts.push(plain(PartBody::Text(self.conversation.text(&node)?)));
        }
        if parts.is_empty() {
            parts.push(plain(PartBody::Text(String::new())));
        }
        Ok(parts)
    }

    /// Images as base64.
    pub(super) fn images(&mut self, node: &Node<'_, '_>) -> Result<Vec<Part>, BadRequest> {
        let image = |node: &Node<'_, '_>| {
            // What type they are of the format does not tell.
            let (source, mime) = self.conversation.base64(node, MediaKind::Image, None)?;
            let image = self.conversation.medium(MediaKind::Image, source, mime);
            Ok(plain(PartBody::Media(image)))
        };
        node.array()?.iter().map(image).collect()
    }

    /// What the model said: thoughts first, then text, then calls.
    fn assistant(
        &mut self,
        fields: &mut Fields<'_, '_>,
        index: usize,
    ) -> Result<Vec<Part>, BadRequest> {
        let mut parts = Vec::new();
        if let Some(node) = fields.take("thinking").filter(|node| node.raw() != "\"\"") {
            let thought = node.string()?;
            parts.push(plain(PartBody::Reasoning(Reasoning::Text(thought))));
        }
        // Beside a call, an empty text says nothing.
        if let Some(node) = fields.take("content").filter(|node| node.raw() != "\"\"") {
            parts.push(plain(PartBody::Text(self.conversation.text(&node)?)));
        }
        if let Some(node) = fields.take("images") {
            parts.extend(self.images(&node)?);
        }
        if let Some(node) = fields.take("tool_calls") {
            for (place, node) in node.array()?.iter().enumerate() {
                parts.push(self.call(node, format!("call_{index}_{place}"))?);
            }
        }
        if parts.is_empty() {
            parts.push(plain(PartBody::Text(String::new())));
        }
        Ok(parts)
    }

    fn call(&mut self, node: &Node<'_, '_>, made_up: String) -> Result<Part, BadRequest> {
        let mut fields = node.object()?;
        let id = fields.string("id")?.filter(|id| !id.is_empty());
        if let Some(kind) = fields.take("type")
            && !matches!(&*kind.text()?, "function" | "")
        {
            return Err(kind.invalid("must be function"));
        }
        let function = fields.need("function")?;
        let mut function = function.object()?;
        let input = match function.take("arguments") {
            // Some clients send the object as a string.
            Some(node) if node.is_string() => node.string()?,
            Some(node) if node.is_object() => node.json()?,
            Some(node) => return Err(node.invalid("must be an object")),
            None => "{}".to_owned(),
        };
        let name = called(&mut function)?;
        let id = id.unwrap_or(made_up);
        let call = ToolCall { id, name, input, freeform: false };
        Ok(self.conversation.call(node, call, fields.rest()?))
    }

    fn tool_result(
        &mut self,
        fields: &mut Fields<'_, '_>,
        index: usize,
    ) -> Result<Part, BadRequest> {
        let id = fields.string("tool_call_id")?.filter(|id| !id.is_empty());
        // Its name of old.
        let old = fields.string("name")?;
        let name = fields.string("tool_name")?.or(old).filter(|name| !name.is_empty());
        let (call_id, known) = self.answered(id, name.as_deref(), index);
        let content = self.spoken(fields)?.into_iter().filter_map(|part| {
            let body = match part.body {
                PartBody::Text(text) => ResultBody::Text(text),
                PartBody::Media(media) => ResultBody::Media(media),
                // Nobody speaks in other parts.
                _ => return None,
            };
            Some(ResultPart { body, extra: Vec::new() })
        });
        let result = ToolResult {
            call_id,
            name: name.unwrap_or(known),
            content: content.collect(),
            failed: false,
            freeform: false,
        };
        Ok(plain(PartBody::ToolResult(result)))
    }

    /// Id and name of the call that a result is of: the one that it names, or the first
    /// of that tool, or of any, that is still open. Where there is none, an id of no call.
    fn answered(
        &mut self,
        id: Option<String>,
        name: Option<&str>,
        index: usize,
    ) -> (String, String) {
        let Some(id) = id.or_else(|| self.conversation.next_open(name)) else {
            return (format!("call_{index}"), String::new());
        };
        let known = self.conversation.answered(&id);
        (id, known.map(|(name, _)| name).unwrap_or_default())
    }
}
