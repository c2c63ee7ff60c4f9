//! Content blocks of a request, and what Anthropic demands of them.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::dialect::Refusal;
use crate::ids;
use crate::prompt::{self, Body, Called, Item, Media, Returned};

const TAGS: &str = "'document', 'image', 'redacted_thinking', 'search_result', 'text', \
                    'thinking', 'tool_result', 'tool_use'";

/// Blocks of tools that the provider runs itself, and of search: accepted as
/// they are.
const SERVER_TAGS: [&str; 12] = [
    "bash_code_execution_tool_result",
    "code_execution_tool_result",
    "container_upload",
    "mcp_tool_result",
    "mcp_tool_use",
    "search_result",
    "server_tool_use",
    "text_editor_code_execution_tool_result",
    "tool_reference",
    "tool_search_tool_result",
    "web_fetch_tool_result",
    "web_search_tool_result",
];

/// A content block, of any type.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Block<'a> {
    #[serde(borrow)]
    pub(super) r#type: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) tool_use_id: Option<Cow<'a, str>>,
    /// Of a tool's result.
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<Cow<'a, str>>,
    cache_control: Option<IgnoredAny>,
    #[serde(borrow)]
    title: Option<Cow<'a, str>>,
    is_error: Option<bool>,
    #[serde(rename = "caller")]
    _caller: Option<IgnoredAny>,
    #[serde(rename = "citations")]
    _citations: Option<IgnoredAny>,
    #[serde(rename = "context")]
    _context: Option<IgnoredAny>,
    #[serde(rename = "file_id")]
    _file_id: Option<IgnoredAny>,
    #[serde(rename = "server_name")]
    _server_name: Option<IgnoredAny>,
    #[serde(rename = "tool_name")]
    _tool_name: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    media_type: Option<String>,
    #[serde(borrow)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow)]
    url: Option<Cow<'a, str>>,
    file_id: Option<String>,
    content: Option<IgnoredAny>,
}

/// What a block says it is, whatever else is in it.
#[derive(Deserialize)]
struct Tagged {
    r#type: String,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Content is a string or a list of blocks; a string is one text block.
pub(super) fn blocks<'a>(raw: &'a RawValue, place: &str) -> Result<Vec<Block<'a>>, Refusal> {
    let json = raw.get();
    if !json.starts_with('"') {
        return serde_json::from_str(json).map_err(|error| not_read(json, place, &error));
    }
    let text: Text<'a> = serde_json::from_str(json)
        .map_err(|error| Refusal::invalid(format!("{place}: {error}")))?;
    Ok(vec![Block::text(text.0)])
}

