//! The messages of a conversation.

use std::collections::HashMap;

use plugway_engine::chat;

use super::reasoning;
use crate::BadRequest;
use crate::conversation::{Conversation, cache_point, called, plain};
use crate::json::{Fields, Node};

/// Reads the messages of one conversation.
pub(crate) struct Messages {
    pub(super) conversation: Conversation,
    /// Id of the last legacy call of each tool, by the tool's name.
    legacy: HashMap<String, String>,
}

impl Messages {
    pub(crate) fn new(conversation: Conversation) -> Self {
        Self { conversation, legacy: HashMap::new() }
    }

    pub(super) fn messages(
        &mut self,
        node: &Node<'_, '_>,
    ) -> Result<Vec<chat::Message>, BadRequest> {
        let nodes = node.array()?;
        if nodes.is_empty() {
            return Err(node.invalid("must hold at least one message"));
        }
        let messages = nodes.iter().enumerate();
        let messages =
            messages.map(|(index, node)| self.message(node, index)).collect::<Result<_, _>>()?;
        self.conversation.all_answered()?;
        Ok(messages)
    }

    fn message(&mut self, node: &Node<'_, '_>, index: usize) -> Result<chat::Message, BadRequest> {
        let mut fields = node.object()?;
        let role = fields.need("role")?;
        let (role, parts) = match &*role.text()? {
            "system" => (chat::Role::System, self.spoken(&mut fields)?),
            "developer" => (chat::Role::Developer, self.spoken(&mut fields)?),
            "user" => (chat::Role::User, self.spoken(&mut fields)?),
            "assistant" => (chat::Role::Assistant, self.assistant(&mut fields, index)?),
            "tool" => (chat::Role::Tool, vec![self.tool_result(&mut fields)?]),
            "function" => (chat::Role::Tool, vec![self.function_result(&mut fields)?]),
            _ => {
                let roles = "must be system, developer, user, assistant or tool";
                return Err(role.invalid(roles));
            }
        };
        Ok(chat::Message { role, parts, name: fields.string("name")?, extra: fields.rest()? })
    }

    /// What system, developer or user say.
    fn spoken(&mut self, fields: &mut Fields<'_, '_>) -> Result<Vec<chat::Part>, BadRequest> {
        let content = fields.need("content")?;
        let mut parts = self.content(&content)?;
        if parts.is_empty() {
            return Err(content.invalid("must hold at least one part"));
        }
        mark_last(&mut parts, cache_point(fields)?);
        Ok(parts)
    }

    /// The parts of a `content`: a string, or an array.
    fn content(&mut self, node: &Node<'_, '_>) -> Result<Vec<chat::Part>, BadRequest> {
        if node.is_array() {
            return node.array()?.iter().map(|node| self.part(node)).collect();
        }
        let text = self.conversation.text(node)?;
        Ok(vec![plain(chat::PartBody::Text(text))])
    }

    /// What the model said: reasoning first, then text, then calls.
    fn assistant(
        &mut self,
        fields: &mut Fields<'_, '_>,
        index: usize,
    ) -> Result<Vec<chat::Part>, BadRequest> {
        let mut parts = self.reasoning(fields)?;
        let content = fields.take("content");
        // Beside a call or a refusal, an empty text says nothing.
        let content = content.filter(|node| node.raw() != "\"\"");
        let mut said = match content {
            Some(node) => self.content(&node)?,
            None => Vec::new(),
        };
        if let Some(refusal) = fields.string("refusal")? {
            said.push(plain(chat::PartBody::Refusal(refusal)));
        }
        said.extend(self.echoed_media(fields)?);
        let calls = self.calls(fields, index)?;
        said.extend(sign(calls, &mut parts));
        parts.extend(said);
        if parts.is_empty() {
            parts.push(plain(chat::PartBody::Text(String::new())));
        }
        mark_last(&mut parts, cache_point(fields)?);
        // Which model said it is the client's memory, and no provider's field.
        fields.take("model");
        Ok(parts)
    }

    fn reasoning(&mut self, fields: &mut Fields<'_, '_>) -> Result<Vec<chat::Part>, BadRequest> {
        let details = fields.take("reasoning_details");
        let text = fields.take("reasoning");
        let content = fields.take("reasoning_content");
        if let Some(node) = details {
            let parts = reasoning::details(&node)?;
            if !parts.is_empty() {
                let native = |part: &chat::Part| matches!(part.body, chat::PartBody::Native(_));
                if parts.iter().any(native) {
                    self.conversation.holds_native(&node);
                }
                return Ok(parts);
            }
        }
        let Some(node) = text.or(content) else {
            return Ok(Vec::new());
        };
        let text = node.string()?;
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let reasoning = chat::Reasoning::Text(text);
        Ok(vec![plain(chat::PartBody::Reasoning(reasoning))])
    }

    /// Calls of tools, and the one call that older clients send.
    fn calls(
        &mut self,
        fields: &mut Fields<'_, '_>,
        index: usize,
    ) -> Result<Vec<chat::Part>, BadRequest> {
        let mut calls = Vec::new();
        if let Some(node) = fields.take("tool_calls") {
            for (place, node) in node.array()?.iter().enumerate() {
                calls.push(self.call(node, &format!("call_{index}_{place}"))?);
            }
        }
        if let Some(node) = fields.take("function_call") {
            let mut call = function(&mut node.object()?)?;
            call.id = format!("call_{index}");
            self.legacy.insert(call.name.clone(), call.id.clone());
            calls.push(self.conversation.call(&node, call, Vec::new()));
        }
        Ok(calls)
    }

