//! What media are said to be, and what their first bytes tell.
//!
//! Clients are careless with the types of images, and their own providers look at the
//! bytes: so a wrong one is put right. What is another kind of thing than it is said to
//! be is refused, since somebody would be shown it as what it is not.

use plugway_engine::chat::MediaKind;

use crate::base64;

/// Characters of base64 that hold all of a medium's beginning that is looked at.
const BEGINNING: usize = 16;

/// What a medium turns out to be.
type Kind = (MediaKind, &'static str);

/// How media begin that cannot be taken for anything else.
const BEGINNINGS: [(&[u8], Kind); 6] = [
    (b"\x89PNG\r\n\x1a\n", (MediaKind::Image, "image/png")),
    (b"\xff\xd8\xff", (MediaKind::Image, "image/jpeg")),
    (b"GIF87a", (MediaKind::Image, "image/gif")),
    (b"GIF89a", (MediaKind::Image, "image/gif")),
    (b"%PDF-", (MediaKind::Document, "application/pdf")),
    (b"ID3", (MediaKind::Audio, "audio/mpeg")),
];

/// The media type of what is attached as `kind` and said to be `declared`, and begins
/// with this base64.
///
/// # Errors
/// What it is instead, as a sentence without its subject.
pub(crate) fn settled(
    kind: MediaKind,
    declared: Option<String>,
    data: &str,
) -> Result<Option<String>, String> {
    let said = declared.as_deref().filter(|mime| *mime != "application/octet-stream");
    let Some((found, mime)) = told(data) else {
        return match said {
            Some(said) if kind != MediaKind::Document && self::kind(said) != kind => {
                Err(format!("must be {}, but is said to be another kind of thing", name(kind)))
            }
            _ => Ok(declared),
        };
    };
    let is_said = |said: &str| match found {
        MediaKind::Document => said.ends_with("pdf"),
        found => self::kind(said) == found,
    };
    if !said.is_none_or(is_said) || (kind != found && kind != MediaKind::Document) {
        return Err(format!("must be what its media type says, but its bytes are {mime}"));
    }
    let is_put_right = kind == found && (said.is_none() || found == MediaKind::Image);
    Ok(if is_put_right { Some(mime.to_owned()) } else { declared })
}

/// What this media type is a type of. What it is not known of is a document.
pub(crate) fn kind(mime: &str) -> MediaKind {
    match mime.split('/').next().unwrap_or_default() {
        "image" => MediaKind::Image,
        "audio" => MediaKind::Audio,
        "video" => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

fn name(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "an image",
        MediaKind::Document => "a document",
        MediaKind::Audio => "audio",
        MediaKind::Video => "a video",
    }
}

/// What begins so; none where that could be anything.
fn told(data: &str) -> Option<Kind> {
    let beginning = data.get(..BEGINNING).unwrap_or(data);
    let bytes = base64::decode(beginning)?;
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(begins, _)| bytes.starts_with(begins)) {
        return Some(*kind);
    }
    match (bytes.get(..4)?, bytes.get(8..12)?) {
        (b"RIFF", b"WEBP") => Some((MediaKind::Image, "image/webp")),
        (b"RIFF", b"WAVE") => Some((MediaKind::Audio, "audio/wav")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB";
    const JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBD";
    const GIF: &str = "R0lGODlhAQABAIAAAAAAAP///yH5BAEA";
    const WEBP: &str = "UklGRiQAAABXRUJQVlA4IBgAAAAwAQCd";
    const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEA";
    const PDF: &str = "JVBERi0xLjcKJeLjz9MKMSAwIG9iago8";
    const MP3: &str = "SUQzBAAAAAAAI1RTU0UAAAAPAAADTGF2";
    const ANY: &str = "QUJDREVGR0g=";

    #[track_caller]
    fn check(kind: MediaKind, said: Option<&str>, data: &str, expected: Option<&str>) {
        let settled = settled(kind, said.map(str::to_owned), data);
        assert_eq!(settled.unwrap().as_deref(), expected, "{said:?} {data}");
    }

    #[test]
    fn the_type_of_an_image_is_what_its_bytes_are() {
        let images =
            [(PNG, "image/png"), (JPEG, "image/jpeg"), (GIF, "image/gif"), (WEBP, "image/webp")];
        for (data, mime) in images {
            for said in [None, Some("image/png"), Some("image/jpg"), Some(mime)] {
                check(MediaKind::Image, said, data, Some(mime));
            }
            check(MediaKind::Image, Some("application/octet-stream"), data, Some(mime));
        }
    }

    #[test]
    fn what_cannot_be_told_is_what_it_is_said_to_be() {
        check(MediaKind::Image, Some("image/avif"), ANY, Some("image/avif"));
        check(MediaKind::Image, None, ANY, None);
        check(MediaKind::Document, Some("text/csv"), ANY, Some("text/csv"));
        check(MediaKind::Video, Some("video/mp4"), "", Some("video/mp4"));
        check(MediaKind::Audio, Some("audio/mp3"), MP3, Some("audio/mp3"));
        check(MediaKind::Audio, None, WAV, Some("audio/wav"));
        check(MediaKind::Document, Some("audio/mpeg"), MP3, Some("audio/mpeg"));
        check(MediaKind::Document, None, PNG, None);
        check(MediaKind::Document, Some("application/x-pdf"), PDF, Some("application/x-pdf"));
    }

    #[test]
    fn what_is_another_kind_of_thing_is_refused() {
        for (kind, said, data) in [
            (MediaKind::Image, Some("image/png"), PDF),
            (MediaKind::Image, None, PDF),
            (MediaKind::Image, Some("application/pdf"), PDF),
            (MediaKind::Image, Some("text/plain"), ANY),
            (MediaKind::Image, Some("text/plain"), PNG),
            (MediaKind::Image, Some("audio/mpeg"), ANY),
            (MediaKind::Document, Some("application/pdf"), PNG),
            (MediaKind::Document, Some("image/png"), PDF),
            (MediaKind::Document, Some("text/plain"), MP3),
            (MediaKind::Document, Some("text/plain"), PDF),
            (MediaKind::Audio, Some("audio/wav"), PNG),
            (MediaKind::Audio, Some("video/mp4"), ANY),
            (MediaKind::Video, Some("video/mp4"), JPEG),
        ] {
            let settled = settled(kind, said.map(str::to_owned), data);
            assert!(settled.is_err(), "{kind:?} {said:?} {data}: {settled:?}");
        }
    }
}
