//! Parts of messages as content blocks.

use plugway_sdk::chat::{
    Citation, Failure, Part, PartBody, Reasoning, ResultBody, ResultPart, ToolCall, ToolResult,
};

use super::{cache_control, media};
use crate::anthropic_messages::REASONING_FORMAT;
use crate::anthropic_messages::content::CitationKeys;
use crate::json::{Json, Object, raw, raw_object};

/// The block of a part; none where nothing of it is to be sent. `trim` cuts white
/// space from the end of a text.
pub(super) fn block(part: &Part, native: bool, trim: bool) -> Result<Option<Json<'_>>, Failure> {
    let block = match &part.body {
        PartBody::Text(text) | PartBody::Refusal(text) => {
            let text = if trim { text.trim_end() } else { text };
            text_block(text, &part.citations, native)?
        }
        PartBody::Media(media) => Some(media::block(media)?),
        // The API refuses breakpoints on reasoning.
        PartBody::Reasoning(reasoning) => return Ok(reasoning_block(part, reasoning, native)),
        PartBody::ToolCall(call) => Some(tool_use(call)?),
        PartBody::ToolResult(result) => Some(tool_result(result, native)?),
        PartBody::Native(json) => return native_value(json, native).map(Some),
    };
    let Some(block) = block else {
        return Ok(None);
    };
    let block = block.with_some("cache_control", part.cache.as_ref().map(cache_control));
    let extra = if native { part.extra.as_slice() } else { &[] };
    Ok(Some(block.with_extra(extra)?.into()))
}

/// A native value, which only a client of this dialect can have sent.
pub(super) fn native_value(json: &str, native: bool) -> Result<Json<'_>, Failure> {
    if !native {
        return Err(Failure::unsupported(
            "Anthropic does not read the native values of other providers",
        ));
    }
    Ok(raw(json, "messages")?.into())
}

fn text_block<'a>(
    text: &'a str,
    citations: &'a [Citation],
    native: bool,
) -> Result<Option<Object<'a>>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let mut list: Vec<Json<'a>> = Vec::new();
    // Without its native fields a citation cannot be sent back.
    for citation in citations.iter().filter(|_| native) {
        list.push(cited(citation)?.into());
    }
    let block = Object::of_type("text").with("text", text);
    Ok(Some(block.with_some("citations", super::non_empty(list))))
}

fn cited(citation: &Citation) -> Result<Object<'_>, Failure> {
    let kind = citation.extra.iter().find(|(name, _)| name == "type");
    let keys = CitationKeys::of(kind.map_or("", |(_, json)| json.trim_matches('"')));
    let title = citation.title.as_deref().map_or(Json::Null, Json::from);
    let object =
        Object::new().with_some("cited_text", citation.quote.as_ref()).with(keys.title, title);
    let object = match keys.url {
        Some(key) => object.with_some(key, citation.url.as_ref()),
        None => object,
    };
    object.with_extra(&citation.extra)
}

/// Reasoning goes back only with its proof, and only to whom can check it.
fn reasoning_block<'a>(part: &'a Part, reasoning: &'a Reasoning, native: bool) -> Option<Json<'a>> {
    let ours = match part.format.as_deref() {
        Some(format) => format == REASONING_FORMAT,
        None => native,
    };
    if !ours {
        return None;
    }
    let block = match reasoning {
        Reasoning::Text(text) => Object::of_type("thinking")
            .with("thinking", text)
            .with("signature", part.signature.as_ref()?),
        Reasoning::Encrypted(data) => Object::of_type("redacted_thinking").with("data", data),
        Reasoning::Summary(_) => return None,
    };
    Some(block.into())
}

fn tool_use(call: &ToolCall) -> Result<Object<'_>, Failure> {
    if call.freeform {
        return Err(Failure::unsupported("Anthropic has no tools whose input is plain text"));
    }
    Ok(Object::of_type("tool_use")
        .with("id", &call.id)
        .with("name", &call.name)
        .with("input", raw_object(&call.input, "messages.tool_calls.arguments")?))
}

fn tool_result(result: &ToolResult, native: bool) -> Result<Object<'_>, Failure> {
    let mut content = Vec::with_capacity(result.content.len());
    for part in &result.content {
        content.extend(result_block(part, native)?);
    }
    Ok(Object::of_type("tool_result")
        .with("tool_use_id", &result.call_id)
        .with_some("content", super::non_empty(content))
        .with_some("is_error", result.failed.then_some(true)))
}

fn result_block(part: &ResultPart, native: bool) -> Result<Option<Json<'_>>, Failure> {
    let block = match &part.body {
        ResultBody::Text(text) | ResultBody::Json(text) => text_block(text, &[], native)?,
        ResultBody::Media(media) => Some(media::block(media)?),
        ResultBody::Native(json) => return native_value(json, native).map(Some),
    };
    let Some(block) = block else {
        return Ok(None);
    };
    let extra = if native { part.extra.as_slice() } else { &[] };
    Ok(Some(block.with_extra(extra)?.into()))
}
