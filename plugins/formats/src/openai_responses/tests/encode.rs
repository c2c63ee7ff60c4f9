//! Requests as the provider gets them.

use super::{OPTIONS, OpenAi};
use crate::testing;
use plugway_sdk::chat::*;
use plugway_sdk::provider::Provider;
use plugway_sdk::testing::{endpoint, request};
use serde_json::{Value, json};

/// Seals are letters and digits; the adapter must carry them and no more.
const SEAL: &str = "Zq8Jm3Xw0PbT5nVr7KdY";

fn native() -> Request {
    Request { dialect: "openai-responses".into(), ..request() }
}

fn body(request: Request) -> Value {
    testing::body::<OpenAi>(request, &OPTIONS).expect("the request can be said")
}

fn check_input(messages: Vec<Message>, expected: Value) {
    assert_eq!(body(Request { messages, ..native() })["input"], expected);
}

fn check_refused(request: Request, about: &str) {
    let failure = testing::body::<OpenAi>(request, &OPTIONS).expect_err(about);
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.message.contains(about), "{}", failure.message);
}

fn with_id(id: &str, part: Part) -> Part {
    Part { id: Some(id.into()), ..part }
}

fn thought(case: fn(String) -> Reasoning, text: &str, format: Option<&str>) -> Part {
    let part = Part::from(PartBody::Reasoning(case(text.into())));
    with_id("rs_1", Part { format: format.map(Into::into), ..part })
}

fn media(kind: MediaKind, source: MediaSource, mime: Option<&str>) -> Part {
    Media { kind, source, mime: mime.map(Into::into), name: None, detail: None }.into()
}

fn result(call_id: &str, content: Vec<ResultBody>, freeform: bool) -> Part {
    ToolResult {
        call_id: call_id.into(),
        name: "f".into(),
        content: content.into_iter().map(Into::into).collect(),
        failed: false,
        freeform,
    }
    .into()
}

#[test]
fn smallest_request() {
    let upstream = OpenAi::encode(request(), endpoint(&OPTIONS)).unwrap();
    assert_eq!((upstream.method.as_str(), upstream.path.as_str()), ("POST", "/responses"));
    assert_eq!(upstream.memo, "responses openai-chat");
    assert_eq!(
        String::from_utf8(upstream.body).unwrap(),
        r#"{"model":"test-model","input":[{"type":"message","role":"user","content":"hi"}],"store":false}"#
    );
}

#[test]
fn items_keep_their_order() {
    let own = Some("openai-responses-v1");
    let said = vec![
        thought(Reasoning::Summary, "Weigh it", own),
        thought(Reasoning::Encrypted, "E", own),
        with_id("msg_1", Part::text("one")),
        with_id("fc_1", ToolCall::new("c1", "f", "{\"a\": 1}").into()),
        with_id("msg_1", Part::text("two")),
        with_id("ctc_1", ToolCall { freeform: true, ..ToolCall::new("c2", "sh", "ls") }.into()),
    ];
    let results = vec![
        result("c1", vec![ResultBody::Text(SEAL.into())], false),
        result("c2", vec![ResultBody::Json("[1]".into()), ResultBody::Text("b".into())], true),
    ];
    check_input(
        vec![
            Message::system("s"),
            Message::new(Role::Assistant, said),
            Message::new(Role::Tool, results),
        ],
        json!([
            {"type": "message", "role": "system", "content": "s"},
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "E",
                "summary": [{"type": "summary_text", "text": "Weigh it"}]},
            {"type": "message", "id": "msg_1", "role": "assistant", "content": [
                {"type": "output_text", "text": "one", "annotations": []},
                {"type": "output_text", "text": "two", "annotations": []}]},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f",
                "arguments": "{\"a\": 1}"},
            {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c2", "name": "sh",
                "input": "ls"},
            {"type": "function_call_output", "call_id": "c1", "output": SEAL},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": [
                {"type": "input_text", "text": "[1]"}, {"type": "input_text", "text": "b"}]},
        ]),
    );
}

