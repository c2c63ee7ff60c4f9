//! Images, documents, sound and video as content blocks.

use plugway_formats::json::{Json, Object};
use plugway_formats::report::{invalid, must_fetch};
use plugway_sdk::chat::{Failure, Media, MediaKind, MediaSource};
use serde_json::value::to_raw_value;

/// Names the documents of one conversation: Converse wants a name for each, of few
/// characters.
pub(super) struct Documents {
    /// Names are sent as the client wrote them.
    native: bool,
    named: u32,
}

impl Documents {
    pub(super) fn new(native: bool) -> Self {
        Self { native, named: 0 }
    }

    /// The name of the block and what it holds.
    ///
    /// # Errors
    /// Of kind `unsupported` for formats and schemes that Converse has not; with the
    /// code `fetch` for what the router can fetch.
    pub(super) fn block<'a>(
        &mut self,
        media: &'a Media,
    ) -> Result<(&'static str, Object<'a>), Failure> {
        let source = source(media)?;
        let with_format = |formats, kind: &str| {
            let format = format(media, formats).ok_or_else(|| unknown(media, kind))?;
            Ok::<_, Failure>(Object::new().with("format", format))
        };
        Ok(match media.kind {
            MediaKind::Image => ("image", with_format(&IMAGES, "images")?.with("source", source)),
            MediaKind::Audio => ("audio", with_format(&SOUNDS, "sound")?.with("source", source)),
            MediaKind::Video => ("video", with_format(&VIDEOS, "video")?.with("source", source)),
            MediaKind::Document => {
                let document = match media.source {
                    MediaSource::Text(_) if media.mime.is_none() => {
                        Object::new().with("format", "txt")
                    }
                    _ => with_format(&DOCUMENTS, "documents")?,
                };
                ("document", document.with("name", self.name(media)?).with("source", source))
            }
        })
    }

    /// The name as it is where Converse takes it; else what is left of it, or a number.
    fn name<'a>(&mut self, media: &'a Media) -> Result<Json<'a>, Failure> {
        self.named += 1;
        let given = media.name.as_deref().unwrap_or_default();
        let fits = given.chars().all(is_of_name) && !given.contains("  ");
        if !given.is_empty() && (fits || self.native) {
            return Ok(given.into());
        }
        let words: String = given.chars().map(|c| if is_of_name(c) { c } else { ' ' }).collect();
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = if words.is_empty() { format!("Document {}", self.named) } else { words };
        let name = to_raw_value(&name);
        name.map(Json::from).map_err(|_| invalid("messages", "holds a document without a name"))
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '(' | ')' | '[' | ']' | '_')
}

fn source(media: &Media) -> Result<Object<'_>, Failure> {
    match &media.source {
        MediaSource::Base64(data) => Ok(Object::new().with("bytes", data)),
        MediaSource::Text(text) if media.kind == MediaKind::Document => {
            Ok(Object::new().with("text", text))
        }
        MediaSource::Text(_) => Err(invalid("messages", "holds media that are text")),
        MediaSource::Uri(uri) => match uri.split_once(':') {
            Some(("s3", _)) => Ok(Object::new().with("s3Location", Object::new().with("uri", uri))),
            Some(("https" | "http", _)) => Err(must_fetch(uri)),
            _ => Err(Failure::unsupported("Bedrock takes media from s3 URIs only")),
        },
        MediaSource::FileId(_) => Err(Failure::unsupported("Bedrock keeps no files")),
    }
}

fn unknown(media: &Media, kind: &str) -> Failure {
    match &media.mime {
        Some(mime) => Failure::unsupported(format!("Bedrock takes no {kind} of type {mime}")),
        None => invalid("messages", "holds media without a media type"),
    }
}

/// The format of this media type; where there is none, the one that the name or the URI
/// ends in.
fn format(media: &Media, formats: &[(&'static str, &'static str)]) -> Option<&'static str> {
    if let Some(mime) = &media.mime {
        let mime = mime.split(';').next().unwrap_or_default().trim();
        return formats.iter().find(|(known, _)| *known == mime).map(|(_, format)| *format);
    }
    let place = match &media.source {
        MediaSource::Uri(uri) => Some(uri),
        _ => media.name.as_ref(),
    };
    let (_, ending) = place?.rsplit_once('.')?;
    formats.iter().find(|(_, format)| *format == ending).map(|(_, format)| *format)
}

const IMAGES: [(&str, &str); 5] = [
    ("image/png", "png"),
    ("image/jpeg", "jpeg"),
    ("image/jpg", "jpeg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
];

const DOCUMENTS: [(&str, &str); 10] = [
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
    ("text/x-markdown", "md"),
];

const VIDEOS: [(&str, &str); 9] = [
    ("video/mp4", "mp4"),
    ("video/quicktime", "mov"),
    ("video/x-matroska", "mkv"),
    ("video/webm", "webm"),
    ("video/x-flv", "flv"),
    ("video/mpeg", "mpeg"),
    ("video/mpg", "mpg"),
    ("video/x-ms-wmv", "wmv"),
    ("video/3gpp", "three_gp"),
];

const SOUNDS: [(&str, &str); 14] = [
    ("audio/mpeg", "mp3"),
    ("audio/mp3", "mp3"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/ogg", "ogg"),
    ("audio/flac", "flac"),
    ("audio/x-flac", "flac"),
    ("audio/aac", "aac"),
    ("audio/opus", "opus"),
    ("audio/mp4", "m4a"),
    ("audio/x-m4a", "m4a"),
    ("audio/webm", "webm"),
    ("audio/x-matroska", "mka"),
    ("audio/pcm", "pcm"),
];
