//! Parts of a message as content parts. Text may be a seal: it is copied into one
//! JSON string and never looked at.

use plugway_sdk::chat::{
    Failure, Media, MediaKind, MediaSource, ResultBody, Role, ToolCall, ToolResult,
};

use crate::json::{Object, array};

/// The content of one message: a string where one text is all there is, else a list.
#[derive(Default)]
pub(super) struct Content<'a> {
    items: Vec<Item<'a>>,
}

enum Item<'a> {
    Text(&'a str),
    Json(String),
}

impl<'a> Content<'a> {
    pub(super) fn text(&mut self, text: &'a str) {
        self.items.push(Item::Text(text));
    }

    pub(super) fn json(&mut self, json: String) {
        self.items.push(Item::Json(json));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn write(&self, message: &mut Object) {
        match self.items.as_slice() {
            [] => message.set("content", ""),
            [Item::Text(text)] => message.set("content", text),
            items => {
                let items = items.iter().map(|item| match item {
                    Item::Text(text) => text_part(text).into_json(),
                    Item::Json(json) => json.clone(),
                });
                message.raw("content", &array(items))
            }
        };
    }
}

pub(super) fn text_part(text: &str) -> Object {
    let mut part = Object::with("type", "text");
    part.set("text", text);
    part
}

pub(super) fn refusal_part(text: &str) -> Object {
    let mut part = Object::with("type", "refusal");
    part.set("refusal", text);
    part
}

/// Media in a message that is not the assistant's.
pub(super) fn media_part(media: &Media) -> Result<Object, Failure> {
    match media.kind {
        MediaKind::Image => image(media),
        MediaKind::Audio => audio(media),
        MediaKind::Document => document(media),
        MediaKind::Video => Err(Failure::unsupported("video cannot be sent to this provider")),
    }
}

fn image(media: &Media) -> Result<Object, Failure> {
    let url = match &media.source {
        MediaSource::Uri(uri) if uri.starts_with("https:") || uri.starts_with("http:") => {
            uri.clone()
        }
        // Providers look at the bytes; the media type only has to be there.
        MediaSource::Base64(data) => data_url(media.mime.as_deref().unwrap_or("image/png"), data),
        _ => return Err(Failure::unsupported("images must be data or an http or https URL here")),
    };
    let mut image = Object::with("url", &url);
    image.some("detail", media.detail.as_ref());
    let mut part = Object::with("type", "image_url");
    part.raw("image_url", &image.into_json());
    Ok(part)
}

fn audio(media: &Media) -> Result<Object, Failure> {
    let (MediaSource::Base64(data), Some(mime)) = (&media.source, &media.mime) else {
        return Err(Failure::unsupported("audio must be data with a media type here"));
    };
    let format = match mime.as_str() {
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        other => other.strip_prefix("audio/").unwrap_or(other),
    };
    let mut audio = Object::with("data", data);
    audio.set("format", format);
    let mut part = Object::with("type", "input_audio");
    part.raw("input_audio", &audio.into_json());
    Ok(part)
}

fn document(media: &Media) -> Result<Object, Failure> {
    let file = match &media.source {
        MediaSource::FileId(id) => Object::with("file_id", id),
        MediaSource::Base64(data) => {
            let mime = media.mime.as_deref().unwrap_or("application/pdf");
            let mut file = Object::with("filename", media.name.as_deref().unwrap_or("document"));
            file.set("file_data", &data_url(mime, data));
            file
        }
        MediaSource::Text(text) => {
            let title = media.name.as_ref().map(|name| format!("{name}\n\n")).unwrap_or_default();
            return Ok(text_part(&format!("{title}{text}")));
        }
        MediaSource::Uri(_) => {
            return Err(Failure::unsupported("documents cannot be sent as a URL here"));
        }
    };
    let mut part = Object::with("type", "file");
    part.raw("file", &file.into_json());
    Ok(part)
}

fn data_url(mime: &str, base64: &str) -> String {
    format!("data:{mime};base64,{base64}")
}

pub(super) fn tool_call(call: &ToolCall) -> Object {
    let (kind, input) = if call.freeform { ("custom", "input") } else { ("function", "arguments") };
    let mut inner = Object::with("name", &call.name);
    inner.set(input, &call.input);
    let mut outer = Object::with("id", &call.id);
    outer.set("type", kind).raw(kind, &inner.into_json());
    outer
}

/// The message that answers one call.
pub(super) fn tool_message(result: &ToolResult, native: bool) -> Result<String, Failure> {
    let mut content = Content::default();
    for part in &result.content {
        match &part.body {
            ResultBody::Text(text) if native && !part.extra.is_empty() => {
                let mut item = text_part(text);
                item.extras(&part.extra);
                content.json(item.into_json());
            }
            // JSON, too, is text to this provider.
            ResultBody::Text(text) | ResultBody::Json(text) => content.text(text),
            ResultBody::Native(json) if native => content.json(json.clone()),
            ResultBody::Media(_) | ResultBody::Native(_) => {
                return Err(Failure::unsupported("tool results must be text here"));
            }
        }
    }
    let mut message = Object::with("role", "tool");
    message.set("tool_call_id", &result.call_id);
    content.write(&mut message);
    Ok(message.into_json())
}

pub(super) fn role_name(role: Role, developer: &str) -> &str {
    match role {
        Role::System => "system",
        Role::Developer => developer,
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}