#[test]
fn sealed_reasoning_without_an_id_is_one_item() {
    let sealed = thought(Reasoning::Encrypted, "E", Some("openai-responses-v1"));
    let shown = r#"[{"type":"summary_text","text":"s"}]"#;
    let extra = vec![("summary".into(), shown.into())];
    let said = vec![Part { id: None, extra, ..sealed }, Part::text("so")];
    check_input(
        vec![Message::new(Role::Assistant, said)],
        json!([
            {"type": "reasoning", "encrypted_content": "E",
                "summary": [{"type": "summary_text", "text": "s"}]},
            {"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "so", "annotations": []}]},
        ]),
    );
}

#[test]
fn reasoning_of_others_stays_away() {
    let said = vec![
        thought(Reasoning::Text, "plain", None),
        Part { id: Some("x".into()), ..thought(Reasoning::Text, "t", Some("anthropic-claude-v1")) },
        Part::text("so"),
    ];
    check_input(
        vec![Message::new(Role::Assistant, said)],
        json!([{"type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": "so", "annotations": []}]}]),
    );
}

#[test]
fn what_users_attach() {
    let data = || MediaSource::Base64(SEAL.into());
    let url = |kind, url: &str| media(kind, MediaSource::Uri(url.into()), None);
    let parts = vec![
        Part::text(SEAL),
        media(MediaKind::Image, data(), Some("image/webp")),
        url(MediaKind::Document, "https://example.com/a.pdf"),
        media(MediaKind::Document, data(), None),
        media(MediaKind::Document, MediaSource::FileId("file-1".into()), None),
        media(MediaKind::Audio, data(), Some("audio/mpeg")),
    ];
    check_input(
        vec![Message::new(Role::User, parts)],
        json!([{"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": SEAL},
            {"type": "input_image", "image_url": format!("data:image/webp;base64,{SEAL}")},
            {"type": "input_file", "file_url": "https://example.com/a.pdf"},
            {"type": "input_file", "filename": "document",
                "file_data": format!("data:application/pdf;base64,{SEAL}")},
            {"type": "input_file", "file_id": "file-1"},
            {"type": "input_audio", "input_audio": {"data": SEAL, "format": "mp3"}},
        ]}]),
    );
    let user = |part| Request { messages: vec![Message::new(Role::User, vec![part])], ..native() };
    check_refused(user(url(MediaKind::Video, "https://example.com/v")), "video");
    let failure = testing::body::<OpenAi>(user(url(MediaKind::Image, "gs://b/i")), &OPTIONS);
    assert_eq!(failure.unwrap_err().code.as_deref(), Some("fetch"));
}

