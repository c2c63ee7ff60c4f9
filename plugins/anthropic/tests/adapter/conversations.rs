//! Messages and what they hold, as turns and content blocks.

use plugway_sdk::chat::{
    CachePoint, FailureKind, FunctionTool, Media, MediaKind, MediaSource, Message, Part, PartBody,
    Reasoning, Request, ResultBody, Role, Tool, ToolCall, ToolResult,
};
use plugway_sdk::testing::endpoint;
use serde_json::json;

use crate::{
    ADAPTIVE, BUDGETS, assistant, body, check, check_refused, conversation, encode, function,
    media, result, text, user,
};

fn cached(part: impl Into<Part>, ttl: Option<&str>) -> Part {
    Part { cache: Some(CachePoint { ttl: ttl.map(Into::into) }), ..part.into() }
}

#[test]
fn opening_system_messages_are_the_system_prompt() {
    let developer = Message::new(Role::Developer, vec![cached(Part::text("b"), None)]);
    let messages = vec![Message::system("a"), developer, Message::user("hi")];
    let expected = json!({"system": [
        text("a"),
        {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}},
    ]});
    check(conversation(messages), expected);
}

#[test]
fn later_system_messages_need_a_model_and_a_place_for_them() {
    let late = |model: &str, messages: Vec<Message>| Request {
        model: model.into(),
        ..conversation(messages)
    };
    let last = || vec![Message::user("hi"), Message::system("a"), Message::system("b")];
    let turns = json!({"messages": [
        {"role": "user", "content": [text("hi")]},
        {"role": "system", "content": [text("a"), text("b")]},
    ]});
    check(late(ADAPTIVE, last()), turns);
    check_refused(late(BUDGETS, last()), FailureKind::Unsupported);
    let misplaced = vec![
        Message::user("hi"),
        Message::assistant("yes"),
        Message::system("a"),
        Message::user("go on"),
    ];
    check_refused(late(ADAPTIVE, misplaced), FailureKind::Unsupported);
    check_refused(conversation(vec![Message::system("a")]), FailureKind::Unsupported);
}

