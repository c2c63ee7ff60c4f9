//! Images, which go as bare base64 beside a message's text.

use plugway_sdk::chat::{Failure, Media, MediaKind, MediaSource};

/// # Errors
/// Of kind `unsupported` for any other kind of media; with the code `fetch` for a URL,
/// which the server never follows.
pub(super) fn image(media: &Media) -> Result<&str, Failure> {
    if media.kind != MediaKind::Image {
        return Err(Failure::unsupported("Ollama takes no audio, video or files"));
    }
    match &media.source {
        MediaSource::Base64(data) => Ok(data),
        MediaSource::Uri(uri) => Err(Failure {
            code: Some("fetch".into()),
            param: Some(uri.clone()),
            ..Failure::unsupported("Ollama fetches no images")
        }),
        _ => Err(Failure::unsupported("Ollama takes images only as data")),
    }
}