/// What is wrong with a list of blocks: a type that is unknown before all else.
fn not_read(json: &str, place: &str, error: &serde_json::Error) -> Refusal {
    let tags: Vec<Tagged> = serde_json::from_str(json).unwrap_or_default();
    let odd = |tag: &&Tagged| {
        let own = TAGS.contains(&format!("'{}'", tag.r#type));
        !own && !SERVER_TAGS.contains(&tag.r#type.as_str())
    };
    match tags.iter().enumerate().find(|(_, tag)| odd(tag)) {
        Some((at, tag)) => unknown_tag(&format!("{place}.{at}"), &tag.r#type),
        None => Refusal::invalid(format!("{place}: {error}")),
    }
}

fn unknown_tag(place: &str, tag: &str) -> Refusal {
    Refusal::invalid(format!(
        "{place}: Input tag '{tag}' found using 'type' does not match any of the expected \
         tags: {TAGS}"
    ))
}

impl<'a> Block<'a> {
    fn text(text: Cow<'a, str>) -> Block<'a> {
        Block {
            r#type: "text".into(),
            text: Some(text),
            source: None,
            id: None,
            name: None,
            input: None,
            tool_use_id: None,
            content: None,
            thinking: None,
            signature: None,
            data: None,
            cache_control: None,
            title: None,
            is_error: None,
            _caller: None,
            _citations: None,
            _context: None,
            _file_id: None,
            _server_name: None,
            _tool_name: None,
        }
    }

    /// What the block says; none where it is of a tool that the provider runs.
    pub(super) fn item(&self) -> Result<Option<Item>, Refusal> {
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let filled = |text: &Option<Cow<'_, str>>| owned(text).unwrap_or_default();
        let body = match &*self.r#type {
            "text" => Body::Text(filled(&self.text)),
            "image" => Body::Media(self.media("image")?),
            "document" => Body::Media(self.media("document")?),
            "thinking" => Body::Reasoning(filled(&self.thinking)),
            "redacted_thinking" => Body::Sealed(filled(&self.data)),
            "tool_use" => Body::Call(Called {
                id: owned(&self.id),
                name: filled(&self.name),
                arguments: self.input.map(|input| input.get().to_owned()).unwrap_or_default(),
            }),
            "tool_result" => Body::Result(Returned {
                id: owned(&self.tool_use_id),
                name: None,
                content: self.returned()?,
                failed: self.is_error == Some(true),
            }),
            _ => return Ok(None),
        };
        let (signature, breakpoint) = (owned(&self.signature), self.cache_control.is_some());
        Ok(Some(Item { body, signature, breakpoint }))
    }

    /// What a tool gave back: blocks like the others.
    fn returned(&self) -> Result<Vec<Body>, Refusal> {
        let Some(content) = self.content else { return Ok(Vec::new()) };
        let mut bodies = Vec::new();
        for inner in blocks(content, "tool_result.content")? {
            inner.check("tool_result.content")?;
            bodies.extend(inner.item()?.map(|item| item.body));
        }
        Ok(bodies)
    }

    fn media(&self, kind: &'static str) -> Result<Media, Refusal> {
        let source = self.source.map_or("null", RawValue::get);
        let source: Source<'_> = serde_json::from_str(source)
            .map_err(|error| Refusal::invalid(format!("source: {error}")))?;
        let text = source.data.or(source.url).map(Cow::into_owned).unwrap_or_default();
        let place = match &*source.r#type {
            "base64" => prompt::Source::Data(text),
            "url" => prompt::Source::Url(text),
            "file" => prompt::Source::File(source.file_id.unwrap_or_default()),
            _ => prompt::Source::Text(text),
        };
        let name = self.title.as_deref().map(str::to_owned);
        Ok(Media { kind, source: place, mime: source.media_type, name })
    }

    /// Checks the fields that the block's type demands.
    pub(super) fn check(&self, place: &str) -> Result<(), Refusal> {
        let tag = &*self.r#type;
        let need = |field: &str, present: bool| match present {
            true => Ok(()),
            false => Err(Refusal::invalid(format!("{place}.{tag}.{field}: Field required"))),
        };
        match tag {
            "text" => {
                need("text", self.text.is_some())?;
                if self.text.as_deref() == Some("") {
                    let message = "messages: text content blocks must be non-empty";
                    return Err(Refusal::invalid(message));
                }
                Ok(())
            }
            "image" | "document" => {
                need("source", self.source.is_some())?;
                self.check_source(&format!("{place}.{tag}.source"))
            }
            "tool_use" => {
                need("id", self.id.is_some())?;
                need("name", self.name.is_some())?;
                need("input", self.input.is_some())?;
                self.check_input(place)
            }
            "tool_result" => need("tool_use_id", self.tool_use_id.is_some()),
            "thinking" => {
                need("thinking", self.thinking.is_some())?;
                need("signature", self.signature.is_some())?;
                self.check_signature(place)
            }
            "redacted_thinking" => need("data", self.data.is_some()),
            other if SERVER_TAGS.contains(&other) => Ok(()),
            other => Err(unknown_tag(place, other)),
        }
    }

    fn check_source(&self, place: &str) -> Result<(), Refusal> {
        let source = self.source.map_or("null", RawValue::get);
        let source: Source<'_> = serde_json::from_str(source)
            .map_err(|error| Refusal::invalid(format!("{place}: {error}")))?;
        source.check(place)
    }

    fn check_input(&self, place: &str) -> Result<(), Refusal> {
        let object = self.input.is_some_and(|input| input.get().starts_with('{'));
        if object {
            return Ok(());
        }
        let message = format!("{place}.tool_use.input: Input should be a valid dictionary");
        Err(Refusal::invalid(message))
    }

    /// A thinking block must come back as it went out.
    fn check_signature(&self, place: &str) -> Result<(), Refusal> {
        let thinking = self.thinking.as_deref().unwrap_or_default();
        if self.signature.as_deref() == Some(&ids::signature(thinking)) {
            return Ok(());
        }
        let message = format!("{place}: Invalid `signature` in `thinking` block");
        Err(Refusal::invalid(message))
    }
}

impl Source<'_> {
    fn check(&self, place: &str) -> Result<(), Refusal> {
        let needed: &[(&str, bool)] = match &*self.r#type {
            "base64" | "text" => {
                &[("media_type", self.media_type.is_some()), ("data", self.data.is_some())]
            }
            "url" => &[("url", self.url.is_some())],
            "file" => &[("file_id", self.file_id.is_some())],
            "content" => &[("content", self.content.is_some())],
            other => {
                return Err(Refusal::invalid(format!(
                    "{place}: Input tag '{other}' found using 'type' does not match any of \
                     the expected tags: 'base64', 'content', 'file', 'text', 'url'"
                )));
            }
        };
        match needed.iter().find(|(_, present)| !present) {
            Some((field, _)) => {
                Err(Refusal::invalid(format!("{place}.{}.{field}: Field required", self.r#type)))
            }
            None => Ok(()),
        }
    }
}
