//! The conversation of a request.

use plugway_sdk::chat::{
    Citation, MediaKind, MediaSource, Message, Part, PartBody, Reasoning, Request, ResultBody,
    ResultPart, Role, ToolCall,
};
use serde_json::json;

use crate::{
    assistant, check_messages, conversation, encode, image, native_request, plain_document,
    refused, result, user,
};

const PLAN: &str = "cohere-tool-plan-v2";

fn plan(text: &str) -> Part {
    Part { format: Some(PLAN.into()), ..Part::reasoning(text) }
}

#[test]
fn one_text_is_a_string_and_several_are_a_list() {
    let it = conversation(vec![
        Message::new(Role::Developer, vec![Part::text("Be brief.")]),
        user(vec![Part::text("a"), Part::text("b")]),
        assistant(vec![Part::text("c")]),
        user(vec![plain_document(Some("Notes"), "It rains.").into()]),
        user(Vec::new()),
    ]);
    let text = |text: &str| json!({"type": "text", "text": text});
    let expected = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [text("a"), text("b")]},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": [text("Notes"), text("It rains.")]},
        {"role": "user", "content": ""},
    ]);
    check_messages(&it, expected);
}

#[test]
fn images_are_urls_or_data() {
    let it = conversation(vec![user(vec![
        Part::text("Look:"),
        image(MediaSource::Uri("https://x.test/a.png".into())).into(),
        image(MediaSource::Base64("AAAA".into())).into(),
    ])]);
    let item =
        |url: &str| json!({"type": "image_url", "image_url": {"url": url, "detail": "high"}});
    let expected = json!([{"role": "user", "content": [
        {"type": "text", "text": "Look:"},
        item("https://x.test/a.png"),
        item("data:image/webp;base64,AAAA"),
    ]}]);
    check_messages(&it, expected);
}

#[test]
fn what_the_provider_cannot_fetch_is_left_to_the_router() {
    let it = conversation(vec![user(vec![image(MediaSource::Uri("gs://b/a.png".into())).into()])]);
    let failure = refused(&it);
    assert_eq!(failure.code.as_deref(), Some("fetch"));
    assert_eq!(failure.param.as_deref(), Some("gs://b/a.png"));
}

#[test]
fn parts_without_a_place_are_refused() {
    let audio = plugway_sdk::chat::Media {
        kind: MediaKind::Audio,
        ..image(MediaSource::Base64("AAAA".into()))
    };
    let picture = || image(MediaSource::Base64("AAAA".into()));
    let freeform = ToolCall { freeform: true, ..ToolCall::new("c1", "sh", "ls") };
    let cases = [
        user(vec![audio.into()]),
        user(vec![image(MediaSource::FileId("file-1".into())).into()]),
        user(vec![PartBody::Native("{}".into()).into()]),
        user(vec![Part::reasoning("hm")]),
        Message::new(Role::System, vec![picture().into()]),
        assistant(vec![picture().into()]),
        assistant(vec![freeform.into()]),
        assistant(vec![ToolCall::new("c1", "look", "{}").into(), Part::text("after")]),
        assistant(vec![ToolCall::new("c1", "look", "{}").into(), Part::reasoning("after")]),
        Message::new(Role::Tool, vec![result("c1", vec![ResultBody::Media(picture())]).into()]),
    ];
    for message in cases {
        refused(&conversation(vec![message]));
    }
}

#[test]
fn calls_and_their_results() {
    let input = r#"{ "z":1, "a":2.50 }"#;
    let it = conversation(vec![
        assistant(vec![
            Part::reasoning("It asks for two things."),
            plan("I will look twice."),
            ToolCall::new("c1", "look", input).into(),
            ToolCall::new("c2", "look", "no json").into(),
        ]),
        Message::new(
            Role::Tool,
            vec![
                result("c1", vec![ResultBody::Text("sunny".into())]).into(),
                result("c2", vec![ResultBody::Json("[1, 2]".into()), ResultBody::Text("!".into())])
                    .into(),
            ],
        ),
        user(vec![
            Part::text("before"),
            result("c3", vec![ResultBody::Media(plain_document(Some("N"), "t"))]).into(),
            Part::text("after"),
        ]),
    ]);
    let call = |id: &str, input: &str| json!({"id": id, "type": "function", "function": {"name": "look", "arguments": input}});
    let expected = json!([
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "It asks for two things."}],
            "tool_plan": "I will look twice.",
            "tool_calls": [call("c1", input), call("c2", "no json")],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        {"role": "tool", "tool_call_id": "c2", "content": [
            {"type": "text", "text": "[1, 2]"}, {"type": "text", "text": "!"},
        ]},
        {"role": "user", "content": "before"},
        {"role": "tool", "tool_call_id": "c3", "content": [
            {"type": "document", "document": {"data": {"title": "N", "text": "t"}}},
        ]},
        {"role": "user", "content": "after"},
    ]);
    check_messages(&it, expected);
}

