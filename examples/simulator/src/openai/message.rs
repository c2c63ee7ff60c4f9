//! Messages of a chat completion request.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::flavour::{Flavour, Thoughts};
use super::request::{not_read, unknown, unsupported};
use crate::dialect::Refusal;
use crate::prompt::{Body, Called, Item, Media, Prompt, Returned, Role, Source};

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) role: Cow<'a, str>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<ToolCall<'a>>>,
    #[serde(borrow)]
    pub(super) tool_call_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reasoning: Option<Cow<'a, str>>,
    reasoning_details: Option<Vec<Detail>>,
    #[serde(borrow)]
    refusal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    cache_control: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolCall<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(rename = "type")]
    _type: Option<String>,
    #[serde(rename = "index")]
    _index: Option<u32>,
    #[serde(borrow)]
    function: Option<CalledFunction<'a>>,
    #[serde(borrow)]
    custom: Option<CalledFunction<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalledFunction<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, alias = "input")]
    arguments: Cow<'a, str>,
}

/// OpenRouter's form of reasoning.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Detail {
    r#type: String,
    text: Option<String>,
    summary: Option<String>,
    data: Option<String>,
    signature: Option<String>,
    #[serde(rename = "format")]
    _format: Option<String>,
    #[serde(rename = "id")]
    _id: Option<String>,
    #[serde(rename = "index")]
    _index: Option<u32>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    image_url: Option<&'a RawValue>,
    #[serde(borrow)]
    video_url: Option<&'a RawValue>,
    #[serde(borrow)]
    document_url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    document_name: Option<Cow<'a, str>>,
    file: Option<File>,
    #[serde(borrow)]
    input_audio: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    thinking: Option<Vec<Part<'a>>>,
    #[serde(borrow)]
    cache_control: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Linked<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    filename: Option<String>,
    file_data: Option<String>,
    file_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Audio {
    data: String,
    format: String,
}

/// Adds what a message says.
pub(super) fn add(
    prompt: &mut Prompt,
    flavour: &Flavour,
    index: usize,
    message: &Message<'_>,
) -> Result<(), Refusal> {
    let role = match &*message.role {
        "system" | "developer" => Role::System,
        "assistant" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        _ => Role::User,
    };
    let mut items = thoughts(message);
    let mut said = content(flavour, message, index)?;
    if let (Some(last), true) = (said.last_mut(), message.cache_control.is_some()) {
        last.breakpoint = true;
    }
    if role == Role::Tool {
        let breakpoint = said.iter().any(|item| item.breakpoint);
        let result = Returned {
            id: message.tool_call_id.as_deref().map(Into::into),
            name: None,
            content: said.into_iter().map(|item| item.body).collect(),
            failed: false,
        };
        items.push(Item { breakpoint, ..Item::new(Body::Result(result)) });
    } else {
        items.extend(said);
        items.extend(message.refusal.as_deref().map(Item::text));
        for call in message.tool_calls.iter().flatten() {
            items.push(called(flavour, call)?);
        }
    }
    prompt.add(role, items);
    Ok(())
}

fn thoughts(message: &Message<'_>) -> Vec<Item> {
    if let Some(details) = &message.reasoning_details {
        return details.iter().filter_map(detail).collect();
    }
    let thought = message.reasoning_content.as_deref().or(message.reasoning.as_deref());
    thought.map(|text| Item::new(Body::Reasoning(text.to_owned()))).into_iter().collect()
}

fn detail(detail: &Detail) -> Option<Item> {
    let text = detail.text.as_ref().or(detail.summary.as_ref());
    let body = match &*detail.r#type {
        "reasoning.encrypted" => Body::Sealed(detail.data.clone()?),
        _ => Body::Reasoning(text?.clone()),
    };
    Some(Item { signature: detail.signature.clone(), ..Item::new(body) })
}

