//! The parts of a message: text, and media in all the ways they are attached.

use plugway_engine::chat;

use super::messages::Messages;
use crate::BadRequest;
use crate::conversation::{cache_point, plain, scheme};
use crate::json::{Fields, Node, inside};
use crate::labels::Field;

impl Messages {
    pub(crate) fn part(&mut self, part: &Node<'_, '_>) -> Result<chat::Part, BadRequest> {
        let mut fields = part.object()?;
        let kind = fields.need("type")?;
        let mut extra = Vec::new();
        let body = match &*kind.text()? {
            "text" => chat::PartBody::Text(self.conversation.text(&fields.need("text")?)?),
            "refusal" => chat::PartBody::Refusal(fields.need("refusal")?.string()?),
            "image_url" => self.linked(&mut fields, "image_url", &mut extra)?,
            "video_url" => self.linked(&mut fields, "video_url", &mut extra)?,
            "input_video" => {
                let is_url = fields.left().any(|(name, _)| name == "video_url");
                let name = if is_url { "video_url" } else { "input_video" };
                self.linked(&mut fields, name, &mut extra)?
            }
            "input_audio" => {
                let node = fields.need("input_audio")?;
                if node.is_string() {
                    // A compatible provider's own way to attach sound.
                    return self.conversation.native(part);
                }
                let mut inner = node.object()?;
                let audio = self.audio(&mut inner)?;
                extra.extend(inside("input_audio", inner.rest()?));
                audio
            }
            "file" => {
                let node = fields.need("file")?;
                let mut inner = node.object()?;
                let file = self.file(&mut inner)?;
                extra.extend(inside("file", inner.rest()?));
                file
            }
            _ => return self.conversation.native(part),
        };
        let cache = cache_point(&mut fields)?;
        extra.extend(fields.rest()?);
        Ok(chat::Part { cache, extra, ..plain(body) })
    }

    /// An image or a video behind the URL in the field of that name: `{"url": ...}`, or
    /// the URL alone.
    fn linked(
        &mut self,
        outer: &mut Fields<'_, '_>,
        name: &'static str,
        extra: &mut Vec<Field>,
    ) -> Result<chat::PartBody, BadRequest> {
        let node = outer.need(name)?;
        let kind =
            if name == "image_url" { chat::MediaKind::Image } else { chat::MediaKind::Video };
        if node.is_string() {
            let (source, mime) = self.conversation.located(&node, Some(kind))?;
            return Ok(self.media(kind, source, mime));
        }
        let mut fields = node.object()?;
        let (source, mime) = self.conversation.located(&fields.need("url")?, Some(kind))?;
        let mut body = self.media(kind, source, mime);
        if let chat::PartBody::Media(media) = &mut body {
            media.detail = fields.string("detail")?;
        }
        extra.extend(inside(name, fields.rest()?));
        Ok(body)
    }

    fn audio(&mut self, fields: &mut Fields<'_, '_>) -> Result<chat::PartBody, BadRequest> {
        let data = fields.need("data")?;
        let format = fields.string("format")?;
        let kind = chat::MediaKind::Audio;
        let said = format.as_deref().map(audio_mime);
        let (source, mime) = if scheme(data.escaped()?).as_deref() == Some("data") {
            let (source, mime) = self.conversation.located(&data, Some(kind))?;
            (source, mime.or(said))
        } else {
            self.conversation.base64(&data, kind, said)?
        };
        Ok(self.media(kind, source, mime))
    }

    fn file(&mut self, fields: &mut Fields<'_, '_>) -> Result<chat::PartBody, BadRequest> {
        let name = fields.string("filename")?;
        let id = fields.take("file_id");
        let kind = chat::MediaKind::Document;
        let (source, mime) = if let Some(data) = fields.take("file_data") {
            if let Some(id) = id {
                return Err(id.invalid("cannot stand beside `file_data`"));
            }
            if scheme(data.escaped()?).is_some() {
                self.conversation.located(&data, Some(kind))?
            } else {
                self.conversation.base64(&data, kind, None)?
            }
        } else if let Some(id) = id {
            (chat::MediaSource::FileId(id.string()?), None)
        } else {
            return Err(fields.invalid("must have a `file_data` or a `file_id`"));
        };
        let mut body = self.media(kind, source, mime);
        if let chat::PartBody::Media(media) = &mut body {
            media.name = name;
        }
        Ok(body)
    }

    /// Media that the model made in an earlier turn.
    pub(super) fn echoed_media(
        &mut self,
        fields: &mut Fields<'_, '_>,
    ) -> Result<Vec<chat::Part>, BadRequest> {
        let mut parts = Vec::new();
        if let Some(node) = fields.take("images") {
            for node in node.array()? {
                let mut extra = Vec::new();
                let image = self.linked(&mut node.object()?, "image_url", &mut extra)?;
                parts.push(chat::Part { extra, ..plain(image) });
            }
        }
        if let Some(node) = fields.take("audio") {
            let id = node.object()?.need("id")?.string()?;
            let source = chat::MediaSource::FileId(id);
            parts.push(plain(self.media(chat::MediaKind::Audio, source, None)));
        }
        Ok(parts)
    }

    fn media(
        &mut self,
        kind: chat::MediaKind,
        source: chat::MediaSource,
        mime: Option<String>,
    ) -> chat::PartBody {
        chat::PartBody::Media(self.conversation.medium(kind, source, mime))
    }
}

/// The media type of an audio format's name.
fn audio_mime(format: &str) -> String {
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    }
}
