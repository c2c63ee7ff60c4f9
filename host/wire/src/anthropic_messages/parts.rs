//! The blocks of a message, as parts.

use plugway_engine::chat::{self, PartBody, Reasoning, Role};

use super::carried::{self, Redacted};
use super::messages::Messages;
use super::{citations, media, options};
use crate::BadRequest;
use crate::conversation::{called, plain};
use crate::json::{Fields, Node};

/// A proof that stood beside the call that it is for.
pub(super) struct Proof {
    pub(super) call_id: String,
    pub(super) format: Option<String>,
    pub(super) signature: String,
}

impl Messages {
    pub(super) fn block(
        &mut self,
        block: &Node<'_, '_>,
        role: Role,
        parts: &mut Vec<chat::Part>,
        proofs: &mut Vec<Proof>,
    ) -> Result<(), BadRequest> {
        let mut fields = block.object()?;
        let kind = fields.need("type")?;
        let kind = kind.text()?;
        let speaker = match &*kind {
            "tool_use" | "thinking" | "redacted_thinking" => Some((Role::Assistant, "assistant")),
            "tool_result" => Some((Role::User, "user")),
            _ => None,
        };
        if let Some((_, name)) = speaker.filter(|(speaker, _)| *speaker != role) {
            return Err(block.invalid(format!("can stand in a message of the {name} only")));
        }
        let mut part = match &*kind {
            "text" => {
                let text = self.conversation.text(&fields.need("text")?)?;
                let citations = citations::read(&mut fields)?;
                chat::Part { citations, ..plain(PartBody::Text(text)) }
            }
            "image" | "document" => match media::medium(&mut self.conversation, &mut fields)? {
                Some(medium) => plain(PartBody::Media(medium)),
                None => {
                    parts.push(self.conversation.native(block)?);
                    return Ok(());
                }
            },
            "tool_use" => self.tool_use(block, &mut fields)?,
            "tool_result" => self.tool_result(&mut fields)?,
            "thinking" => match self.thinking(&mut fields)? {
                Some(part) => part,
                None => return Ok(()),
            },
            "redacted_thinking" => match self.redacted(&mut fields, parts, proofs)? {
                Some(part) => part,
                None => return Ok(()),
            },
            _ => {
                parts.push(self.conversation.native(block)?);
                return Ok(());
            }
        };
        let (cache, cached) = options::cache_point(&mut fields)?;
        part.cache = cache;
        part.extra = cached.into_iter().chain(fields.rest()?).collect();
        parts.push(part);
        Ok(())
    }

    fn tool_use(
        &mut self,
        block: &Node<'_, '_>,
        fields: &mut Fields<'_, '_>,
    ) -> Result<chat::Part, BadRequest> {
        let id = not_empty(fields, "id")?;
        let name = called(fields)?;
        if name.is_empty() {
            return Err(fields.need("name")?.invalid("must not be empty"));
        }
        let input = match fields.take("input") {
            None => "{}".to_owned(),
            Some(node) if node.is_object() => node.json()?,
            Some(node) => return Err(node.invalid("must be an object")),
        };
        let call = chat::ToolCall { id, name, input, freeform: false };
        Ok(self.conversation.call(block, call, Vec::new()))
    }

    fn tool_result(&mut self, fields: &mut Fields<'_, '_>) -> Result<chat::Part, BadRequest> {
        let call_id = not_empty(fields, "tool_use_id")?;
        let Some((name, freeform)) = self.conversation.answered(&call_id) else {
            let node = fields.need("tool_use_id")?;
            return Err(node.invalid("must be the id of a `tool_use` in a message before it"));
        };
        let content = match fields.take("content") {
            None => Vec::new(),
            Some(node) if node.is_array() => {
                let blocks = node.array()?;
                let parts = blocks.iter().map(|node| self.result_part(node));
                parts.collect::<Result<_, _>>()?
            }
            Some(node) => {
                let body = chat::ResultBody::Text(self.conversation.text(&node)?);
                vec![chat::ResultPart { body, extra: Vec::new() }]
            }
        };
        let failed = fields.boolean("is_error")?.unwrap_or(false);
        Ok(plain(PartBody::ToolResult(chat::ToolResult {
            call_id,
            name,
            content,
            failed,
            freeform,
        })))
    }