#[test]
fn tools_and_choices() {
    let function = |name: &str| FunctionTool {
        name: name.into(),
        description: None,
        parameters: Some(r#"{"type":"object","z":1,"a":2}"#.into()),
        strict: None,
        cache: None,
        extra: Vec::new(),
    };
    let grammar = Grammar { syntax: "lark".into(), definition: "start: X".into() };
    let freeform = FreeformTool {
        name: "sh".into(),
        description: None,
        grammar: Some(grammar),
        extra: Vec::new(),
    };
    let asked = |choice| {
        body(Request {
            tools: vec![Tool::Function(function("f")), Tool::Freeform(freeform.clone())],
            tool_choice: Some(choice),
            parallel_tool_calls: Some(false),
            ..request()
        })
    };
    let names = vec!["f".into(), "sh".into()];
    let said = asked(ToolChoice::Allowed(AllowedTools { names, required: true }));
    assert_eq!(
        said["tools"],
        json!([
            {"type": "function", "name": "f", "strict": false,
                "parameters": {"type": "object", "z": 1, "a": 2}},
            {"type": "custom", "name": "sh",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"}},
        ])
    );
    assert_eq!(
        said["tool_choice"],
        json!({"type": "allowed_tools", "mode": "required", "tools": [
            {"type": "function", "name": "f"}, {"type": "custom", "name": "sh"}]})
    );
    assert_eq!(said["parallel_tool_calls"], json!(false));
    let named = asked(ToolChoice::Named("sh".into()));
    assert_eq!(named["tool_choice"], json!({"type": "custom", "name": "sh"}));
    assert_eq!(asked(ToolChoice::Required)["tool_choice"], json!("required"));
}

#[test]
fn the_rest_of_a_request() {
    let schema = JsonSchema {
        name: Some("city".into()),
        description: None,
        schema: r#"{"type":"object"}"#.into(),
        strict: Some(true),
    };
    let asked = || Request {
        response_format: Some(ResponseFormat::JsonSchema(schema.clone())),
        sampling: Sampling {
            temperature: Some(0.5),
            top_k: Some(3),
            top_logprobs: Some(2),
            ..Sampling::default()
        },
        max_tokens: Some(99),
        reasoning: Some(ReasoningOptions {
            effort: Some("high".into()),
            summary: Some("auto".into()),
            ..ReasoningOptions::default()
        }),
        verbosity: Some("low".into()),
        service_tier: Some("flex".into()),
        user: Some("u1".into()),
        streaming: true,
        ..request()
    };
    let expected = json!({"model": "test-model",
        "input": [{"type": "message", "role": "user", "content": "hi"}],
        "text": {"format": {"type": "json_schema", "name": "city", "strict": true,
            "schema": {"type": "object"}}, "verbosity": "low"},
        "reasoning": {"effort": "high", "summary": "auto"},
        "temperature": 0.5, "service_tier": "flex", "user": "u1", "max_output_tokens": 99,
        "top_logprobs": 2, "store": false, "stream": true,
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content"]});
    assert_eq!(body(asked()), expected);
    let stop = Sampling { stop: vec!["END".into()], ..Sampling::default() };
    check_refused(Request { sampling: stop, ..request() }, "stop");
    check_refused(Request { choices: 2, ..request() }, "n is not");
}

#[test]
fn native_values_stay_in_their_dialect() {
    let item = r#"{"type":"web_search_call","id":"ws_1"}"#;
    let reference = r#"{"type":"item_reference","id":"rs_2"}"#;
    let mut phased = with_id("msg_1", Part::text("so"));
    phased.extra = vec![("phase".into(), "\"final_answer\"".into()), ("x".into(), "1".into())];
    let asked = |dialect: &str| Request {
        dialect: dialect.into(),
        messages: vec![
            Message::new(
                Role::Assistant,
                vec![PartBody::Native(item.into()).into(), phased.clone()],
            ),
            Message::new(Role::User, vec![PartBody::Native(reference.into()).into()]),
        ],
        tools: vec![Tool::Native(r#"{"type":"web_search"}"#.into())],
        extra: vec![
            ("previous_response_id".into(), "\"resp_0\"".into()),
            ("text".into(), r#"{"odd":1}"#.into()),
        ],
        verbosity: Some("low".into()),
        ..request()
    };
    assert_eq!(
        body(asked("openai-responses")),
        json!({"model": "test-model", "previous_response_id": "resp_0",
        "text": {"verbosity": "low", "odd": 1}, "tools": [{"type": "web_search"}],
        "input": [
            {"type": "web_search_call", "id": "ws_1"},
            {"type": "message", "id": "msg_1", "role": "assistant", "phase": "final_answer",
                "content": [{"type": "output_text", "text": "so", "annotations": [], "x": 1}]},
            {"type": "item_reference", "id": "rs_2"},
        ]})
    );
    check_refused(asked("gemini"), "web_search_call");
}

#[test]
fn a_count_is_of_what_is_read() {
    use crate::openai_responses::InputTokens;
    use plugway_sdk::provider::UpstreamResponse;
    use plugway_sdk::token_count::TokenCount;
    let asked = Request { max_tokens: Some(9), streaming: true, ..request() };
    let upstream =
        <InputTokens<super::Plain> as TokenCount>::encode(asked, endpoint(&OPTIONS)).unwrap();
    assert_eq!(upstream.path, "/responses/input_tokens");
    let body: Value = serde_json::from_slice(&upstream.body).unwrap();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["input", "model"]);
    let counted = |body: &str| {
        let head = plugway_sdk::provider::ResponseHead { status: 200, headers: Vec::new() };
        let response = UpstreamResponse { head, body: body.into() };
        <InputTokens<super::Plain> as TokenCount>::decode(response, String::new())
    };
    assert_eq!(counted(r#"{"object":"response.input_tokens","input_tokens":51}"#).unwrap(), 51);
    assert_eq!(counted("<html>").unwrap_err().kind, FailureKind::Unavailable);
}
