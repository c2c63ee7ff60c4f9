//! Images and documents as content blocks.

use plugway_sdk::chat::{Failure, Media, MediaKind, MediaSource};

use crate::json::Object;
use crate::report::invalid;

/// # Errors
/// Of kind `unsupported` for media, formats and schemes that the API has not.
pub(super) fn block(media: &Media) -> Result<Object<'_>, Failure> {
    match media.kind {
        MediaKind::Image => Ok(Object::of_type("image").with("source", image(media)?)),
        MediaKind::Document => Ok(Object::of_type("document")
            .with("source", document(media)?)
            .with_some("title", media.name.as_ref())),
        MediaKind::Audio => Err(Failure::unsupported("Anthropic takes no audio")),
        MediaKind::Video => Err(Failure::unsupported("Anthropic takes no video")),
    }
}

fn image(media: &Media) -> Result<Object<'_>, Failure> {
    match &media.source {
        MediaSource::Base64(data) => {
            let Some(mime) = &media.mime else {
                return Err(invalid("messages", "holds an image without a media type"));
            };
            Ok(base64(mime, data))
        }
        MediaSource::Uri(uri) => url(uri),
        MediaSource::FileId(id) => Ok(file(id)),
        MediaSource::Text(_) => Err(invalid("messages", "holds an image that is text")),
    }
}

fn document(media: &Media) -> Result<Object<'_>, Failure> {
    match &media.source {
        MediaSource::Base64(data) => match media.mime.as_deref() {
            None | Some("application/pdf") => Ok(base64("application/pdf", data)),
            Some(mime) => Err(Failure::unsupported(format!(
                "Anthropic takes PDF and plain text, not documents of type {mime}"
            ))),
        },
        MediaSource::Text(text) => {
            Ok(Object::of_type("text").with("media_type", "text/plain").with("data", text))
        }
        MediaSource::Uri(uri) => url(uri),
        MediaSource::FileId(id) => Ok(file(id)),
    }
}

fn base64<'a>(mime: &'a str, data: &'a str) -> Object<'a> {
    Object::of_type("base64").with("media_type", mime).with("data", data)
}

fn url(uri: &str) -> Result<Object<'_>, Failure> {
    match uri.split_once(':') {
        Some(("https" | "http", _)) => Ok(Object::of_type("url").with("url", uri)),
        _ => Err(Failure::unsupported("Anthropic fetches media from http and https URLs only")),
    }
}

fn file(id: &str) -> Object<'_> {
    Object::of_type("file").with("file_id", id)
}
