//! Content blocks of an answer as parts. A block is an object of one field, which says
//! what it is.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use plugway_formats::anthropic_messages::REASONING_FORMAT;
use plugway_formats::json::{Fields, compact};
use plugway_sdk::chat::{
    Citation, Media, MediaKind, MediaSource, Part, PartBody, Reasoning, ToolCall,
};

use crate::FORMAT;
use crate::memo::Memo;

/// The part that a block stands for; none where there is nothing to tell, or nothing
/// that a client of another dialect could read.
pub(super) fn part(block: &Fields, memo: &Memo) -> Option<Part> {
    let object = |name| block.get(name).and_then(Fields::read);
    if let Some(text) = block.text("text") {
        return (!text.is_empty()).then(|| Part::text(text));
    }
    if let Some(held) = object("reasoningContent") {
        return reasoning(&held, memo);
    }
    if let Some(held) = object("citationsContent") {
        return cited(&held, memo);
    }
    if let Some(call) = object("toolUse").filter(is_for_client) {
        let input = call.get("input").filter(|json| *json != "null");
        let input = input.map_or_else(|| "{}".into(), compact);
        return Some(tool_call(&call, input).into());
    }
    if let Some(held) = object("image") {
        return image(&held);
    }
    memo.takes_native().then(|| serde_json::to_string(block).ok()).flatten().map(native)
}

pub(super) fn native(json: String) -> Part {
    PartBody::Native(json).into()
}

/// Whether a call is for the client to answer, not for the service's own tools.
pub(super) fn is_for_client(call: &Fields) -> bool {
    call.text("type").is_none_or(|kind| kind != "server_tool_use")
}

pub(super) fn tool_call(call: &Fields, input: String) -> ToolCall {
    let text = |name| call.text(name).unwrap_or_default();
    ToolCall::new(text("toolUseId"), text("name"), input)
}

fn reasoning(held: &Fields, memo: &Memo) -> Option<Part> {
    if let Some(data) = held.text("redactedContent") {
        return Some(redacted(data, memo));
    }
    let words = held.get("reasoningText").and_then(Fields::read)?;
    let signature = words.text("signature").filter(|it| !it.is_empty());
    let text = words.text("text").unwrap_or_default();
    (signature.is_some() || !text.is_empty()).then(|| thought(text, signature, memo))
}

/// Reasoning that can be read, or a bit of it.
pub(super) fn thought(text: String, signature: Option<String>, memo: &Memo) -> Part {
    let format = match &signature {
        _ if memo.anthropic => Some(REASONING_FORMAT.into()),
        Some(_) => Some(FORMAT.into()),
        None => None,
    };
    Part { signature, format, ..Part::reasoning(text) }
}

/// What is redacted travels as bytes. Anthropic's are the characters of its own text,
/// which Anthropic itself takes back.
pub(super) fn redacted(data: String, memo: &Memo) -> Part {
    let text = BASE64_STANDARD.decode(&data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let (data, format) = match text {
        Some(text) if memo.anthropic => (text, REASONING_FORMAT),
        _ => (data, FORMAT),
    };
    let body = PartBody::Reasoning(Reasoning::Encrypted(data));
    Part { format: Some(format.into()), ..body.into() }
}

fn cited(held: &Fields, memo: &Memo) -> Option<Part> {
    let list = |name| -> Option<Vec<Fields>> { serde_json::from_str(held.get(name)?).ok() };
    let content = list("content").unwrap_or_default();
    let text: String = content.iter().filter_map(|it| it.text("text")).collect();
    let citations = list("citations").unwrap_or_default();
    let citations = citations.iter().map(|it| citation(it, memo)).collect();
    (!text.is_empty()).then(|| Part { citations, ..Part::text(text) })
}

/// A source as the contract has it; for clients of this dialect with all that must be
/// sent back.
pub(super) fn citation(held: &Fields, memo: &Memo) -> Citation {
    let quoted: Option<Vec<Fields>> =
        held.get("sourceContent").and_then(|json| serde_json::from_str(json).ok());
    let quote = quoted.map(|list| list.iter().filter_map(|it| it.text("text")).collect::<String>());
    let place = held.get("location").and_then(Fields::read);
    let web = place.as_ref().and_then(|place| Fields::read(place.get("web")?));
    Citation {
        url: web.and_then(|web| web.text("url")),
        title: held.text("title"),
        quote: quote.filter(|quote| !quote.is_empty()),
        // A block is cited as a whole.
        span: None,
        extra: if memo.takes_native() {
            held.extra(&["title", "sourceContent"])
        } else {
            Vec::new()
        },
    }
}

fn image(held: &Fields) -> Option<Part> {
    let source = Fields::read(held.get("source")?)?;
    image_bit(held.text("format"), source.text("bytes")?)
}

/// An image, or a bit of one.
pub(super) fn image_bit(format: Option<String>, bytes: String) -> Option<Part> {
    // Bits that do not decode on their own cannot be passed on.
    if bytes.is_empty() || !bytes.len().is_multiple_of(4) {
        return None;
    }
    let media = Media {
        kind: MediaKind::Image,
        source: MediaSource::Base64(bytes),
        mime: format.map(|format| format!("image/{format}")),
        name: None,
        detail: None,
    };
    Some(media.into())
}