fn called(flavour: &Flavour, call: &ToolCall<'_>) -> Result<Item, Refusal> {
    let fits = |chars: usize| {
        call.id.len() == chars && call.id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if flavour.call_id_chars.is_some_and(|chars| !fits(chars)) {
        return Err(Refusal::invalid(format!(
            "Tool call id was {} but must be a-z, A-Z, 0-9, with a length of 9.",
            call.id
        )));
    }
    let function = call.function.as_ref().or(call.custom.as_ref());
    let function = function.ok_or_else(|| missing("messages.tool_calls.function"))?;
    Ok(Item::new(Body::Call(Called {
        id: Some(call.id.clone().into_owned()),
        name: function.name.clone().into_owned(),
        arguments: function.arguments.clone().into_owned(),
    })))
}

fn content(flavour: &Flavour, message: &Message<'_>, index: usize) -> Result<Vec<Item>, Refusal> {
    let Some(raw) = message.content else {
        if message.role == "assistant" {
            return Ok(Vec::new());
        }
        return Err(Refusal::invalid(format!(
            "Invalid value for 'content': expected a string, got null. (messages[{index}])"
        ))
        .param(format!("messages.[{index}].content")));
    };
    if raw.get().starts_with('"') {
        let text: Text<'_> = serde_json::from_str(raw.get()).map_err(|error| not_read(&error))?;
        return Ok(vec![Item::text(text.0)]);
    }
    let parts: Vec<Part<'_>> = serde_json::from_str(raw.get()).map_err(|error| not_read(&error))?;
    let known = if message.role == "tool" { flavour.tool_parts } else { flavour.parts };
    let parts = parts.iter().enumerate();
    parts
        .map(|(at, part)| item(flavour, known, part, &format!("messages[{index}].content[{at}]")))
        .collect()
}

fn item(flavour: &Flavour, known: &[&str], part: &Part<'_>, place: &str) -> Result<Item, Refusal> {
    if !known.contains(&&*part.r#type) {
        return Err(unsupported(&part.r#type, known, place.to_owned()));
    }
    let breakpoint = part.cache_control.is_some();
    if breakpoint && flavour.thoughts != Thoughts::Details {
        return Err(unknown(flavour, &format!("{place}.cache_control")));
    }
    Ok(Item { breakpoint, ..Item::new(body(part, place)?) })
}

fn body(part: &Part<'_>, place: &str) -> Result<Body, Refusal> {
    let missing = |field: &str| self::missing(&format!("{place}.{field}"));
    let tag = &*part.r#type;
    Ok(match tag {
        "text" => Body::Text(part.text.as_deref().ok_or_else(|| missing("text"))?.to_owned()),
        "image_url" => {
            let url = url(part.image_url.ok_or_else(|| missing("image_url"))?)?;
            if !(url.starts_with("data:image/") || url.starts_with("http")) {
                return Err(Refusal::invalid(
                    "Invalid image URL. The URL must be a valid HTTP or HTTPS URL, \
                     or a data URL with base64 encoding.",
                )
                .code("invalid_image_url"));
            }
            Body::Media(Media::at("image", &url, None))
        }
        "video_url" => {
            let url = url(part.video_url.ok_or_else(|| missing("video_url"))?)?;
            Body::Media(Media::at("video", &url, None))
        }
        "document_url" => {
            let url = part.document_url.as_deref().ok_or_else(|| missing("document_url"))?;
            let name = part.document_name.as_deref().map(str::to_owned);
            Body::Media(Media::at("document", url, name))
        }
        "file" => Body::Media(file(part.file.as_ref().ok_or_else(|| missing("file"))?)),
        "input_audio" => {
            let audio = part.input_audio.ok_or_else(|| missing("input_audio"))?;
            Body::Media(sound(audio)?)
        }
        "refusal" => {
            Body::Text(part.refusal.as_deref().ok_or_else(|| missing("refusal"))?.to_owned())
        }
        "thinking" => {
            let thoughts = part.thinking.iter().flatten();
            Body::Reasoning(thoughts.filter_map(|thought| thought.text.as_deref()).collect())
        }
        _ => Body::Text(String::new()),
    })
}

fn missing(name: &str) -> Refusal {
    Refusal::invalid(format!("Missing required parameter: '{name}'."))
        .code("missing_required_parameter")
        .param(name)
}

/// An address, which some write without an object around it.
fn url(raw: &RawValue) -> Result<String, Refusal> {
    let text = raw.get();
    if text.starts_with('"') {
        return serde_json::from_str(text).map_err(|error| not_read(&error));
    }
    let linked: Linked<'_> = serde_json::from_str(text).map_err(|error| not_read(&error))?;
    Ok(linked.url.into_owned())
}

fn file(file: &File) -> Media {
    if let Some(id) = &file.file_id {
        let source = Source::File(id.clone());
        return Media { kind: "document", source, mime: None, name: None };
    }
    let data = file.file_data.as_deref().unwrap_or_default();
    Media::at("document", data, file.filename.clone())
}

fn sound(raw: &RawValue) -> Result<Media, Refusal> {
    let text = raw.get();
    let (data, mime) = if text.starts_with('"') {
        (serde_json::from_str(text).map_err(|error| not_read(&error))?, None)
    } else {
        let audio: Audio = serde_json::from_str(text).map_err(|error| not_read(&error))?;
        (audio.data, Some(audio.format))
    };
    Ok(Media { kind: "audio", source: Source::Data(data), mime, name: None })
}
