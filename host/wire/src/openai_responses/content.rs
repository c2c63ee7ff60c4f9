//! The parts of a message's content, and of a tool's result.

use plugway_engine::chat;

use crate::BadRequest;
use crate::conversation::{Conversation, cache_point, plain, scheme};
use crate::json::{Fields, Node, inside};

/// Reads one part; of a kind that only this format knows, as it is.
pub(super) fn part(
    conversation: &mut Conversation,
    node: &Node<'_, '_>,
) -> Result<chat::Part, BadRequest> {
    let mut fields = node.object()?;
    let kind = fields.need("type")?;
    let mut extra = Vec::new();
    let body = match &*kind.text()? {
        "input_text" | "output_text" | "text" => {
            chat::PartBody::Text(conversation.text(&fields.need("text")?)?)
        }
        "refusal" => chat::PartBody::Refusal(fields.need("refusal")?.string()?),
        "input_image" => image(conversation, &mut fields)?,
        "input_file" => file(conversation, &mut fields)?,
        "input_audio" => {
            let node = fields.need("input_audio")?;
            let mut inner = node.object()?;
            let audio = audio(conversation, &mut inner)?;
            extra.extend(inside("input_audio", inner.rest()?));
            audio
        }
        "input_video" => {
            let kind = chat::MediaKind::Video;
            let (source, mime) = conversation.located(&fields.need("video_url")?, Some(kind))?;
            let media = conversation.medium(kind, source, mime);
            chat::PartBody::Media(media)
        }
        _ => return conversation.native(node),
    };
    let cache = cache_point(&mut fields)?;
    extra.extend(fields.rest()?);
    Ok(chat::Part { cache, extra, ..plain(body) })
}

/// The same as part of what a tool gave back.
pub(super) fn of_result(part: chat::Part) -> chat::ResultPart {
    let body = match part.body {
        chat::PartBody::Text(text) | chat::PartBody::Refusal(text) => chat::ResultBody::Text(text),
        chat::PartBody::Media(media) => chat::ResultBody::Media(media),
        chat::PartBody::Native(native) => chat::ResultBody::Native(native),
        // Not among the parts of a content.
        chat::PartBody::Reasoning(_)
        | chat::PartBody::ToolCall(_)
        | chat::PartBody::ToolResult(_) => chat::ResultBody::Text(String::new()),
    };
    chat::ResultPart { body, extra: part.extra }
}

fn image(
    conversation: &mut Conversation,
    fields: &mut Fields<'_, '_>,
) -> Result<chat::PartBody, BadRequest> {
    let kind = chat::MediaKind::Image;
    let (source, mime) = match (fields.take("image_url"), fields.take("file_id")) {
        (Some(_), Some(id)) => return Err(id.invalid("cannot stand beside `image_url`")),
        (Some(url), None) => conversation.located(&url, Some(kind))?,
        (None, Some(id)) => (chat::MediaSource::FileId(id.string()?), None),
        (None, None) => return Err(fields.invalid("must have an `image_url` or a `file_id`")),
    };
    let mut media = conversation.medium(kind, source, mime);
    media.detail = fields.string("detail")?;
    Ok(chat::PartBody::Media(media))
}

fn file(
    conversation: &mut Conversation,
    fields: &mut Fields<'_, '_>,
) -> Result<chat::PartBody, BadRequest> {
    let name = fields.string("filename")?;
    let data = fields.take("file_data");
    let url = fields.take("file_url");
    let kind = chat::MediaKind::Document;
    let (source, mime) = match (data, url, fields.take("file_id")) {
        (Some(_), Some(other), _) | (Some(_), _, Some(other)) => {
            return Err(other.invalid("cannot stand beside `file_data`"));
        }
        (_, Some(_), Some(id)) => return Err(id.invalid("cannot stand beside `file_url`")),
        (Some(data), ..) if scheme(data.escaped()?).is_some() => {
            conversation.located(&data, Some(kind))?
        }
        (Some(data), ..) => conversation.base64(&data, kind, None)?,
        (None, Some(url), _) => conversation.located(&url, Some(kind))?,
        (None, None, Some(id)) => (chat::MediaSource::FileId(id.string()?), None),
        (None, None, None) => {
            return Err(fields.invalid("must have a `file_data`, a `file_url` or a `file_id`"));
        }
    };
    let mut media = conversation.medium(kind, source, mime);
    media.name = name;
    media.detail = fields.string("detail")?;
    Ok(chat::PartBody::Media(media))
}

fn audio(
    conversation: &mut Conversation,
    fields: &mut Fields<'_, '_>,
) -> Result<chat::PartBody, BadRequest> {
    let data = fields.need("data")?;
    let kind = chat::MediaKind::Audio;
    let said = fields.string("format")?.map(|format| match &*format {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    });
    let (source, mime) = if scheme(data.escaped()?).as_deref() == Some("data") {
        let (source, mime) = conversation.located(&data, Some(kind))?;
        (source, mime.or(said))
    } else {
        conversation.base64(&data, kind, said)?
    };
    Ok(chat::PartBody::Media(conversation.medium(kind, source, mime)))
}