#[test]
fn messages_of_one_side_become_one_turn() {
    let messages = vec![
        Message::user("a"),
        Message::user("b"),
        assistant(vec![Part::text("c"), Part::text(""), ToolCall::new("t1", "look", "").into()]),
        assistant(vec![ToolCall::new("t2", "look", r#" {"z": 1, "a": 2.50}"#).into()]),
        Message::new(Role::Tool, vec![result("t1", vec![ResultBody::Text("seen".into())]).into()]),
        Message::new(
            Role::Tool,
            vec![
                ToolResult {
                    failed: true,
                    ..result("t2", vec![ResultBody::Json("{\"why\":1}".into())])
                }
                .into(),
            ],
        ),
        Message::user("d"),
    ];
    let expected = json!({"messages": [
        {"role": "user", "content": [text("a"), text("b")]},
        {"role": "assistant", "content": [
            text("c"),
            {"type": "tool_use", "id": "t1", "name": "look", "input": {}},
            {"type": "tool_use", "id": "t2", "name": "look", "input": {"z": 1, "a": 2.50}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": [text("seen")]},
            {"type": "tool_result", "tool_use_id": "t2", "content": [text("{\"why\":1}")], "is_error": true},
            text("d"),
        ]},
    ]});
    check(conversation(messages), expected);
}

#[test]
fn the_input_of_calls_keeps_its_bytes() {
    let call = ToolCall::new("t1", "look", r#"{"z": 1, "a": 2.50}"#);
    let it = conversation(vec![Message::user("hi"), assistant(vec![call.into()])]);
    let upstream = encode(&it, endpoint(&[])).unwrap();
    let sent = String::from_utf8(upstream.body).unwrap();
    assert!(sent.contains(r#""input":{"z": 1, "a": 2.50}"#), "{sent}");
}

#[test]
fn calls_without_an_object_are_refused() {
    for input in ["{\"a\":", "[1]", "\"text\"", "nonsense"] {
        let call = ToolCall::new("t1", "look", input);
        let it = conversation(vec![Message::user("hi"), assistant(vec![call.into()])]);
        check_refused(it, FailureKind::InvalidRequest);
    }
    let freeform = ToolCall { freeform: true, ..ToolCall::new("t1", "look", "text") };
    let it = conversation(vec![Message::user("hi"), assistant(vec![freeform.into()])]);
    check_refused(it, FailureKind::Unsupported);
}

#[test]
fn an_answer_to_be_continued_ends_without_white_space() {
    let messages = vec![Message::user("hi"), Message::assistant("{ \n")];
    let expected = json!({"messages": [
        {"role": "user", "content": [text("hi")]},
        {"role": "assistant", "content": [text("{")]},
    ]});
    check(conversation(messages), expected);
}

#[test]
fn media_become_images_and_documents() {
    use MediaKind::{Document, Image};
    let cases = [
        (
            media(Image, Some("image/png"), MediaSource::Base64("iVBO".into())),
            json!({"type": "image", "source":
                {"type": "base64", "media_type": "image/png", "data": "iVBO"}}),
        ),
        (
            media(Image, None, MediaSource::Uri("https://x.test/a.png".into())),
            json!({"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}),
        ),
        (
            media(Document, Some("application/pdf"), MediaSource::Base64("JVBE".into())),
            json!({"type": "document", "source":
                {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}}),
        ),
        (
            media(Document, Some("text/plain"), MediaSource::Text("words".into())),
            json!({"type": "document", "source":
                {"type": "text", "media_type": "text/plain", "data": "words"}}),
        ),
        (
            media(Document, None, MediaSource::Uri("https://x.test/a.pdf".into())),
            json!({"type": "document", "source": {"type": "url", "url": "https://x.test/a.pdf"}}),
        ),
    ];
    for (media, block) in cases {
        let in_message = conversation(vec![user(vec![media.clone().into()])]);
        check(in_message, json!({"messages": [{"role": "user", "content": [block]}]}));
        let in_result = result("t1", vec![ResultBody::Media(media)]);
        let sent = body(&conversation(vec![user(vec![in_result.into()])]));
        assert_eq!(sent["messages"][0]["content"][0]["content"], json!([block]));
    }
    let titled = Media {
        name: Some("Report".into()),
        ..media(Document, None, MediaSource::Base64("JVBE".into()))
    };
    let sent = body(&conversation(vec![user(vec![titled.into()])]));
    assert_eq!(sent["messages"][0]["content"][0]["title"], "Report");
}

#[test]
fn files_bring_their_beta() {
    let file = media(MediaKind::Document, None, MediaSource::FileId("file_1".into()));
    let it = conversation(vec![user(vec![file.into()])]);
    let block = json!({"type": "document", "source": {"type": "file", "file_id": "file_1"}});
    check(it.clone(), json!({"messages": [{"role": "user", "content": [block]}]}));
    let headers = encode(&it, endpoint(&[])).unwrap().headers;
    assert!(headers.contains(&("anthropic-beta".into(), "files-api-2025-04-14".into())));
}

#[test]
fn media_that_the_api_has_not_are_refused() {
    use MediaKind::{Audio, Document, Image, Video};
    let base64 = || MediaSource::Base64("AAAA".into());
    let cases = [
        (media(Audio, Some("audio/wav"), base64()), FailureKind::Unsupported),
        (media(Video, Some("video/mp4"), base64()), FailureKind::Unsupported),
        (media(Document, Some("text/csv"), base64()), FailureKind::Unsupported),
        (
            media(Image, None, MediaSource::Uri("gs://bucket/a.png".into())),
            FailureKind::Unsupported,
        ),
        (media(Image, None, base64()), FailureKind::InvalidRequest),
    ];
    for (media, kind) in cases {
        check_refused(conversation(vec![user(vec![media.into()])]), kind);
    }
}

#[test]
fn cache_points_stay_where_they_were_put() {
    let result = result("t1", vec![ResultBody::Text("seen".into())]);
    let messages = vec![
        user(vec![cached(Part::text("a"), Some("1h"))]),
        assistant(vec![cached(ToolCall::new("t1", "look", "{}"), Some("30d"))]),
        user(vec![cached(result, Some("5m"))]),
    ];
    let mut it = conversation(messages);
    it.tools = vec![Tool::Function(FunctionTool {
        cache: Some(CachePoint { ttl: None }),
        ..function("look", None)
    })];
    let sent = body(&it);
    let of = |message: usize| sent["messages"][message]["content"][0]["cache_control"].clone();
    assert_eq!(of(0), json!({"type": "ephemeral", "ttl": "1h"}));
    assert_eq!(of(1), json!({"type": "ephemeral"}));
    assert_eq!(of(2), json!({"type": "ephemeral", "ttl": "5m"}));
    assert_eq!(sent["tools"][0]["cache_control"], json!({"type": "ephemeral"}));
}

#[test]
fn reasoning_goes_back_with_its_proof_only() {
    let part = |reasoning, signature: Option<&str>, format: Option<&str>| Part {
        signature: signature.map(Into::into),
        format: format.map(Into::into),
        ..PartBody::Reasoning(reasoning).into()
    };
    let ours = Some("anthropic-claude-v1");
    let text_of = |text: &str| Reasoning::Text(text.into());
    let messages = vec![
        Message::user("hi"),
        assistant(vec![
            part(text_of("signed"), Some("sig"), ours),
            part(Reasoning::Encrypted("data".into()), None, ours),
            part(text_of("unsigned"), None, ours),
            part(text_of("foreign"), Some("sig"), Some("google-gemini-v1")),
            part(text_of("unknown"), Some("sig"), None),
            part(Reasoning::Summary("summary".into()), Some("sig"), ours),
            Part::text("so"),
        ]),
        Message::user("go on"),
    ];
    let sent = body(&conversation(messages));
    let expected = json!([
        {"type": "thinking", "thinking": "signed", "signature": "sig"},
        {"type": "redacted_thinking", "data": "data"},
        text("so"),
    ]);
    assert_eq!(sent["messages"][1]["content"], expected);
}

#[test]
fn every_seal_is_sent_once() {
    let seal = |number: usize| format!("PlugwaySeal{number:04}x");
    let sealed = |number| Part::text(seal(number));
    let image = media(MediaKind::Image, Some("image/png"), MediaSource::Base64(seal(5)));
    let document = media(MediaKind::Document, None, MediaSource::Text(seal(6)));
    let call = ToolCall::new("t1", "look", "{}");
    let it = conversation(vec![
        Message::new(Role::System, vec![sealed(0)]),
        user(vec![sealed(1), image.into(), document.into()]),
        assistant(vec![sealed(2), call.into()]),
        Message::new(Role::Tool, vec![result("t1", vec![ResultBody::Text(seal(3))]).into()]),
        assistant(vec![sealed(4)]),
    ]);
    let sent = String::from_utf8(encode(&it, endpoint(&[])).unwrap().body).unwrap();
    for number in 0..7 {
        assert_eq!(sent.matches(&seal(number)).count(), 1, "seal {number}");
    }
}
