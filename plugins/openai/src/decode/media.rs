//! Sounds and pictures in an answer.

use plugway_sdk::chat::{Media, MediaKind, MediaSource, Part};
use serde_json::Value;

use super::fields::{extras, text};

/// A bit of speech. Its id sends it back; its transcript is native.
pub(super) fn audio(audio: &Value, native: bool) -> Option<Part> {
    let id = text(audio, "id");
    let data = text(audio, "data");
    let transcript = text(audio, "transcript");
    if id.is_none() && data.is_none() && transcript.is_none() {
        return None;
    }
    let mut part = media(MediaKind::Audio, MediaSource::Base64(data.unwrap_or_default().into()));
    part.id = id.map(Into::into);
    if native {
        part.extra = extras(audio, &["id", "data"]);
    }
    Some(part)
}

/// A generated image, as compatible servers send it.
pub(super) fn image(item: &Value) -> Option<Part> {
    let url = text(item.get("image_url")?, "url")?;
    let Some(data) = url.strip_prefix("data:") else {
        return Some(media(MediaKind::Image, MediaSource::Uri(url.into())));
    };
    let (mime, base64) = data.split_once(";base64,")?;
    let source = MediaSource::Base64(base64.into());
    let mime = (!mime.is_empty()).then(|| mime.into());
    Some(Media { mime, ..plain(MediaKind::Image, source) }.into())
}

fn media(kind: MediaKind, source: MediaSource) -> Part {
    plain(kind, source).into()
}

fn plain(kind: MediaKind, source: MediaSource) -> Media {
    Media { kind, source, mime: None, name: None, detail: None }
}
