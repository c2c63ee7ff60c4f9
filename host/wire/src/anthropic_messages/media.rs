//! Images and documents: read from blocks, and written as such.

use plugway_engine::chat::{Media, MediaKind, MediaSource};

use crate::BadRequest;
use crate::conversation::Conversation;
use crate::json::{Fields, Writer};

/// The medium of an `image` or `document` block; none where its source is of a kind
/// that only the dialect knows.
pub(super) fn medium(
    conversation: &mut Conversation,
    fields: &mut Fields<'_, '_>,
) -> Result<Option<Media>, BadRequest> {
    let is_image = fields.need("type")?.text()? == "image";
    let kind = if is_image { MediaKind::Image } else { MediaKind::Document };
    let node = fields.need("source")?;
    let mut source = node.object()?;
    let (found, mime) = match &*source.need("type")?.text()? {
        "base64" => {
            let mime = source.need("media_type")?.string()?;
            conversation.base64(&source.need("data")?, kind, Some(mime))?
        }
        "url" => conversation.located(&source.need("url")?, Some(kind))?,
        "file" => (MediaSource::FileId(source.need("file_id")?.string()?), None),
        "text" if !is_image => {
            let mime = source.need("media_type")?;
            if mime.text()? != "text/plain" {
                return Err(mime.invalid("must be text/plain"));
            }
            let text = conversation.text(&source.need("data")?)?;
            (MediaSource::Text(text), Some("text/plain".to_owned()))
        }
        _ => return Ok(None),
    };
    if let Some((_, node)) = source.left().next() {
        return Err(node.fault("unknown_parameter", "is not known"));
    }
    let mut medium = conversation.medium(kind, found, mime);
    if !is_image {
        medium.name = fields.string("title")?;
    }
    Ok(Some(medium))
}

/// The fields of a medium that the model made, which the object is then the block of.
pub(super) fn write(json: &mut Writer<'_>, medium: &Media) {
    json.key("type").string(match medium.kind {
        MediaKind::Image => "image",
        _ => "document",
    });
    json.key("source").open(b'{');
    match &medium.source {
        MediaSource::Base64(data) => {
            let mime = medium.mime.as_deref().unwrap_or("application/octet-stream");
            json.key("type").string("base64");
            json.key("media_type").string(mime);
            json.key("data").string(data);
        }
        MediaSource::Uri(url) => {
            json.key("type").string("url");
            json.key("url").string(url);
        }
        MediaSource::Text(text) => {
            json.key("type").string("text");
            json.key("media_type").string("text/plain");
            json.key("data").string(text);
        }
        MediaSource::FileId(id) => {
            json.key("type").string("file");
            json.key("file_id").string(id);
        }
    }
    json.close(b'}');
    if let Some(name) = medium.name.as_ref().filter(|_| medium.kind != MediaKind::Image) {
        json.key("title").string(name);
    }
}
