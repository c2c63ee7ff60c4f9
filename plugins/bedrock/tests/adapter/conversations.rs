//! Messages, and the blocks that they become.

use plugway_sdk::chat::{
    CachePoint, Citation, FailureKind, Media, MediaKind, MediaSource, Message, Part, PartBody,
    Reasoning, Request, ResultBody, Role, ToolCall, ToolResult,
};
use plugway_sdk::testing::endpoint;
use serde_json::{Value, json};

use crate::{
    CLAUDE, NATIVE, NOVA, OTHER, assistant, body, body_at, check_refused, conversation, encode,
    native_request, request, result, user,
};

fn cached(part: impl Into<Part>, ttl: Option<&str>) -> Part {
    Part { cache: Some(CachePoint { ttl: ttl.map(Into::into) }), ..part.into() }
}

/// The one block of a message of one part.
fn block(model: &str, part: Part) -> Value {
    let messages = vec![Message::user("hi"), assistant(vec![part]), Message::user("go on")];
    body(&conversation(model, messages))["messages"][1]["content"].clone()
}

#[test]
fn opening_system_messages_are_the_system_prompt() {
    let messages = vec![
        Message::system("one"),
        Message::new(Role::Developer, vec![Part::text("two")]),
        Message::user("hi"),
    ];
    let sent = body(&conversation(OTHER, messages));
    assert_eq!(sent["system"], json!([{"text": "one"}, {"text": "two"}]));
    assert_eq!(sent["messages"], json!([{"role": "user", "content": [{"text": "hi"}]}]));
}

#[test]
fn later_system_messages_are_refused() {
    let messages = vec![Message::user("hi"), Message::system("late")];
    check_refused(conversation(CLAUDE, messages), FailureKind::Unsupported);
    check_refused(conversation(CLAUDE, vec![Message::system("alone")]), FailureKind::Unsupported);
}

