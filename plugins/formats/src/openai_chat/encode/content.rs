//! Parts of a message as content parts. Text may be a seal: it is copied into one
//! JSON string and never looked at.

use std::borrow::Cow;

use plugway_sdk::chat::{
    CachePoint, Extra, Failure, Media, MediaKind, MediaSource, ResultBody, ToolCall, ToolResult,
};

use super::Ask;
use crate::json::{Json, Object, raw};
use crate::openai_chat::profile::{CachePoints, Documents, ResultMedia};
use crate::report::must_fetch;

/// In place of media in a result, where they follow in a message of the user's.
const BELOW: &str = "(attached to the next user message)";

/// The content of one message: a string where one text is all there is, else a list.
#[derive(Default)]
pub(super) struct Content<'a>(Vec<Item<'a>>);

enum Item<'a> {
    Text(&'a str),
    Json(Json<'a>),
}

impl<'a> Content<'a> {
    pub(super) fn text(&mut self, text: &'a str) {
        self.0.push(Item::Text(text));
    }

    pub(super) fn json(&mut self, json: impl Into<Json<'a>>) {
        self.0.push(Item::Json(json.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_json(self) -> Json<'a> {
        match self.0.as_slice() {
            [] => "".into(),
            [Item::Text(text)] => Json::Text(text),
            _ => {
                let items = self.0.into_iter().map(|item| match item {
                    Item::Text(text) => text_part(text).into(),
                    Item::Json(json) => json,
                });
                Json::List(items.collect())
            }
        }
    }
}

pub(super) fn text_part<'a>(text: impl Into<Json<'a>>) -> Object<'a> {
    Object::of_type("text").with("text", text)
}

pub(super) fn refusal_part(text: &str) -> Object<'_> {
    Object::of_type("refusal").with("refusal", text)
}

/// A breakpoint in the form that Anthropic gave it.
pub(super) fn cache_control(point: &CachePoint) -> Object<'_> {
    Object::of_type("ephemeral").with_some("ttl", point.ttl.as_ref())
}

