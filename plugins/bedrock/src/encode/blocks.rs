//! Parts of messages as content blocks: objects of one field, which says what they are.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use plugway_formats::anthropic_messages::REASONING_FORMAT;
use plugway_formats::json::{Json, Object, raw, raw_object};
use plugway_sdk::chat::{
    CachePoint, Citation, Extra, Failure, Part, PartBody, Reasoning, Request, ResultBody,
    ResultPart, ToolCall, ToolResult,
};
use serde_json::value::to_raw_value;

use super::media::Documents;
use super::output::foreign;
use super::{is_native, is_of_family};
use crate::FORMAT;
use crate::model::Family;
use crate::options::Options;

/// Writes the blocks of one conversation.
pub(super) struct Blocks<'o> {
    options: &'o Options,
    native: bool,
    /// Reasoning without a format can only be the model's own.
    of_family: bool,
    documents: Documents,
}

impl<'o> Blocks<'o> {
    pub(super) fn new(request: &Request, options: &'o Options) -> Self {
        Self {
            options,
            native: is_native(request),
            of_family: is_of_family(request, options.model.family),
            documents: Documents::new(is_native(request)),
        }
    }

    /// Adds the block of a part, and its cache point as a block of its own.
    pub(super) fn add<'a>(
        &mut self,
        part: &'a Part,
        content: &mut Vec<Json<'a>>,
    ) -> Result<(), Failure> {
        let Some(block) = self.block(part)? else {
            return Ok(());
        };
        content.push(block);
        // After reasoning none is taken.
        let takes = self.native || self.options.model.cache_points;
        if let (Some(point), true) = (&part.cache, takes && !is_reasoning(part)) {
            content.push(cache_block(point, self.options, self.native));
        }
        Ok(())
    }

    fn block<'a>(&mut self, part: &'a Part) -> Result<Option<Json<'a>>, Failure> {
        let extra = carried(&part.extra, self.native, self.of_family);
        let (name, held): (_, Json<'a>) = match &part.body {
            PartBody::Text(text) | PartBody::Refusal(text) if text.is_empty() => return Ok(None),
            PartBody::Text(text) | PartBody::Refusal(text) => {
                return self.text(text, part).map(Some);
            }
            PartBody::Media(media) => {
                let (name, object) = self.documents.block(media)?;
                (name, object.with_extra(extra)?.into())
            }
            PartBody::Reasoning(reasoning) => return self.reasoning(part, reasoning),
            PartBody::ToolCall(call) => ("toolUse", tool_use(call)?.with_extra(extra)?.into()),
            PartBody::ToolResult(result) => {
                ("toolResult", self.tool_result(result)?.with_extra(extra)?.into())
            }
            PartBody::Native(json) if self.native => {
                return Ok(Some(raw(json, "messages")?.into()));
            }
            PartBody::Native(_) => return Err(foreign()),
        };
        Ok(Some(Object::new().with(name, held).into()))
    }

    /// Citations go back only as the service gave them.
    fn text<'a>(&self, text: &'a str, part: &'a Part) -> Result<Json<'a>, Failure> {
        let plain = Object::new().with("text", text);
        if !self.native || part.citations.is_empty() {
            return Ok(plain.into());
        }
        let mut citations: Vec<Json<'a>> = Vec::new();
        for citation in &part.citations {
            citations.push(cited(citation)?.into());
        }
        let held =
            Object::new().with("content", vec![Json::from(plain)]).with("citations", citations);
        Ok(Object::new().with("citationsContent", held).into())
    }

    /// Reasoning goes back only with its proof, and only to whom can check it.
    fn reasoning<'a>(
        &self,
        part: &'a Part,
        reasoning: &'a Reasoning,
    ) -> Result<Option<Json<'a>>, Failure> {
        let anthropic = self.options.model.family == Family::Anthropic;
        let ours = match part.format.as_deref() {
            Some(REASONING_FORMAT) => anthropic,
            Some(format) => format == FORMAT,
            None => self.of_family,
        };
        let unsigned = part.signature.is_none() && !self.native;
        let held = match reasoning {
            _ if !ours => return Ok(None),
            Reasoning::Text(_) if unsigned => return Ok(None),
            Reasoning::Text(text) => {
                let words = Object::new()
                    .with("text", text)
                    .with_some("signature", part.signature.as_ref())
                    .with_extra(part.extra.iter().filter(|_| self.native))?;
                Object::new().with("reasoningText", words)
            }
            Reasoning::Encrypted(data) => {
                Object::new().with("redactedContent", bytes(data, anthropic)?)
            }
            Reasoning::Summary(_) => return Ok(None),
        };
        Ok(Some(Object::new().with("reasoningContent", held).into()))
    }

    fn tool_result<'a>(&mut self, result: &'a ToolResult) -> Result<Object<'a>, Failure> {
        let mut content = Vec::with_capacity(result.content.len());
        for part in &result.content {
            content.extend(self.result_block(part)?);
        }
        Ok(Object::new()
            .with("toolUseId", &result.call_id)
            .with("content", content)
            .with_some("status", result.failed.then_some("error")))
    }

    fn result_block<'a>(&mut self, part: &'a ResultPart) -> Result<Option<Json<'a>>, Failure> {
        let block = match &part.body {
            ResultBody::Text(text) if text.is_empty() => return Ok(None),
            ResultBody::Text(text) => Object::new().with("text", text),
            // Only objects are taken as JSON.
            ResultBody::Json(json) if json.trim_start().starts_with('{') => {
                Object::new().with("json", raw(json, "messages.tool_result")?)
            }
            ResultBody::Json(json) => Object::new().with("text", json),
            ResultBody::Media(media) => {
                let (name, object) = self.documents.block(media)?;
                let extra = carried(&part.extra, self.native, self.of_family);
                Object::new().with(name, object.with_extra(extra)?)
            }
            ResultBody::Native(json) if self.native => {
                return Ok(Some(raw(json, "messages")?.into()));
            }
            ResultBody::Native(_) => return Err(foreign()),
        };
        Ok(Some(block.into()))
    }
}

