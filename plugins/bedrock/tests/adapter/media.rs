//! Images, documents, sound and video.

use plugway_sdk::chat::{
    FailureKind, Media, MediaKind, MediaSource, Message, Part, Request, ResultBody, Role,
};
use serde_json::{Value, json};

use crate::{CLAUDE, OTHER, body, check_refused, conversation, result, user};

fn media(kind: MediaKind, mime: Option<&str>, name: Option<&str>, source: MediaSource) -> Media {
    Media { kind, source, mime: mime.map(Into::into), name: name.map(Into::into), detail: None }
}

fn bytes() -> MediaSource {
    MediaSource::Base64("AAAA".into())
}

fn block(media: Media) -> Value {
    body(&conversation(OTHER, vec![user(vec![media.into()])]))["messages"][0]["content"][0].clone()
}

#[test]
fn formats_are_read_from_media_types() {
    use MediaKind::{Audio, Document, Image, Video};
    let cases = [
        (Image, "image/png", "image", "png"),
        (Image, "image/jpeg", "image", "jpeg"),
        (Document, "application/pdf", "document", "pdf"),
        (Document, "text/markdown; charset=utf-8", "document", "md"),
        (Video, "video/quicktime", "video", "mov"),
        (Audio, "audio/mpeg", "audio", "mp3"),
    ];
    for (kind, mime, name, format) in cases {
        let sent = block(media(kind, Some(mime), None, bytes()));
        assert_eq!(sent[name]["format"], format, "{mime}");
        assert_eq!(sent[name]["source"], json!({"bytes": "AAAA"}));
    }
    let named = block(media(Document, None, Some("a.csv"), bytes()));
    assert_eq!(named["document"]["format"], "csv");
}

#[test]
fn documents_have_names_that_converse_takes() {
    let names = |given: &[Option<&str>]| {
        let parts = given
            .iter()
            .map(|name| media(MediaKind::Document, Some("application/pdf"), *name, bytes()).into());
        let sent = body(&conversation(OTHER, vec![user(parts.collect())]));
        let content = sent["messages"][0]["content"].as_array().unwrap().clone();
        content.iter().map(|it| it["document"]["name"].clone()).collect::<Vec<_>>()
    };
    let given = [Some("Law (2) [b]-c"), Some("../a  b.pdf"), None, Some("§")];
    assert_eq!(names(&given), ["Law (2) [b]-c", "a b pdf", "Document 3", "Document 4"]);
}

#[test]
fn media_stand_where_the_service_finds_them() {
    use MediaKind::{Document, Video};
    let uri = |uri: &str| MediaSource::Uri(uri.into());
    let video = block(media(Video, Some("video/mp4"), None, uri("s3://b/v.mp4")));
    let expected =
        json!({"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/v.mp4"}}}});
    assert_eq!(video, expected);
    let text = block(media(Document, None, Some("n"), MediaSource::Text("words".into())));
    let expected = json!({"document": {"format": "txt", "name": "n", "source": {"text": "words"}}});
    assert_eq!(text, expected);
}

#[test]
fn what_the_service_does_not_fetch_is_for_the_router() {
    let image =
        || media(MediaKind::Image, None, None, MediaSource::Uri("https://a.test/i.png".into()));
    let in_result = result("t", vec![ResultBody::Media(image())]);
    for parts in [vec![image().into()], vec![in_result.into()]] {
        let it = conversation(OTHER, vec![Message::new(Role::User, parts)]);
        let failure = check_refused(it, FailureKind::Unsupported);
        assert_eq!(failure.code.as_deref(), Some("fetch"));
        assert_eq!(failure.param.as_deref(), Some("https://a.test/i.png"));
    }
}

#[test]
fn media_that_the_service_has_not_are_refused() {
    use FailureKind::{InvalidRequest, Unsupported};
    use MediaKind::{Document, Image};
    let cases = [
        (media(Image, Some("image/tiff"), None, bytes()), Unsupported),
        (media(Image, None, None, bytes()), InvalidRequest),
        (media(Image, Some("image/png"), None, MediaSource::FileId("f".into())), Unsupported),
        (media(Image, Some("image/png"), None, MediaSource::Uri("gs://b/i".into())), Unsupported),
        (media(Image, Some("image/png"), None, MediaSource::Text("t".into())), InvalidRequest),
        (media(Document, Some("application/zip"), None, bytes()), Unsupported),
    ];
    for (media, kind) in cases {
        let failure = check_refused(conversation(OTHER, vec![user(vec![media.into()])]), kind);
        assert_eq!(failure.code, None);
    }
    let system =
        Message::new(Role::System, vec![media(Image, Some("image/png"), None, bytes()).into()]);
    check_refused(conversation(OTHER, vec![system, Message::user("hi")]), Unsupported);
}

#[test]
fn what_anthropic_says_of_documents_is_said_here_too() {
    let extra = [("citations", r#"{"enabled":true}"#), ("context", "\"of 2020\""), ("x", "1")];
    let part = Part {
        extra: extra.map(|(name, json)| (name.into(), json.into())).into(),
        ..media(MediaKind::Document, Some("text/plain"), Some("n"), bytes()).into()
    };
    let it = Request {
        dialect: "anthropic-messages".into(),
        ..conversation(CLAUDE, vec![user(vec![part])])
    };
    let document = &body(&it)["messages"][0]["content"][0]["document"];
    assert_eq!(document["citations"], json!({"enabled": true}));
    assert_eq!(document["context"], "of 2020");
    assert_eq!(document.get("x"), None);
}

#[test]
fn tools_return_media() {
    let image = media(MediaKind::Image, Some("image/gif"), None, bytes());
    let document = media(MediaKind::Document, Some("text/csv"), None, bytes());
    let held = result("t", vec![ResultBody::Media(image), ResultBody::Media(document)]);
    let sent = body(&conversation(OTHER, vec![user(vec![held.into()])]));
    let expected = json!([
        {"image": {"format": "gif", "source": {"bytes": "AAAA"}}},
        {"document": {"format": "csv", "name": "Document 1", "source": {"bytes": "AAAA"}}},
    ]);
    assert_eq!(sent["messages"][0]["content"][0]["toolResult"]["content"], expected);
}
