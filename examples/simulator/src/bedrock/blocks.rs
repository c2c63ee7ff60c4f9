//! Content blocks of a conversation, and what Converse demands of them.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::errors::invalid;
use crate::dialect::Refusal;
use crate::prompt::{Body, Called, Item, Media, Returned, Source};

/// A block: an object with one field, which says what it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Block {
    Text(String),
    Image(Held),
    Document(Held),
    Video(Held),
    Audio(Held),
    ToolUse(ToolUse),
    ToolResult(ToolResult),
    ReasoningContent(Reasoning),
    CachePoint(CachePoint),
    CitationsContent(Cited),
    GuardContent(IgnoredAny),
    SearchResult(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    format: Option<String>,
    name: Option<String>,
    source: Place,
    #[serde(rename = "context")]
    _context: Option<String>,
    #[serde(rename = "citations")]
    _citations: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Place {
    Bytes(String),
    Text(String),
    S3Location(Location),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Location {
    uri: String,
    #[serde(rename = "bucketOwner")]
    _bucket_owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ToolUse {
    pub(super) tool_use_id: String,
    name: String,
    input: Box<RawValue>,
    #[serde(rename = "type")]
    _type: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ToolResult {
    pub(super) tool_use_id: String,
    content: Vec<Inner>,
    status: Option<String>,
    #[serde(rename = "type")]
    _type: Option<String>,
}

/// A block in a tool's result.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Inner {
    Text(String),
    Json(Map<String, Value>),
    Image(Held),
    Document(Held),
    Video(Held),
    SearchResult(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Reasoning {
    ReasoningText(Words),
    RedactedContent(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    text: String,
    signature: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CachePoint {
    r#type: String,
    #[serde(rename = "ttl")]
    _ttl: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cited {
    content: Vec<CitedText>,
    #[serde(rename = "citations")]
    _citations: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CitedText {
    text: String,
}

impl CachePoint {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.r#type == "default" {
            return Ok(());
        }
        Err(invalid("1 validation error detected: Member must satisfy enum value set: [default]"))
    }
}

/// Adds a block to the items; a cache point marks the one before it.
pub(super) fn add(items: &mut Vec<Item>, block: Block, place: &str) -> Result<(), Refusal> {
    let item = match block {
        Block::CachePoint(point) => {
            point.check()?;
            let last = items.last_mut();
            let last = last.ok_or_else(|| invalid(format!("{place}: nothing is to be cached")))?;
            last.breakpoint = true;
            return Ok(());
        }
        Block::GuardContent(_) | Block::SearchResult(_) => return Ok(()),
        Block::ReasoningContent(Reasoning::ReasoningText(words)) => {
            let body = Body::Reasoning(words.text);
            Item { signature: words.signature, ..Item::new(body) }
        }
        other => Item::new(body(other, place)?),
    };
    items.push(item);
    Ok(())
}

fn body(block: Block, place: &str) -> Result<Body, Refusal> {
    Ok(match block {
        Block::Text(text) => Body::Text(written(text, place)?),
        Block::Image(held) => Body::Media(media("image", held)?),
        Block::Document(held) => Body::Media(media("document", held)?),
        Block::Video(held) => Body::Media(media("video", held)?),
        Block::Audio(held) => Body::Media(media("audio", held)?),
        Block::ToolUse(call) => {
            if !call.input.get().starts_with('{') {
                return Err(invalid(format!("{place}.toolUse.input must be an object")));
            }
            let arguments = call.input.get().to_owned();
            Body::Call(Called { id: Some(call.tool_use_id), name: call.name, arguments })
        }
        Block::ToolResult(result) => {
            let content = result.content.into_iter().filter_map(inner);
            Body::Result(Returned {
                id: Some(result.tool_use_id),
                name: None,
                content: content.collect::<Result<_, _>>()?,
                failed: result.status.as_deref() == Some("error"),
            })
        }
        Block::ReasoningContent(Reasoning::RedactedContent(data)) => Body::Sealed(data),
        Block::ReasoningContent(Reasoning::ReasoningText(words)) => Body::Reasoning(words.text),
        Block::CitationsContent(cited) => {
            Body::Text(cited.content.into_iter().map(|it| it.text).collect())
        }
        Block::CachePoint(_) | Block::GuardContent(_) | Block::SearchResult(_) => {
            Body::Text(String::new())
        }
    })
}

/// Text that is not blank.
fn written(text: String, place: &str) -> Result<String, Refusal> {
    if text.trim().is_empty() {
        return Err(invalid(format!(
            "The text field in the ContentBlock object at {place} is blank. Add text to the \
             text field, and try again."
        )));
    }
    Ok(text)
}

fn inner(block: Inner) -> Option<Result<Body, Refusal>> {
    Some(Ok(match block {
        Inner::Text(text) => Body::Text(text),
        Inner::Json(fields) => Body::Json(fields.into()),
        Inner::Image(held) => return Some(media("image", held).map(Body::Media)),
        Inner::Document(held) => return Some(media("document", held).map(Body::Media)),
        Inner::Video(held) => return Some(media("video", held).map(Body::Media)),
        Inner::SearchResult(_) => return None,
    }))
}

fn media(kind: &'static str, held: Held) -> Result<Media, Refusal> {
    if held.format.is_none() {
        return Err(invalid(format!("The {kind} block has no format.")));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || " -()[]_".contains(c);
    let named = held.name.as_deref().is_some_and(|name| name.chars().all(fits));
    if kind == "document" && !named {
        return Err(invalid(
            "The document file name can only contain alphanumeric characters, whitespace \
             characters, hyphens, parentheses, and square brackets.",
        ));
    }
    let source = match held.source {
        Place::Bytes(data) => Source::Data(data),
        Place::Text(text) => Source::Text(text),
        Place::S3Location(location) => Source::Url(location.uri),
    };
    Ok(Media { kind, source, mime: held.format, name: held.name })
}
