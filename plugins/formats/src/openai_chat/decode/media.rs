//! Sounds and pictures in an answer.

use plugway_sdk::chat::{Media, MediaKind, MediaSource, Part};

use crate::node::Node;

/// A bit of speech. Its id sends it back; its transcript is native.
pub(super) fn audio(audio: &Node, native: bool) -> Option<Part> {
    let id = audio.text("id");
    let data = audio.text("data");
    let transcript = audio.text("transcript");
    if id.is_none() && data.is_none() && transcript.is_none() {
        return None;
    }
    let mut part = media(MediaKind::Audio, MediaSource::Base64(data.unwrap_or_default().into()));
    part.id = id.map(Into::into);
    if native {
        part.extra = audio.extras(&["id", "data"]);
    }
    Some(part)
}

/// A generated image, as compatible servers send it.
pub(super) fn image(item: &Node) -> Option<Part> {
    let linked = item.get("image_url")?;
    let url = linked.as_text().or_else(|| linked.text("url"))?;
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