    fn result_part(&mut self, block: &Node<'_, '_>) -> Result<chat::ResultPart, BadRequest> {
        let mut fields = block.object()?;
        let kind = fields.need("type")?;
        let body = match &*kind.text()? {
            "text" => Some(chat::ResultBody::Text(self.conversation.text(&fields.need("text")?)?)),
            "image" | "document" => {
                let medium = media::medium(&mut self.conversation, &mut fields)?;
                medium.map(chat::ResultBody::Media)
            }
            _ => None,
        };
        match body {
            Some(body) => Ok(chat::ResultPart { body, extra: fields.rest()? }),
            None => {
                self.conversation.holds_native(block);
                self.conversation.saw(block.raw());
                let body = chat::ResultBody::Native(block.json()?);
                Ok(chat::ResultPart { body, extra: Vec::new() })
            }
        }
    }

    /// None where it says nothing.
    fn thinking(&mut self, fields: &mut Fields<'_, '_>) -> Result<Option<chat::Part>, BadRequest> {
        let text = fields.need("thinking")?.string()?;
        let signature = fields.take("signature");
        let told = signature.as_ref().map(Node::string).transpose()?.unwrap_or_default();
        let part = match carried::thinking(text, told) {
            Ok(part) => part,
            Err(flaw) => return Err(fields.need("signature")?.invalid(flaw)),
        };
        let said = |part: &chat::Part| match &part.body {
            PartBody::Reasoning(Reasoning::Text(text) | Reasoning::Summary(text)) => {
                !text.is_empty() || part.signature.is_some() || part.id.is_some()
            }
            _ => true,
        };
        Ok(Some(part).filter(said))
    }

    /// Sealed reasoning; none where it is a proof for another block.
    fn redacted(
        &mut self,
        fields: &mut Fields<'_, '_>,
        parts: &mut [chat::Part],
        proofs: &mut Vec<Proof>,
    ) -> Result<Option<chat::Part>, BadRequest> {
        let node = fields.need("data")?;
        let data = node.string()?;
        match carried::redacted(data).map_err(|flaw| node.invalid(flaw))? {
            Redacted::Reasoning(part) => Ok(Some(part)),
            Redacted::OfCall(proof) => {
                proofs.push(proof);
                Ok(None)
            }
            Redacted::OfText { format, signature } => {
                let text = |part: &&mut chat::Part| {
                    matches!(part.body, PartBody::Text(_)) && part.signature.is_none()
                };
                let Some(part) = parts.last_mut().filter(text) else {
                    let text = plain(PartBody::Text(String::new()));
                    return Ok(Some(chat::Part { format, signature: Some(signature), ..text }));
                };
                part.format = format;
                part.signature = Some(signature);
                Ok(None)
            }
        }
    }
}

/// Gives each call the proof that stood beside it. One whose call is gone proves
/// nothing any more.
pub(super) fn prove(parts: &mut [chat::Part], proofs: Vec<Proof>) {
    if proofs.is_empty() {
        return;
    }
    let mut proofs: std::collections::HashMap<String, Proof> =
        proofs.into_iter().map(|proof| (proof.call_id.clone(), proof)).collect();
    for part in parts {
        let PartBody::ToolCall(call) = &part.body else { continue };
        if let Some(proof) = proofs.remove(&call.id) {
            part.signature = Some(proof.signature);
            part.format = proof.format;
        }
    }
}

fn not_empty(fields: &mut Fields<'_, '_>, name: &'static str) -> Result<String, BadRequest> {
    let node = fields.need(name)?;
    let text = node.string()?;
    if text.is_empty() {
        return Err(node.invalid("must not be empty"));
    }
    Ok(text)
}