    fn call(&mut self, node: &Node<'_, '_>, made_up: &str) -> Result<chat::Part, BadRequest> {
        let mut fields = node.object()?;
        let kind = fields.take("type");
        let id = fields.string("id")?.filter(|id| !id.is_empty());
        // Where it stood among the calls of a stream that was echoed.
        fields.take("index");
        let mut call = match kind.map(|node| node.text()).transpose()?.as_deref() {
            None | Some("function") => function(&mut fields.need("function")?.object()?)?,
            Some("custom") => custom(&mut fields.need("custom")?.object()?)?,
            Some(_) => {
                id.into_iter().for_each(|id| self.conversation.native_call(id));
                self.conversation.holds_native(node);
                return Ok(plain(chat::PartBody::Native(node.json()?)));
            }
        };
        call.id = id.unwrap_or_else(|| made_up.to_owned());
        let cache = cache_point(&mut fields)?;
        let part = self.conversation.call(node, call, fields.rest()?);
        Ok(chat::Part { cache, ..part })
    }

    fn tool_result(&mut self, fields: &mut Fields<'_, '_>) -> Result<chat::Part, BadRequest> {
        let id = fields.need("tool_call_id")?;
        let call_id = id.string()?;
        if call_id.is_empty() {
            return Err(id.invalid("must not be empty"));
        }
        let called = self.conversation.answered(&call_id);
        let called =
            called.ok_or_else(|| id.invalid("must be the id of a call in a message before it"))?;
        self.result(fields, call_id, called)
    }

    /// The result of a legacy call, which has a name but no id: of the last such call.
    fn function_result(&mut self, fields: &mut Fields<'_, '_>) -> Result<chat::Part, BadRequest> {
        let node = fields.need("name")?;
        let call_id = self.legacy.get(&node.string()?).cloned();
        let called = call_id.and_then(|id| Some((self.conversation.answered(&id)?, id)));
        let (called, call_id) =
            called.ok_or_else(|| node.invalid("must be of a `function_call` before it"))?;
        self.result(fields, call_id, called)
    }

    fn result(
        &mut self,
        fields: &mut Fields<'_, '_>,
        call_id: String,
        (name, freeform): (String, bool),
    ) -> Result<chat::Part, BadRequest> {
        let parts = self.content(&fields.need("content")?)?;
        let cache = cache_point(fields)?;
        // A breakpoint on a bit of the result is one on the result.
        let cache = cache.or_else(|| parts.iter().rev().find_map(|part| part.cache.clone()));
        let content = parts.into_iter().map(result_part).collect();
        let body = chat::PartBody::ToolResult(chat::ToolResult {
            call_id,
            name,
            content,
            failed: false,
            freeform,
        });
        Ok(chat::Part { cache, ..plain(body) })
    }
}

fn result_part(part: chat::Part) -> chat::ResultPart {
    let body = match part.body {
        chat::PartBody::Text(text) | chat::PartBody::Refusal(text) => chat::ResultBody::Text(text),
        chat::PartBody::Media(media) => chat::ResultBody::Media(media),
        chat::PartBody::Native(native) => chat::ResultBody::Native(native),
        // Not among the parts of a `content`.
        chat::PartBody::Reasoning(_)
        | chat::PartBody::ToolCall(_)
        | chat::PartBody::ToolResult(_) => chat::ResultBody::Text(String::new()),
    };
    chat::ResultPart { body, extra: part.extra }
}

fn function(fields: &mut Fields<'_, '_>) -> Result<chat::ToolCall, BadRequest> {
    let arguments = fields.take("arguments");
    let input = match arguments {
        Some(node) if node.is_string() => node.string()?,
        // Some clients send the object that the string should hold.
        Some(node) => node.json()?,
        None => String::new(),
    };
    Ok(chat::ToolCall { id: String::new(), name: called(fields)?, input, freeform: false })
}

fn custom(fields: &mut Fields<'_, '_>) -> Result<chat::ToolCall, BadRequest> {
    Ok(chat::ToolCall {
        id: String::new(),
        name: called(fields)?,
        input: fields.need("input")?.string()?,
        freeform: true,
    })
}

/// Gives each call the proof that travelled among the reasoning, under the call's
/// id; what is no such proof stays reasoning.
fn sign(mut calls: Vec<chat::Part>, reasoning: &mut Vec<chat::Part>) -> Vec<chat::Part> {
    use chat::{PartBody, Reasoning};
    let ids: HashMap<String, usize> = calls
        .iter()
        .enumerate()
        .filter_map(|(place, call)| match &call.body {
            PartBody::ToolCall(call) => Some((call.id.clone(), place)),
            _ => None,
        })
        .collect();
    reasoning.retain_mut(|part| {
        let PartBody::Reasoning(Reasoning::Encrypted(proof)) = &mut part.body else { return true };
        let signed = part.id.as_ref().and_then(|id| calls.get_mut(*ids.get(id)?));
        match signed.filter(|call| call.signature.is_none()) {
            Some(call) => {
                call.signature = Some(std::mem::take(proof));
                call.format = part.format.take();
                false
            }
            None => true,
        }
    });
    calls
}

fn mark_last(parts: &mut [chat::Part], cache: Option<chat::CachePoint>) {
    if let (Some(last), Some(cache)) = (parts.last_mut(), cache) {
        last.cache = Some(cache);
    }
}
