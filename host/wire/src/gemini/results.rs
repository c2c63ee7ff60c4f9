//! `functionResponse`: what a tool answered.

use plugway_engine::chat::{Part, PartBody, ResultBody, ResultPart, Role, ToolResult};

use super::contents::Contents;
use super::names::items;
use crate::BadRequest;
use crate::conversation::plain;
use crate::json::{Fields, Node, inside};

impl Contents {
    /// The answer of a tool, for the call of its id, or else the first open call of it.
    pub(super) fn result(
        &mut self,
        node: &Node<'_, '_>,
        outer: &Fields<'_, '_>,
        role: Role,
    ) -> Result<Part, BadRequest> {
        if role != Role::User {
            return Err(node.invalid("is the answer of a tool, which only the user brings"));
        }
        let mut fields = node.object()?;
        let named = fields.take("id");
        let id = named.map(|node| node.string()).transpose()?.filter(|id| !id.is_empty());
        let mut name = fields.string("name")?.unwrap_or_default();
        if let (true, Some(id)) = (name.is_empty(), &id) {
            name = self.conversation.called(id);
        }
        if name.is_empty() {
            return Err(fields.missing("name"));
        }
        let call_id = self.answered(id, &name).ok_or_else(|| match named {
            Some(id) => id.invalid("must be the id of a call before it"),
            None => node.invalid("must come after a call of its tool that is still open"),
        })?;
        let mut content = Vec::new();
        let mut failed = false;
        if let Some(response) = fields.take("response") {
            (content, failed) = self.response(&response)?;
        }
        if let Some(parts) = fields.take("parts") {
            for node in items(&parts)? {
                content.push(self.result_part(&node)?);
            }
        }
        let mut extra: Vec<_> = inside("functionResponse", fields.rest()?).into_iter().collect();
        extra.extend(outer.rest()?);
        let result = ToolResult { call_id, name, content, failed, freeform: false };
        Ok(Part { extra, ..plain(PartBody::ToolResult(result)) })
    }

    /// An object. Where it is but `output` or `error`, the API takes it for what the
    /// tool said, or for how it failed.
    fn response(&mut self, node: &Node<'_, '_>) -> Result<(Vec<ResultPart>, bool), BadRequest> {
        let mut fields = node.object()?;
        let output = fields.take("output");
        let error = fields.take("error");
        let is_alone = fields.left().next().is_none();
        let (body, failed) = match (output, error) {
            (Some(output), None) if is_alone && output.is_string() => {
                (ResultBody::Text(self.conversation.text(&output)?), false)
            }
            (None, Some(error)) if is_alone && error.is_string() => {
                (ResultBody::Text(self.conversation.text(&error)?), true)
            }
            (None, Some(error)) if is_alone => (self.json(&error)?, true),
            (None, None) if is_empty(node.raw()) => return Ok((Vec::new(), false)),
            _ => (self.json(node)?, false),
        };
        Ok((vec![ResultPart { body, extra: Vec::new() }], failed))
    }

    fn json(&mut self, node: &Node<'_, '_>) -> Result<ResultBody, BadRequest> {
        self.conversation.text_bytes += node.raw().len();
        Ok(ResultBody::Json(node.json()?))
    }

    /// Data beside a response.
    fn result_part(&mut self, node: &Node<'_, '_>) -> Result<ResultPart, BadRequest> {
        let mut fields = node.object()?;
        let inline = fields.either("inlineData", "inline_data")?;
        let file = fields.either("fileData", "file_data")?;
        let mut extra = Vec::new();
        let body = match (inline, file) {
            (Some(node), None) => ResultBody::Media(self.inline(&node, &mut extra)?),
            (None, Some(node)) => ResultBody::Media(self.file(&node, &mut extra)?),
            (Some(_), Some(file)) => {
                return Err(file.invalid("must not stand beside `inlineData`: a part is one"));
            }
            (None, None) => {
                self.conversation.holds_native(node);
                self.conversation.saw(node.raw());
                return Ok(ResultPart {
                    body: ResultBody::Native(node.json()?),
                    extra: Vec::new(),
                });
            }
        };
        extra.extend(fields.rest()?);
        Ok(ResultPart { body, extra })
    }
}

/// An object without fields.
fn is_empty(raw: &str) -> bool {
    raw.trim_matches(['{', '}', ' ', '\n', '\r', '\t']).is_empty()
}
