//! The parts of a message: text, and media in all the ways they are attached.

use plugway_engine::chat;

use super::messages::Messages;
use crate::BadRequest;
use crate::conversation::{cache_point, plain, scheme};
use crate::json::{Fields, Node};

impl Messages {
    pub(crate) fn part(&mut self, part: &Node<'_, '_>) -> Result<chat::Part, BadRequest> {
        let mut fields = part.object()?;
        let kind = fields.need("type")?;
        let body = match &*kind.text()? {
            "text" => chat::PartBody::Text(self.conversation.text(&fields.need("text")?)?),
            "refusal" => chat::PartBody::Refusal(fields.need("refusal")?.string()?),
            "image_url" => self.linked(&fields.need("image_url")?, chat::MediaKind::Image)?,
            "video_url" => self.linked(&fields.need("video_url")?, chat::MediaKind::Video)?,
            "input_video" => {
                let node = fields.take("video_url");
                let node = node.map_or_else(|| fields.need("input_video"), Ok)?;
                self.linked(&node, chat::MediaKind::Video)?
            }
            "input_audio" => {
                let node = fields.need("input_audio")?;
                if node.is_string() {
                    // A compatible provider's own way to attach sound.
                    return self.conversation.native(part);
                }
                self.audio(&mut node.object()?)?
            }
            "file" => self.file(&mut fields.need("file")?.object()?)?,
            _ => return self.conversation.native(part),
        };
        Ok(chat::Part { cache: cache_point(&mut fields)?, extra: fields.rest()?, ..plain(body) })
    }

    /// An image or a video behind a URL: `{"url": ...}`, or the URL alone.
    fn linked(
        &mut self,
        node: &Node<'_, '_>,
        kind: chat::MediaKind,
    ) -> Result<chat::PartBody, BadRequest> {
        if node.is_string() {
            let (source, mime) = self.conversation.located(node, Some(kind))?;
            return Ok(self.media(kind, source, mime));
        }
        let mut fields = node.object()?;
        let (source, mime) = self.conversation.located(&fields.need("url")?, Some(kind))?;
        let mut body = self.media(kind, source, mime);
        if let chat::PartBody::Media(media) = &mut body {
            media.detail = fields.string("detail")?;
        }
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
        let kind = chat::MediaKind::Document;
        let (source, mime) = if let Some(data) = fields.take("file_data") {
            if scheme(data.escaped()?).is_some() {
                self.conversation.located(&data, Some(kind))?
            } else {
                self.conversation.base64(&data, kind, None)?
            }
        } else if let Some(id) = fields.string("file_id")? {
            (chat::MediaSource::FileId(id), None)
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
                let url = node.object()?.need("image_url")?;
                parts.push(plain(self.linked(&url, chat::MediaKind::Image)?));
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