impl<'a> Ask<'a> {
    /// The part, tool or call with its breakpoint and its native fields.
    pub(super) fn extended(
        &self,
        mut object: Object<'a>,
        cache: Option<&'a CachePoint>,
        extra: &'a [Extra],
    ) -> Result<Object<'a>, Failure> {
        if let Some((name, point)) = cache.and_then(|point| self.breakpoint(point)) {
            object.push(name, point);
        }
        if self.native { object.with_extra(extra) } else { Ok(object) }
    }

    /// Whether a part has anything beside its body to be written.
    pub(super) fn has_more(&self, cache: Option<&CachePoint>, extra: &[Extra]) -> bool {
        (self.native && !extra.is_empty()) || cache.is_some_and(|at| self.breakpoint(at).is_some())
    }

    fn breakpoint<'p>(&self, point: &'p CachePoint) -> Option<(&'static str, Object<'p>)> {
        match self.options.cache_points {
            CachePoints::None => None,
            CachePoints::Native if !self.native => None,
            CachePoints::Control | CachePoints::Native => {
                Some(("cache_control", cache_control(point)))
            }
            // Only few models know it: the client must have asked for it.
            CachePoints::Breakpoint => {
                let explicit = self.native
                    && self.request.extra.iter().any(|(name, _)| name == "prompt_cache_options");
                explicit
                    .then(|| ("prompt_cache_breakpoint", Object::new().with("mode", "explicit")))
            }
        }
    }

    /// Media in a message that is not the assistant's.
    pub(super) fn media_part(&self, media: &'a Media) -> Result<Object<'a>, Failure> {
        match media.kind {
            MediaKind::Image if self.options.images => self.image(media),
            MediaKind::Image => Err(Failure::unsupported("images cannot be sent to this provider")),
            MediaKind::Audio if !self.options.audio => {
                Err(Failure::unsupported("audio cannot be sent to this provider"))
            }
            MediaKind::Audio if self.options.documents == Documents::DocumentUrl => {
                bare_audio(media)
            }
            MediaKind::Audio => audio(media),
            MediaKind::Document => self.document(media),
            MediaKind::Video if self.options.videos => linked("video_url", media, "video/mp4"),
            MediaKind::Video => Err(Failure::unsupported("video cannot be sent to this provider")),
        }
    }

    fn image(&self, media: &'a Media) -> Result<Object<'a>, Failure> {
        match &media.source {
            MediaSource::Uri(uri) if !self.options.image_urls => Err(must_fetch(uri)),
            // Providers look at the bytes; the media type only has to be there.
            _ => linked("image_url", media, "image/png"),
        }
    }

    fn document(&self, media: &'a Media) -> Result<Object<'a>, Failure> {
        if let MediaSource::Text(text) = &media.source {
            return Ok(text_part(match &media.name {
                Some(name) => Json::Made(format!("{name}\n\n{text}")),
                None => text.into(),
            }));
        }
        let style = self.options.documents;
        if style == Documents::No {
            return Err(Failure::unsupported("documents cannot be sent to this provider"));
        }
        if style == Documents::DocumentUrl {
            let url = located(media, "application/pdf")?;
            let part = Object::of_type("document_url").with("document_url", url);
            return Ok(part.with_some("document_name", media.name.as_ref()));
        }
        let file = match &media.source {
            MediaSource::FileId(id) => Object::new().with("file_id", id),
            MediaSource::Uri(uri) if style != Documents::FileUrl => return Err(must_fetch(uri)),
            _ => Object::new()
                .with("filename", media.name.as_deref().unwrap_or("document"))
                .with("file_data", located(media, "application/pdf")?),
        };
        Ok(Object::of_type("file").with("file", file))
    }

    /// The message that answers one call. Media that it has no place for go to
    /// `attached`.
    pub(super) fn tool_message(
        &self,
        result: &'a ToolResult,
        cache: Option<&'a CachePoint>,
        extra: &'a [Extra],
        attached: &mut Vec<Json<'a>>,
    ) -> Result<Json<'a>, Failure> {
        let mut content = Content::default();
        let mut below = Vec::new();
        for part in &result.content {
            match &part.body {
                ResultBody::Text(text) if self.has_more(None, &part.extra) => {
                    content.json(self.extended(text_part(text), None, &part.extra)?);
                }
                // JSON, too, is text to these providers.
                ResultBody::Text(text) | ResultBody::Json(text) => content.text(text),
                ResultBody::Native(json) if self.native => {
                    content.json(raw(json, "messages.content")?);
                }
                ResultBody::Media(media) if self.options.result_media != ResultMedia::No => {
                    let shown = self.extended(self.media_part(media)?, None, &part.extra)?;
                    match self.options.result_media {
                        ResultMedia::Message => below.push(shown.into()),
                        _ => content.json(shown),
                    }
                }
                ResultBody::Media(_) | ResultBody::Native(_) => {
                    return Err(Failure::unsupported("tool results must be text here"));
                }
            }
        }
        let id = self.call_id(&result.call_id);
        if !below.is_empty() {
            content.text(BELOW);
            attached.push(text_part(format!("Attached to the result of {id}:")).into());
            attached.append(&mut below);
        }
        let message = Object::new()
            .with("role", "tool")
            .with("tool_call_id", id)
            .with("content", content.into_json());
        Ok(self.extended(message, cache, extra)?.into())
    }

    pub(super) fn tool_call(&self, call: &'a ToolCall) -> Result<Object<'a>, Failure> {
        if call.freeform && !self.options.freeform_tools {
            return Err(Failure::unsupported("tools without a schema are not supported here"));
        }
        let (kind, input) =
            if call.freeform { ("custom", "input") } else { ("function", "arguments") };
        let inner = Object::new().with("name", &call.name).with(input, &call.input);
        Ok(Object::new().with("id", self.call_id(&call.id)).with("type", kind).with(kind, inner))
    }

    /// The id of a call, as the server takes it.
    fn call_id(&self, id: &'a str) -> Cow<'a, str> {
        match self.options.call_id_chars {
            Some(chars) if !fits(id, chars) => fitting(id, chars).into(),
            _ => id.into(),
        }
    }
}

fn fits(id: &str, chars: u32) -> bool {
    id.len() == chars as usize && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// An id of this many letters and digits; the same for the same id.
fn fitting(id: &str, chars: u32) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // FNV-1a: well mixed for ids that differ in one character.
    let hash = |seed: u64| {
        id.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    };
    let mut rest = hash(0xcbf2_9ce4_8422_2325);
    let digits = (0..chars).map(|_| {
        let digit = DIGITS[(rest % 62) as usize];
        rest = rest / 62 + (rest % 62) * 0x2545_F491;
        char::from(digit)
    });
    digits.collect()
}

fn linked<'a>(kind: &'static str, media: &'a Media, mime: &str) -> Result<Object<'a>, Failure> {
    let linked =
        Object::new().with("url", located(media, mime)?).with_some("detail", media.detail.as_ref());
    Ok(Object::of_type(kind).with(kind, linked))
}

/// Where media are: a web address, or the data themselves.
fn located<'a>(media: &'a Media, mime: &str) -> Result<Json<'a>, Failure> {
    match &media.source {
        MediaSource::Uri(uri) if uri.starts_with("https:") || uri.starts_with("http:") => {
            Ok(uri.into())
        }
        MediaSource::Uri(uri) => Err(must_fetch(uri)),
        MediaSource::Base64(data) => {
            let mime = media.mime.as_deref().map_or(Cow::Borrowed(mime), Cow::Borrowed);
            Ok(Json::Made(format!("data:{mime};base64,{data}")))
        }
        MediaSource::Text(_) | MediaSource::FileId(_) => {
            Err(Failure::unsupported("images must be data or an http or https URL here"))
        }
    }
}

/// Sound as those take it who have a `document_url`: a string, which may be a URL.
fn bare_audio(media: &Media) -> Result<Object<'_>, Failure> {
    let sound: Json<'_> = match &media.source {
        MediaSource::Base64(data) | MediaSource::Uri(data) => data.into(),
        _ => return Err(Failure::unsupported("audio must be data or a URL here")),
    };
    Ok(Object::of_type("input_audio").with("input_audio", sound))
}

fn audio(media: &Media) -> Result<Object<'_>, Failure> {
    let data = match &media.source {
        MediaSource::Base64(data) => data,
        MediaSource::Uri(uri) => return Err(must_fetch(uri)),
        _ => return Err(Failure::unsupported("audio must be data here")),
    };
    let format = match media.mime.as_deref().unwrap_or("audio/wav") {
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        other => other.strip_prefix("audio/").unwrap_or(other),
    };
    let audio = Object::new().with("data", data).with("format", format);
    Ok(Object::of_type("input_audio").with("input_audio", audio))
}
