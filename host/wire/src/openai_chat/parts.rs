//! The parts of a message: text, and media in all the ways they are attached.

use plugway_engine::chat;

use super::messages::{Conversation, plain};
use super::options;
use crate::BadRequest;
use crate::json::{Fields, Node, unescape};

/// Bytes in which the scheme of a URL must end: a text without one is not searched.
const LONGEST_SCHEME: usize = 32;

impl Conversation {
    pub(super) fn part(&mut self, part: &Node<'_, '_>) -> Result<chat::Part, BadRequest> {
        let mut fields = part.object()?;
        let kind = fields.need("type")?;
        let body = match &*kind.text()? {
            "text" => chat::PartBody::Text(self.text(&fields.need("text")?)?),
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
                    return self.native(part);
                }
                self.audio(&mut node.object()?)?
            }
            "file" => self.file(&mut fields.need("file")?.object()?)?,
            _ => return self.native(part),
        };
        Ok(chat::Part {
            cache: options::cache_point(&mut fields)?,
            extra: fields.rest()?,
            ..plain(body)
        })
    }

    /// A part of a kind that only this dialect knows.
    fn native(&mut self, part: &Node<'_, '_>) -> Result<chat::Part, BadRequest> {
        self.native = true;
        self.text_bytes += part.raw().len();
        Ok(plain(chat::PartBody::Native(part.json()?)))
    }

    /// Text that is sealed where it is long.
    pub(super) fn text(&mut self, node: &Node<'_, '_>) -> Result<String, BadRequest> {
        let content = node.escaped()?;
        self.text_bytes += content.len();
        Ok(self.sealer.seal(content))
    }

    /// An image or a video behind a URL: `{"url": ...}`, or the URL alone.
    fn linked(
        &mut self,
        node: &Node<'_, '_>,
        kind: chat::MediaKind,
    ) -> Result<chat::PartBody, BadRequest> {
        if node.is_string() {
            let (source, mime) = self.located(node)?;
            return Ok(self.media(kind, source, mime));
        }
        let mut fields = node.object()?;
        let (source, mime) = self.located(&fields.need("url")?)?;
        let mut body = self.media(kind, source, mime);
        if let chat::PartBody::Media(media) = &mut body {
            media.detail = fields.string("detail")?;
        }
        Ok(body)
    }

    fn audio(&mut self, fields: &mut Fields<'_, '_>) -> Result<chat::PartBody, BadRequest> {
        let data = fields.need("data")?;
        let format = fields.string("format")?;
        let (source, mime) = if scheme(data.escaped()?).as_deref() == Some("data") {
            self.located(&data)?
        } else {
            let source = chat::MediaSource::Base64(self.sealer.seal(data.escaped()?));
            (source, None)
        };
        let mime = mime.or_else(|| format.as_deref().map(audio_mime));
        Ok(self.media(chat::MediaKind::Audio, source, mime))
    }

    fn file(&mut self, fields: &mut Fields<'_, '_>) -> Result<chat::PartBody, BadRequest> {
        let name = fields.string("filename")?;
        let (source, mime) = if let Some(data) = fields.take("file_data") {
            let content = data.escaped()?;
            if scheme(content).is_some() {
                self.located(&data)?
            } else {
                let source = chat::MediaSource::Base64(self.sealer.seal(content));
                (source, None)
            }
        } else if let Some(id) = fields.string("file_id")? {
            (chat::MediaSource::FileId(id), None)
        } else {
            return Err(fields.invalid("must have a `file_data` or a `file_id`"));
        };
        let mut body = self.media(chat::MediaKind::Document, source, mime);
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
        self.media += 1;
        chat::PartBody::Media(chat::Media { kind, source, mime, name: None, detail: None })
    }

    /// What a URL points at, and its media type where the URL tells. Of a data URL
    /// the base64 text stays the slice of the body that it is.
    fn located(
        &mut self,
        node: &Node<'_, '_>,
    ) -> Result<(chat::MediaSource, Option<String>), BadRequest> {
        let content = node.escaped()?;
        if scheme(content).as_deref() == Some("data") {
            let parts = content.get(5..).and_then(|rest| rest.split_once(','));
            let (head, data) = parts.ok_or_else(|| node.invalid("is a data URL without data"))?;
            let head = unescape(head);
            let mime = head
                .strip_suffix(";base64")
                .ok_or_else(|| node.invalid("is a data URL, but not in base64"))?;
            // Parameters such as a charset are no part of the type.
            let mime = mime.split(';').next().filter(|mime| !mime.is_empty());
            let source = chat::MediaSource::Base64(self.sealer.seal(data));
            return Ok((source, mime.map(str::to_ascii_lowercase)));
        }
        let url = node.string()?;
        match scheme(&url).as_deref() {
            None => Err(node.invalid("must be a URL, or a data URL in base64")),
            // A provider must not read files of the machine that it runs on.
            Some("file") => Err(node.invalid("must not be a file of the provider's")),
            Some("data") => Err(node.invalid("is a data URL whose scheme is escaped")),
            Some(_) => Ok((chat::MediaSource::Uri(url), None)),
        }
    }
}

/// The scheme of a URL, in lower case; none where the text is no URL.
fn scheme(text: &str) -> Option<String> {
    let mut head = text.bytes().take(LONGEST_SCHEME);
    let scheme = text.get(..head.position(|byte| byte == b':')?)?;
    let mut characters = scheme.chars();
    let plausible = characters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    plausible.then(|| scheme.to_ascii_lowercase())
}

/// The media type of an audio format's name.
fn audio_mime(format: &str) -> String {
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    }
}
