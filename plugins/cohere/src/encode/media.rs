//! Images, as a URL or as data in one.

use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::{Failure, Media, MediaKind, MediaSource};
use serde_json::value::to_raw_value;

/// Words for how closely to look that the API has.
const DETAILS: [&str; 3] = ["auto", "low", "high"];

/// The content item of a user's image.
///
/// # Errors
/// Of kind `unsupported` for any other kind of media; with the code `fetch` for a URL
/// that only the router may reach.
pub(super) fn image(media: &Media) -> Result<Object<'_>, Failure> {
    if media.kind != MediaKind::Image {
        return Err(Failure::unsupported("Cohere takes no audio, video or files"));
    }
    let url = match &media.source {
        MediaSource::Uri(uri) if uri.starts_with("https:") || uri.starts_with("http:") => {
            uri.into()
        }
        MediaSource::Uri(uri) => return Err(to_fetch(uri)),
        MediaSource::Base64(data) => data_url(media, data)?,
        _ => return Err(Failure::unsupported("Cohere takes images as a URL or as data")),
    };
    let detail = media.detail.as_deref().filter(|detail| DETAILS.contains(detail));
    let image = Object::new().with("url", url).with_some("detail", detail);
    Ok(Object::of_type("image_url").with("image_url", image))
}

/// A URL that holds the image itself.
pub(crate) fn data_url(media: &Media, base64: &str) -> Result<Json<'static>, Failure> {
    // Providers look at the bytes; the media type only has to be there.
    let url = format!("data:{};base64,{base64}", media.mime.as_deref().unwrap_or("image/png"));
    let json = to_raw_value(&url);
    json.map(Json::from).map_err(|_| Failure::unsupported("the image is no text"))
}

/// The router may fetch what the provider will not.
pub(crate) fn to_fetch(uri: &str) -> Failure {
    Failure {
        code: Some("fetch".into()),
        param: Some(uri.into()),
        ..Failure::unsupported("Cohere does not fetch this image")
    }
}