#[test]
fn a_message_of_calls_alone_has_no_content() {
    let it = conversation(vec![assistant(vec![ToolCall::new("c1", "look", "{}").into()])]);
    let expected = json!([{"role": "assistant", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}},
    ]}]);
    check_messages(&it, expected);
}

#[test]
fn a_plan_without_calls_is_a_thought_like_any_other() {
    let it = conversation(vec![assistant(vec![plan("I will look."), Part::text("No need.")])]);
    let expected = json!([{"role": "assistant", "content": [
        {"type": "thinking", "thinking": "I will look."}, {"type": "text", "text": "No need."},
    ]}]);
    check_messages(&it, expected);
}

#[test]
fn reasoning_of_others_is_dropped() {
    let foreign = Part {
        format: Some("anthropic-claude-v1".into()),
        signature: Some("sig".into()),
        ..Part::reasoning("secret")
    };
    let encrypted = PartBody::Reasoning(Reasoning::Encrypted("AAAA".into())).into();
    let it = conversation(vec![assistant(vec![foreign, encrypted, Part::text("a")])]);
    check_messages(&it, json!([{"role": "assistant", "content": "a"}]));
}

#[test]
fn native_parts_go_back_as_they_came() {
    let cited = |source: &str| Citation {
        span: Some((0, 3)),
        quote: Some("It rains.".into()),
        extra: vec![
            ("text".into(), r#""Wet""#.into()),
            ("type".into(), r#""TEXT_CONTENT""#.into()),
            ("source".into(), source.into()),
        ],
        ..Citation::default()
    };
    let together = Citation {
        span: Some((0, 3)),
        extra: vec![("sources".into(), r#"[{"id":"3"}]"#.into())],
        ..Citation::default()
    };
    let data = ResultPart {
        extra: vec![("id".into(), r#""d1""#.into())],
        ..ResultBody::Json(r#"{"sky":"grey"}"#.into()).into()
    };
    let mut answered = result("c1", Vec::new());
    answered.content = vec![data];
    let native = r#"{"type":"future","x":1}"#;
    let it = Request {
        messages: vec![
            user(vec![PartBody::Native(native.into()).into()]),
            Message::new(Role::Tool, vec![answered.into()]),
            assistant(vec![Part {
                citations: vec![cited(r#"{"id":"1"}"#), cited(r#"{"id":"2"}"#), together],
                ..Part::text("Wet.")
            }]),
        ],
        ..native_request()
    };
    let expected = json!([
        {"role": "user", "content": [{"type": "future", "x": 1}]},
        {"role": "tool", "tool_call_id": "c1", "content": [
            {"type": "document", "document": {"data": {"sky": "grey"}, "id": "d1"}},
        ]},
        {"role": "assistant", "content": "Wet.", "citations": [{
            "start": 0, "end": 3, "text": "Wet", "type": "TEXT_CONTENT",
            "sources": [{"id": "1"}, {"id": "2"}],
        }, {"start": 0, "end": 3, "sources": [{"id": "3"}]}]},
    ]);
    check_messages(&it, expected);
}

#[test]
fn every_text_is_in_the_body_once() {
    let texts: Vec<String> = (0..9).map(|number| format!("seal-{number}-end")).collect();
    let text = |number: usize| Part::text(&texts[number]);
    let it = conversation(vec![
        Message::system(&texts[0]),
        user(vec![text(1), text(2), plain_document(None, &texts[3]).into()]),
        assistant(vec![text(4), ToolCall::new("c1", "look", "{}").into()]),
        Message::new(
            Role::Tool,
            vec![
                result(
                    "c1",
                    vec![
                        ResultBody::Text(texts[5].clone()),
                        ResultBody::Media(plain_document(Some("n"), &texts[6])),
                    ],
                )
                .into(),
            ],
        ),
        user(vec![image(MediaSource::Base64(texts[7].clone())).into(), text(8)]),
    ]);
    let sent = String::from_utf8(encode(&it).unwrap().body).unwrap();
    for text in &texts {
        assert_eq!(sent.matches(text.as_str()).count(), 1, "{text} in {sent}");
    }
}