/// The native fields that a block takes: all of Converse's, and those of a document that
/// Anthropic calls the same.
fn carried(extra: &[Extra], native: bool, of_family: bool) -> impl Iterator<Item = &Extra> {
    let is_shared = |name: &str| matches!(name, "citations" | "context");
    extra.iter().filter(move |(name, _)| native || of_family && is_shared(name))
}

/// A breakpoint of the prompt cache. A time to live that the model has not is left to
/// its default.
pub(super) fn cache_block<'a>(point: &'a CachePoint, options: &Options, native: bool) -> Json<'a> {
    let ttl = point.ttl.as_deref();
    let known = |ttl: &&str| matches!(*ttl, "5m" | "1h") && options.model.cache_ttl;
    let ttl = ttl.filter(|ttl| native || known(ttl));
    Object::new().with("cachePoint", Object::of_type("default").with_some("ttl", ttl)).into()
}

fn is_reasoning(part: &Part) -> bool {
    matches!(part.body, PartBody::Reasoning(_))
}

fn tool_use(call: &ToolCall) -> Result<Object<'_>, Failure> {
    if call.freeform {
        return Err(Failure::unsupported("Bedrock has no tools whose input is plain text"));
    }
    Ok(Object::new()
        .with("toolUseId", &call.id)
        .with("name", &call.name)
        .with("input", raw_object(&call.input, "messages.tool_calls.arguments")?))
}

fn cited(citation: &Citation) -> Result<Object<'_>, Failure> {
    let quote =
        citation.quote.as_ref().map(|quote| vec![Json::from(Object::new().with("text", quote))]);
    Object::new()
        .with_some("title", citation.title.as_ref())
        .with_some("sourceContent", quote)
        .with_extra(&citation.extra)
}

/// What is redacted travels as bytes. Anthropic's are the characters of its own text.
fn bytes(data: &str, anthropic: bool) -> Result<Json<'_>, Failure> {
    if !anthropic {
        return Ok(data.into());
    }
    let text = to_raw_value(&BASE64_STANDARD.encode(data));
    text.map(Json::from).map_err(|_| Failure::unsupported("the reasoning cannot be written"))
}
