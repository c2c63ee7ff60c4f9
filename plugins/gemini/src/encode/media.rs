//! Images, sound, videos and documents: inline, or where Google finds them.

use plugway_formats::json::{Json, Object};
use plugway_formats::report::invalid;
use plugway_sdk::chat::{Failure, Media, MediaKind, MediaSource, ResultPart};

use super::{Context, word};

/// What the operators' files at AI Studio are called in full.
const FILES: &str = "https://generativelanguage.googleapis.com/v1beta/";

/// Hosts whose videos Google knows without fetching them.
const VIDEO_HOSTS: [&str; 4] = ["youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be"];

/// Endings of paths that tell a media type.
const MIME_OF_ENDING: [(&str, &str); 18] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("html", "text/html"),
    ("csv", "text/csv"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("ogg", "audio/ogg"),
    ("flac", "audio/flac"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
];

/// A part of a message.
pub(super) fn part<'a>(media: &'a Media, context: &Context<'_>) -> Result<Object<'a>, Failure> {
    match &media.source {
        MediaSource::Base64(data) => Ok(Object::new().with("inlineData", inline(media, data)?)),
        MediaSource::Text(text) => Ok(Object::new().with("text", text)),
        MediaSource::Uri(uri) => Ok(Object::new().with("fileData", linked(media, uri, context)?)),
        MediaSource::FileId(id) => Ok(Object::new().with("fileData", filed(media, id, context)?)),
    }
}

/// A part of a tool's result, which may have a name there.
pub(super) fn in_result<'a>(
    media: &'a Media,
    part: &'a ResultPart,
    context: &Context<'_>,
) -> Result<Json<'a>, Failure> {
    let name = media.name.as_ref();
    let object = match &media.source {
        MediaSource::Base64(data) => {
            Object::new().with("inlineData", inline(media, data)?.with_some("displayName", name))
        }
        MediaSource::Uri(uri) => {
            let file = linked(media, uri, context)?.with_some("displayName", name);
            Object::new().with("fileData", file)
        }
        MediaSource::FileId(id) => {
            let file = filed(media, id, context)?.with_some("displayName", name);
            Object::new().with("fileData", file)
        }
        MediaSource::Text(_) => {
            return Err(Failure::unsupported(
                "Gemini takes no plain-text documents in tool results",
            ));
        }
    };
    Ok(object.with_extra(context.extra(&part.extra))?.into())
}

fn inline<'a>(media: &'a Media, data: &'a String) -> Result<Object<'a>, Failure> {
    let mime = match (&media.mime, media.kind) {
        (Some(mime), _) => mime.as_str(),
        (None, MediaKind::Document) => "application/pdf",
        (None, _) => return Err(invalid("messages", "holds media without a media type")),
    };
    Ok(Object::new().with("mimeType", mime).with("data", data))
}

/// What Google fetches by itself, or else refuses as this provider's router knows how
/// to help with.
fn linked<'a>(
    media: &'a Media,
    uri: &'a String,
    context: &Context<'_>,
) -> Result<Object<'a>, Failure> {
    let mime = mime(media, uri, context);
    if !context.native {
        let vertex = context.options.is_vertex();
        if !is_fetched(uri, context) || (vertex && mime.is_none()) {
            return Err(Failure {
                code: Some("fetch".into()),
                param: Some(uri.clone()),
                ..Failure::unsupported("Gemini does not fetch media from a URL like this one")
            });
        }
    }
    Ok(Object::new().with_some("mimeType", mime).with("fileUri", uri))
}

fn is_fetched(uri: &str, context: &Context<'_>) -> bool {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match scheme {
        "gs" => context.options.is_vertex(),
        "https" | "http" if VIDEO_HOSTS.contains(&host) => true,
        "https" if uri.starts_with(FILES) => !context.options.is_vertex(),
        "https" => context.model.fetches_urls,
        _ => false,
    }
}

/// The client's word, or what the URL tells.
fn mime<'a>(media: &'a Media, uri: &str, context: &Context<'_>) -> Option<&'a str> {
    if media.mime.is_some() || context.native {
        return media.mime.as_deref();
    }
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, it)| it);
    let known = ending.and_then(|ending| {
        MIME_OF_ENDING.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known))
    });
    match (known, media.kind) {
        (Some((_, mime)), _) => Some(*mime),
        (None, MediaKind::Video) => Some("video/mp4"),
        (None, _) => None,
    }
}

fn filed<'a>(media: &'a Media, id: &'a str, context: &Context<'_>) -> Result<Object<'a>, Failure> {
    if context.options.is_vertex() {
        return Err(Failure::unsupported("Vertex AI keeps no files: send a gs:// URI instead"));
    }
    let uri = if id.contains("://") {
        Json::from(id)
    } else if id.starts_with("files/") {
        word(format!("{FILES}{id}"))
    } else {
        word(format!("{FILES}files/{id}"))
    };
    Ok(Object::new().with_some("mimeType", media.mime.as_deref()).with("fileUri", uri))
}
