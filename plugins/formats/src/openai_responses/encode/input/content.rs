//! What is told to the model: parts of messages, and results of tools. Text may be a
//! seal: it is copied into one JSON string and never looked at.

use plugway_sdk::chat::{
    Citation, Failure, Media, MediaKind, MediaSource, Part, PartBody, ResultBody, ToolResult,
};

use super::super::Ask;
use crate::json::{Json, Object, raw};
use crate::node::Node;
use crate::report::must_fetch;

/// Whether a native value is part of a content, and no item by itself.
pub(super) fn is_part(json: &str) -> bool {
    let node = Node::read(json.as_bytes());
    let kind = node.as_ref().and_then(|node| node.text("type")).unwrap_or_default();
    let parts = ["text", "refusal", "summary_text", "reasoning_text", "computer_screenshot"];
    kind.starts_with("input_") || kind.starts_with("output_") || parts.contains(&kind)
}

/// The content of a message that is not the model's.
pub(super) fn told<'a>(ask: &Ask<'a>, parts: &[&'a Part]) -> Result<Json<'a>, Failure> {
    if let [Part { body: PartBody::Text(text), extra, cache, .. }] = parts
        && (!ask.native || (extra.is_empty() && cache.is_none()))
    {
        return Ok(text.into());
    }
    let items = parts.iter().map(|part| {
        let mut object = match &part.body {
            PartBody::Text(text) => Object::of_type("input_text").with("text", text),
            PartBody::Refusal(text) => Object::of_type("refusal").with("refusal", text),
            PartBody::Media(media) => self::media(media)?,
            PartBody::Native(json) if ask.native => return Ok(raw(json, "input")?.into()),
            _ => return Err(Failure::unsupported("this part can only be the assistant's here")),
        };
        if part.cache.is_some() && breaks_explicitly(ask) {
            object.push("prompt_cache_breakpoint", Object::new().with("mode", "explicit"));
        }
        Ok(if ask.native { object.with_extra(&part.extra)?.into() } else { object.into() })
    });
    items.collect::<Result<Vec<_>, Failure>>().map(Json::from)
}

fn breaks_explicitly(ask: &Ask<'_>) -> bool {
    ask.native && ask.request.extra.iter().any(|(name, _)| name == "prompt_cache_options")
}

/// What a tool gave back.
pub(super) fn result<'a>(
    ask: &Ask<'a>,
    result: &'a ToolResult,
    part: &'a Part,
) -> Result<Json<'a>, Failure> {
    let kind = if result.freeform { "custom_tool_call_output" } else { "function_call_output" };
    let item = Object::of_type(kind)
        .with_some("id", super::own_id(ask, part))
        .with("call_id", &result.call_id)
        .with("output", output(ask, result)?);
    Ok(if ask.native { item.with_extra(&part.extra)?.into() } else { item.into() })
}

fn output<'a>(ask: &Ask<'a>, result: &'a ToolResult) -> Result<Json<'a>, Failure> {
    match result.content.as_slice() {
        [] => return Ok("".into()),
        [only] => {
            if let ResultBody::Text(text) | ResultBody::Json(text) = &only.body
                && (!ask.native || only.extra.is_empty())
            {
                return Ok(text.into());
            }
        }
        _ => {}
    }
    let items = result.content.iter().map(|part| {
        let object = match &part.body {
            ResultBody::Text(text) | ResultBody::Json(text) => {
                Object::of_type("input_text").with("text", text)
            }
            ResultBody::Media(media) => self::media(media)?,
            ResultBody::Native(json) if ask.native => return Ok(raw(json, "input")?.into()),
            ResultBody::Native(_) => {
                let message = "a result of another provider has no equal here";
                return Err(Failure::unsupported(message));
            }
        };
        Ok(if ask.native { object.with_extra(&part.extra)?.into() } else { object.into() })
    });
    items.collect::<Result<Vec<_>, Failure>>().map(Json::from)
}

fn media(media: &Media) -> Result<Object<'_>, Failure> {
    match media.kind {
        MediaKind::Image => {
            let image = Object::of_type("input_image").with_some("detail", media.detail.as_ref());
            Ok(match &media.source {
                MediaSource::FileId(id) => image.with("file_id", id),
                source => image.with("image_url", located(media, source, "image/png")?),
            })
        }
        MediaKind::Document => document(media),
        MediaKind::Audio => audio(media),
        MediaKind::Video => Err(Failure::unsupported("video cannot be sent to this provider")),
    }
}

fn document(media: &Media) -> Result<Object<'_>, Failure> {
    if let MediaSource::Text(text) = &media.source {
        let text: Json<'_> = match &media.name {
            Some(name) => Json::Made(format!("{name}\n\n{text}")),
            None => text.into(),
        };
        return Ok(Object::of_type("input_text").with("text", text));
    }
    let file = Object::of_type("input_file").with_some("detail", media.detail.as_ref());
    Ok(match &media.source {
        MediaSource::FileId(id) => file.with("file_id", id),
        source @ MediaSource::Uri(_) => {
            file.with("file_url", located(media, source, "application/pdf")?)
        }
        source => file
            .with("filename", media.name.as_deref().unwrap_or("document"))
            .with("file_data", located(media, source, "application/pdf")?),
    })
}

fn audio(media: &Media) -> Result<Object<'_>, Failure> {
    let data = match &media.source {
        MediaSource::Base64(data) => data,
        MediaSource::Uri(uri) => return Err(must_fetch(uri)),
        _ => return Err(Failure::unsupported("audio must be data here")),
    };
    let format = match media.mime.as_deref() {
        Some("audio/mpeg" | "audio/mp3") => "mp3",
        Some(other) => other.strip_prefix("audio/").unwrap_or(other),
        None => "wav",
    };
    let audio = Object::new().with("data", data).with("format", format);
    Ok(Object::of_type("input_audio").with("input_audio", audio))
}

/// Where media are: a web address, or the data themselves.
fn located<'a>(media: &'a Media, source: &'a MediaSource, mime: &str) -> Result<Json<'a>, Failure> {
    match source {
        MediaSource::Uri(uri) if uri.starts_with("https:") || uri.starts_with("http:") => {
            Ok(uri.into())
        }
        MediaSource::Uri(uri) => Err(must_fetch(uri)),
        MediaSource::Base64(data) => {
            let mime = media.mime.as_deref().unwrap_or(mime);
            Ok(Json::Made(format!("data:{mime};base64,{data}")))
        }
        MediaSource::Text(_) | MediaSource::FileId(_) => {
            Err(Failure::unsupported("media must be data or a URL here"))
        }
    }
}

/// A source of what the model said; the kind of an uncommon one is native.
pub(super) fn annotation<'a>(ask: &Ask<'a>, citation: &'a Citation) -> Result<Json<'a>, Failure> {
    let uncommon = ask.native && citation.extra.iter().any(|(name, _)| name == "type");
    let note = if uncommon { Object::new() } else { Object::of_type("url_citation") };
    let name = if uncommon && citation.url.is_none() { "filename" } else { "title" };
    let (start, end) = citation.span.unzip();
    let note = note
        .with_some("url", citation.url.as_ref())
        .with_some(name, citation.title.as_ref())
        .with_some("start_index", start)
        .with_some("end_index", end);
    Ok(if ask.native { note.with_extra(&citation.extra)?.into() } else { note.into() })
}