#[test]
fn messages_of_one_side_become_one_turn() {
    let call = ToolCall::new("t-1", "look", r#"{ "a" : 1.0 }"#);
    let failed = ToolResult { failed: true, ..result("t-2", vec![]) };
    let messages = vec![
        Message::user("a"),
        Message::user("b"),
        assistant(vec![Part::text("c"), call.into(), ToolCall::new("t-2", "look", "").into()]),
        Message::new(
            Role::Tool,
            vec![
                result(
                    "t-1",
                    vec![
                        ResultBody::Text("seen".into()),
                        ResultBody::Json(r#"{"n":1}"#.into()),
                        ResultBody::Json("[1]".into()),
                        ResultBody::Text(String::new()),
                    ],
                )
                .into(),
                failed.into(),
            ],
        ),
        Message::user("d"),
    ];
    let expected = json!([
        {"role": "user", "content": [{"text": "a"}, {"text": "b"}]},
        {"role": "assistant", "content": [
            {"text": "c"},
            {"toolUse": {"toolUseId": "t-1", "name": "look", "input": {"a": 1.0}}},
            {"toolUse": {"toolUseId": "t-2", "name": "look", "input": {}}},
        ]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "t-1", "content": [
                {"text": "seen"}, {"json": {"n": 1}}, {"text": "[1]"},
            ]}},
            {"toolResult": {"toolUseId": "t-2", "content": [], "status": "error"}},
            {"text": "d"},
        ]},
    ]);
    assert_eq!(body(&conversation(OTHER, messages.clone()))["messages"], expected);
    let sent = encode(&conversation(OTHER, messages), endpoint(&[])).unwrap().body;
    let sent = String::from_utf8(sent).unwrap();
    assert!(sent.contains(r#""input":{ "a" : 1.0 }"#), "byte for byte: {sent}");
}

#[test]
fn calls_without_an_object_are_refused() {
    let call = |call: ToolCall| conversation(OTHER, vec![assistant(vec![call.into()])]);
    check_refused(call(ToolCall::new("t", "look", "[1]")), FailureKind::InvalidRequest);
    check_refused(call(ToolCall::new("t", "look", "{")), FailureKind::InvalidRequest);
    let freeform = ToolCall { freeform: true, ..ToolCall::new("t", "look", "text") };
    check_refused(call(freeform), FailureKind::Unsupported);
}

#[test]
fn empty_texts_are_no_blocks() {
    let messages = vec![Message::user(""), assistant(vec![Part::text("")]), Message::user("hi")];
    let expected = json!([{"role": "user", "content": [{"text": "hi"}]}]);
    assert_eq!(body(&conversation(OTHER, messages))["messages"], expected);
}

#[test]
fn cache_points_are_blocks_of_their_own() {
    let messages = vec![
        Message::new(Role::System, vec![cached(Part::text("s"), None)]),
        user(vec![cached(Part::text("a"), Some("1h")), Part::text("b")]),
        Message::new(Role::Tool, vec![cached(result("t", vec![]), Some("2h"))]),
    ];
    let point = || json!({"cachePoint": {"type": "default"}});
    let an_hour = json!({"cachePoint": {"type": "default", "ttl": "1h"}});
    let tool = json!({"toolResult": {"toolUseId": "t", "content": []}});
    let sent = body(&conversation(CLAUDE, messages.clone()));
    assert_eq!(sent["system"], json!([{"text": "s"}, point()]));
    let content = json!([{"text": "a"}, an_hour, {"text": "b"}, tool, point()]);
    assert_eq!(sent["messages"][0]["content"], content);

    let sent = body(&conversation(NOVA, messages.clone()));
    let content = json!([{"text": "a"}, point(), {"text": "b"}, tool, point()]);
    assert_eq!(sent["messages"][0]["content"], content, "no time to live is known there");

    let it = conversation(OTHER, messages);
    assert_eq!(body(&it)["system"], json!([{"text": "s"}]));
    let sent = body_at(&it, endpoint(&[("cache_points", "true")]));
    assert_eq!(sent["system"], json!([{"text": "s"}, point()]));
}

#[test]
fn reasoning_goes_back_with_its_proof_only() {
    let thought = |format: Option<&str>, signature: Option<&str>| Part {
        signature: signature.map(Into::into),
        format: format.map(Into::into),
        ..Part::reasoning("Hm")
    };
    let anthropic = Some("anthropic-claude-v1");
    let held = json!([{"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}}]);
    assert_eq!(block(CLAUDE, thought(anthropic, Some("s"))), held);
    assert_eq!(block(OTHER, thought(Some("bedrock-converse-v1"), Some("s"))), held);

    // What is left of the message is nothing: the turns around it join.
    let joined = json!([{"text": "hi"}, {"text": "go on"}]);
    for (model, part) in [
        (OTHER, thought(anthropic, Some("s"))),
        (CLAUDE, thought(Some("other-v1"), Some("s"))),
        (CLAUDE, thought(anthropic, None)),
        (CLAUDE, thought(None, None)),
        (CLAUDE, PartBody::Reasoning(Reasoning::Summary("s".into())).into()),
    ] {
        let messages = vec![Message::user("hi"), assistant(vec![part]), Message::user("go on")];
        let sent = body(&conversation(model, messages));
        assert_eq!(sent["messages"][0]["content"], joined);
    }
}

#[test]
fn redacted_reasoning_travels_as_bytes() {
    let hidden = |data: &str, format: &str| Part {
        format: Some(format.into()),
        ..PartBody::Reasoning(Reasoning::Encrypted(data.into())).into()
    };
    let held = json!([{"reasoningContent": {"redactedContent": "b3BhcXVl"}}]);
    assert_eq!(block(CLAUDE, hidden("opaque", "anthropic-claude-v1")), held);
    assert_eq!(block(OTHER, hidden("b3BhcXVl", "bedrock-converse-v1")), held);
}

#[test]
fn native_blocks_pass_in_place() {
    let guarded = r#"{"guardContent":{"text":{"text":"x"}}}"#;
    let cited = Part {
        citations: vec![Citation {
            url: None,
            title: Some("Law".into()),
            quote: Some("says".into()),
            span: None,
            extra: vec![("location".into(), r#"{"documentChar":{"documentIndex":0}}"#.into())],
        }],
        ..Part::text("Twenty")
    };
    let named = Media {
        kind: MediaKind::Document,
        source: MediaSource::Text("text".into()),
        mime: Some("text/plain".into()),
        name: Some("as_given.txt".into()),
        detail: None,
    };
    let document =
        Part { extra: vec![("citations".into(), r#"{"enabled":true}"#.into())], ..named.into() };
    let messages = vec![
        user(vec![PartBody::Native(guarded.into()).into(), document]),
        assistant(vec![cited, Part::reasoning("unsigned")]),
    ];
    let it = Request { messages: messages.clone(), ..native_request(OTHER) };
    let expected = json!([
        {"role": "user", "content": [
            {"guardContent": {"text": {"text": "x"}}},
            {"document": {"format": "txt", "name": "as_given.txt", "source": {"text": "text"},
                "citations": {"enabled": true}}},
        ]},
        {"role": "assistant", "content": [
            {"citationsContent": {"content": [{"text": "Twenty"}], "citations": [
                {"title": "Law", "sourceContent": [{"text": "says"}],
                    "location": {"documentChar": {"documentIndex": 0}}},
            ]}},
            {"reasoningContent": {"reasoningText": {"text": "unsigned"}}},
        ]},
    ]);
    assert_eq!(body(&it)["messages"], expected);
    assert_eq!(it.dialect, NATIVE);
    check_refused(conversation(OTHER, messages), FailureKind::Unsupported);
}

#[test]
fn native_values_of_others_are_refused() {
    let part: Part = PartBody::Native("{}".into()).into();
    for dialect in ["anthropic-messages", "openai-chat"] {
        let messages = vec![user(vec![part.clone()])];
        let it = Request { dialect: dialect.into(), messages, ..request(CLAUDE) };
        check_refused(it, FailureKind::Unsupported);
    }
}

#[test]
fn every_seal_is_sent_once() {
    let seal = |number: usize| format!("PlugwaySeal{number:04}x");
    let sealed = |number| Part::text(seal(number));
    let media = |kind, mime: &str, source| Media {
        kind,
        source,
        mime: Some(mime.into()),
        name: None,
        detail: None,
    };
    let image = media(MediaKind::Image, "image/png", MediaSource::Base64(seal(5)));
    let document = media(MediaKind::Document, "text/plain", MediaSource::Text(seal(6)));
    let call = ToolCall::new("t1", "look", "{}");
    let it = conversation(
        CLAUDE,
        vec![
            Message::new(Role::System, vec![sealed(0)]),
            user(vec![sealed(1), image.into(), document.into()]),
            assistant(vec![sealed(2), call.into()]),
            Message::new(Role::Tool, vec![result("t1", vec![ResultBody::Text(seal(3))]).into()]),
            assistant(vec![sealed(4)]),
        ],
    );
    let sent = String::from_utf8(encode(&it, endpoint(&[])).unwrap().body).unwrap();
    for number in 0..7 {
        assert_eq!(sent.matches(&seal(number)).count(), 1, "seal {number}");
    }
}
