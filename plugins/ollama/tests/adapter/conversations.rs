//! The conversation of a request.

use plugway_sdk::chat::{
    MediaKind, MediaSource, Message, Part, PartBody, Reasoning, Request, ResultBody, Role, ToolCall,
};
use serde_json::json;

use crate::{
    assistant, check_messages, conversation, encode, media, native_request, picture, refused,
    result, user,
};

#[test]
fn parts_keep_their_order_in_messages_of_their_own() {
    let notes = plugway_sdk::chat::Media {
        name: Some("Notes".into()),
        ..media(MediaKind::Document, MediaSource::Text("It rains.".into()))
    };
    let it = conversation(vec![
        Message::new(Role::Developer, vec![Part::text("Be brief.")]),
        user(vec![Part::text("a"), Part::text("b")]),
        user(vec![picture("AAAA"), picture("BBBB"), Part::text("c")]),
        user(vec![Part::text("d"), picture("CCCC"), notes.into()]),
        user(Vec::new()),
    ]);
    let said = |text: &str| json!({"role": "user", "content": text});
    let expected = json!([
        {"role": "system", "content": "Be brief."},
        said("a"),
        said("b"),
        {"role": "user", "content": "c", "images": ["AAAA", "BBBB"]},
        said("d"),
        {"role": "user", "content": "Notes", "images": ["CCCC"]},
        said("It rains."),
        said(""),
    ]);
    check_messages(&it, expected);
}

#[test]
fn a_native_message_stays_one() {
    let it = Request {
        messages: vec![user(vec![Part::text("a"), picture("AAAA")])],
        ..native_request()
    };
    check_messages(&it, json!([{"role": "user", "content": "a", "images": ["AAAA"]}]));
}

#[test]
fn urls_are_left_to_the_router() {
    let uri = MediaSource::Uri("https://x.test/a.png".into());
    let it = conversation(vec![user(vec![media(MediaKind::Image, uri).into()])]);
    let failure = refused(&it);
    assert_eq!(failure.code.as_deref(), Some("fetch"));
    assert_eq!(failure.param.as_deref(), Some("https://x.test/a.png"));
}

#[test]
fn parts_without_a_place_are_refused() {
    let data = || MediaSource::Base64("AAAA".into());
    let call = |input: &str| Part::from(ToolCall::new("c1", "look", input));
    let freeform = ToolCall { freeform: true, ..ToolCall::new("c1", "sh", "ls") };
    let cases = [
        user(vec![media(MediaKind::Audio, data()).into()]),
        user(vec![media(MediaKind::Document, data()).into()]),
        user(vec![media(MediaKind::Image, MediaSource::FileId("f".into())).into()]),
        user(vec![PartBody::Native("{}".into()).into()]),
        user(vec![Part::reasoning("hm")]),
        assistant(vec![picture("AAAA")]),
        assistant(vec![freeform.into()]),
        assistant(vec![call("not json")]),
        assistant(vec![call("[1]")]),
        assistant(vec![call("{}"), Part::text("after")]),
        assistant(vec![Part::text("before"), Part::reasoning("after")]),
    ];
    for message in cases {
        refused(&conversation(vec![message]));
    }
}

#[test]
fn calls_and_their_results() {
    let input = r#"{ "z":1, "a":2.50 }"#;
    let nameless = plugway_sdk::chat::ToolResult {
        name: String::new(),
        ..result("c2", vec![ResultBody::Json("[1, 2]".into())])
    };
    let it = conversation(vec![
        assistant(vec![
            Part::reasoning("Two things."),
            Part::text("I look "),
            Part::text("twice."),
            ToolCall::new("c1", "look", input).into(),
            ToolCall::new("c2", "look", "").into(),
        ]),
        Message::new(
            Role::Tool,
            vec![
                result(
                    "c1",
                    vec![
                        ResultBody::Text("sunny".into()),
                        ResultBody::Media(media(
                            MediaKind::Image,
                            MediaSource::Base64("AAAA".into()),
                        )),
                    ],
                )
                .into(),
                nameless.into(),
            ],
        ),
        user(vec![Part::text("before"), result("c3", Vec::new()).into(), Part::text("after")]),
    ]);
    let sent = String::from_utf8(encode(&it).unwrap().body).unwrap();
    assert!(sent.contains(&format!(r#""arguments":{input}"#)), "{sent}");
    let call = |id: &str, arguments| json!({"id": id, "type": "function", "function": {"name": "look", "arguments": arguments}});
    let answered = |id: &str, content: &str| json!({"role": "tool", "content": content, "tool_name": "look", "tool_call_id": id});
    let mut pictured = answered("c1", "");
    pictured["images"] = json!(["AAAA"]);
    let expected = json!([
        {
            "role": "assistant", "content": "I look twice.", "thinking": "Two things.",
            "tool_calls": [call("c1", json!({"z": 1, "a": 2.5})), call("c2", json!({}))],
        },
        answered("c1", "sunny"),
        pictured,
        {"role": "tool", "content": "[1, 2]", "tool_call_id": "c2"},
        {"role": "user", "content": "before"},
        answered("c3", ""),
        {"role": "user", "content": "after"},
    ]);
    check_messages(&it, expected);
}

#[test]
fn reasoning_of_others_is_dropped() {
    let foreign = Part { format: Some("openai-responses-v1".into()), ..Part::reasoning("secret") };
    let encrypted = PartBody::Reasoning(Reasoning::Encrypted("AAAA".into())).into();
    let it = conversation(vec![assistant(vec![foreign, encrypted, Part::text("a")])]);
    check_messages(&it, json!([{"role": "assistant", "content": "a"}]));
}

#[test]
fn native_messages_go_as_they_are() {
    let mut spoken = user(vec![Part::text("a")]);
    spoken.extra = vec![("future".into(), "1".into())];
    let whole = r#"{"role":"future","content":"x"}"#;
    let it = Request {
        messages: vec![spoken, user(vec![PartBody::Native(whole.into()).into()])],
        ..native_request()
    };
    let expected = json!([
        {"role": "user", "content": "a", "future": 1}, {"role": "future", "content": "x"},
    ]);
    check_messages(&it, expected);
}

#[test]
fn every_text_is_in_the_body_once() {
    let texts: Vec<String> = (0..9).map(|number| format!("seal-{number}-end")).collect();
    let text = |number: usize| Part::text(&texts[number]);
    let document = media(MediaKind::Document, MediaSource::Text(texts[3].clone()));
    let results = vec![ResultBody::Text(texts[5].clone()), ResultBody::Text(texts[6].clone())];
    let it = conversation(vec![
        Message::new(Role::System, vec![text(0), text(1)]),
        user(vec![text(2), document.into()]),
        assistant(vec![text(4), ToolCall::new("c1", "look", "{}").into()]),
        Message::new(Role::Tool, vec![result("c1", results).into()]),
        user(vec![picture(&texts[7]), text(8)]),
    ]);
    let sent = String::from_utf8(encode(&it).unwrap().body).unwrap();
    for text in &texts {
        assert_eq!(sent.matches(&format!("\"{text}\"")).count(), 1, "{text} in {sent}");
    }
}
