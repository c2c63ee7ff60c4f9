//! Requests as the provider gets them.

use super::OpenAi;
use plugway_sdk::chat::*;
use plugway_sdk::provider::Provider;
use plugway_sdk::testing::{endpoint, request};
use serde_json::{Value, json};

/// Seals are letters and digits; the adapter must carry them and no more.
const SEAL: &str = "Zq8Jm3Xw0PbT5nVr7KdY";

fn body(request: Request, options: &[(&str, &str)]) -> Result<Value, Failure> {
    let upstream = OpenAi::encode(request, endpoint(options))?;
    Ok(serde_json::from_slice(&upstream.body).expect("the body is JSON"))
}

/// Checks one field of the body that a request becomes.
fn check(request: Request, options: &[(&str, &str)], field: &str, expected: Value) {
    let body = body(request, options).expect("the request can be said");
    assert_eq!(body.get(field).cloned().unwrap_or(Value::Null), expected, "{field} of {body}");
}

fn check_messages(messages: Vec<Message>, options: &[(&str, &str)], expected: Value) {
    check(Request { messages, ..request() }, options, "messages", expected);
}

fn check_refused(request: Request, about: &str) {
    let failure = body(request, &[]).expect_err(about);
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.message.contains(about), "{}", failure.message);
}

fn media(kind: MediaKind, source: MediaSource, mime: Option<&str>) -> Part {
    Media { kind, source, mime: mime.map(Into::into), name: None, detail: None }.into()
}

fn user(parts: Vec<Part>) -> Vec<Message> {
    vec![Message::new(Role::User, parts)]
}

fn function(name: &str) -> FunctionTool {
    FunctionTool {
        name: name.into(),
        description: None,
        parameters: None,
        strict: None,
        cache: None,
        extra: Vec::new(),
    }
}

fn result(call_id: &str, content: Vec<ResultBody>) -> ToolResult {
    ToolResult {
        call_id: call_id.into(),
        name: "f".into(),
        content: content.into_iter().map(Into::into).collect(),
        failed: false,
        freeform: false,
    }
}

#[test]
fn smallest_request() {
    let upstream = OpenAi::encode(request(), endpoint(&[])).unwrap();
    assert_eq!((upstream.method.as_str(), upstream.path.as_str()), ("POST", "/chat/completions"));
    assert_eq!(upstream.memo, "openai-chat");
    assert_eq!(
        String::from_utf8(upstream.body).unwrap(),
        r#"{"model":"test-model","messages":[{"role":"user","content":"hi"}]}"#
    );
}

#[test]
fn path_of_another_server() {
    let options = [("path", r#""/deployments/{model}/chat/completions?api-version=1""#)];
    let odd = Request { model: "a/b c".into(), ..request() };
    let upstream = OpenAi::encode(odd, endpoint(&options)).unwrap();
    assert_eq!(upstream.path, "/deployments/a%2Fb%20c/chat/completions?api-version=1");
}

#[test]
fn a_wrong_option_is_named() {
    let failure = body(request(), &[("extended_sampling", "3")]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.message.contains("extended_sampling"));
    assert!(body(request(), &[("send_reasoning", r#""loudly""#)]).is_err());
}

#[test]
fn roles_and_names() {
    let mut named = Message::user("u");
    named.name = Some("ann".into());
    let messages = || {
        let developer = Message::new(Role::Developer, vec![Part::text("d")]);
        vec![Message::system("s"), developer, named.clone(), Message::assistant("a")]
    };
    let expected = |developer| {
        json!([
            {"role": "system", "content": "s"},
            {"role": developer, "content": "d"},
            {"role": "user", "name": "ann", "content": "u"},
            {"role": "assistant", "content": "a"},
        ])
    };
    check_messages(messages(), &[], expected("developer"));
    check_messages(messages(), &[("developer_role", r#""system""#)], expected("system"));
}

#[test]
fn parts_keep_their_order_and_seals() {
    let mut image = Media {
        kind: MediaKind::Image,
        source: MediaSource::Base64(SEAL.into()),
        mime: Some("image/webp".into()),
        name: None,
        detail: Some("low".into()),
    };
    let sealed = Part::from(image.clone());
    image.source = MediaSource::Uri("https://example.com/a.png".into());
    image.detail = None;
    check_messages(
        user(vec![Part::text("before"), sealed, image.into(), Part::text(SEAL)]),
        &[],
        json!([{"role": "user", "content": [
            {"type": "text", "text": "before"},
            {"type": "image_url", "image_url":
                {"url": format!("data:image/webp;base64,{SEAL}"), "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            {"type": "text", "text": SEAL},
        ]}]),
    );
}

#[test]
fn documents_and_audio() {
    let titled = Media {
        kind: MediaKind::Document,
        source: MediaSource::Text(SEAL.into()),
        mime: None,
        name: Some("notes.txt".into()),
        detail: None,
    };
    let data = || MediaSource::Base64(SEAL.into());
    check_messages(
        user(vec![
            media(MediaKind::Document, data(), Some("application/pdf")),
            media(MediaKind::Document, MediaSource::FileId("file-1".into()), None),
            titled.into(),
            media(MediaKind::Audio, data(), Some("audio/mpeg")),
        ]),
        &[],
        json!([{"role": "user", "content": [
            {"type": "file", "file":
                {"filename": "document", "file_data": format!("data:application/pdf;base64,{SEAL}")}},
            {"type": "file", "file": {"file_id": "file-1"}},
            {"type": "text", "text": format!("notes.txt\n\n{SEAL}")},
            {"type": "input_audio", "input_audio": {"data": SEAL, "format": "mp3"}},
        ]}]),
    );
}

#[test]
fn calls_and_results() {
    let freeform = ToolCall { freeform: true, ..ToolCall::new("c2", "sh", "ls") };
    let texts = vec![ResultBody::Text(SEAL.into()), ResultBody::Json(r#"{"b":1,"a":2}"#.into())];
    check_messages(
        vec![
            Message::new(
                Role::Assistant,
                vec![
                    Part::text("let me see"),
                    ToolCall::new("c1", "f", r#"{"x":1}"#).into(),
                    freeform.into(),
                ],
            ),
            Message::new(
                Role::Tool,
                vec![
                    result("c1", texts).into(),
                    result("c2", vec![ResultBody::Text("out".into())]).into(),
                ],
            ),
        ],
        &[],
        json!([
            {"role": "assistant", "content": "let me see", "tool_calls": [
                {"id": "c1", "type": "function",
                    "function": {"name": "f", "arguments": "{\"x\":1}"}},
                {"id": "c2", "type": "custom", "custom": {"name": "sh", "input": "ls"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": [
                {"type": "text", "text": SEAL},
                {"type": "text", "text": r#"{"b":1,"a":2}"#},
            ]},
            {"role": "tool", "tool_call_id": "c2", "content": "out"},
        ]),
    );
}

#[test]
fn media_of_results_follow_them_in_a_message_of_the_users() {
    let image = || {
        ResultBody::Media(Media {
            kind: MediaKind::Image,
            source: MediaSource::Base64("AAAA".into()),
            mime: None,
            name: None,
            detail: None,
        })
    };
    let seen = || vec![result("c1", vec![ResultBody::Text("a cat".into()), image()]).into()];
    let results = |parts| Message::new(Role::Tool, parts);
    let heard = || vec![result("c2", vec![ResultBody::Text("purr".into())]).into()];
    let shown = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    let below = "(attached to the next user message)";
    check_messages(
        vec![
            results(seen()),
            results(heard()),
            Message::new(Role::Assistant, vec![Part::text("so")]),
        ],
        &[],
        json!([
            {"role": "tool", "tool_call_id": "c1", "content": [
                {"type": "text", "text": "a cat"}, {"type": "text", "text": below}]},
            {"role": "tool", "tool_call_id": "c2", "content": "purr"},
            {"role": "user", "content": [
                {"type": "text", "text": "Attached to the result of c1:"}, shown]},
            {"role": "assistant", "content": "so"},
        ]),
    );
    // Also behind the last message.
    check_messages(
        vec![results(vec![result("c3", vec![image()]).into()])],
        &[("call_id_chars", "2")],
        json!([
            {"role": "tool", "tool_call_id": "c3", "content": below},
            {"role": "user", "content": [
                {"type": "text", "text": "Attached to the result of c3:"}, shown]},
        ]),
    );
    check_messages(
        vec![results(seen())],
        &[("result_media", "\"content\"")],
        json!([{"role": "tool", "tool_call_id": "c1", "content": [
            {"type": "text", "text": "a cat"}, shown]}]),
    );
    let none = [("result_media", "\"none\"")];
    let refused = body(Request { messages: vec![results(seen())], ..request() }, &none);
    assert!(refused.unwrap_err().message.contains("tool results must be text"));
}

#[test]
fn results_between_an_assistants_parts_keep_the_order() {
    let parts = vec![
        ToolCall::new("c1", "f", "{}").into(),
        result("c1", vec![ResultBody::Text("r".into())]).into(),
        Part::text("so"),
    ];
    check_messages(
        vec![Message::new(Role::Assistant, parts)],
        &[],
        json!([
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "r"},
            {"role": "assistant", "content": "so"},
        ]),
    );
}

#[test]
fn reasoning_goes_back_where_the_server_takes_it() {
    let mut signed = Part::reasoning("signed");
    signed.format = Some("anthropic-claude-v1".into());
    signed.signature = Some("S".into());
    let parts = vec![Part::reasoning("plain"), signed, Part::text("t")];
    let messages = || vec![Message::new(Role::Assistant, parts.clone())];
    let message = |field: &str, value: Value| {
        let mut message = json!({"role": "assistant", "content": "t"});
        if !field.is_empty() {
            message[field] = value;
        }
        json!([message])
    };
    check_messages(messages(), &[], message("", Value::Null));
    check_messages(
        messages(),
        &[("send_reasoning", r#""reasoning_content""#)],
        message("reasoning_content", json!("plain")),
    );
    check_messages(
        messages(),
        &[("send_reasoning", r#""reasoning_details""#)],
        message(
            "reasoning_details",
            json!([
                {"type": "reasoning.text", "text": "plain", "index": 0},
                {"type": "reasoning.text", "text": "signed", "signature": "S",
                    "format": "anthropic-claude-v1", "index": 1},
            ]),
        ),
    );
}

#[test]
fn an_assistant_speaks_and_refuses() {
    let mut spoken = media(MediaKind::Audio, MediaSource::Base64(String::new()), None);
    spoken.id = Some("audio_1".into());
    let refusal = Part::from(PartBody::Refusal("no".into()));
    check_messages(
        vec![
            Message::new(Role::Assistant, vec![spoken]),
            Message::new(Role::Assistant, vec![refusal]),
            Message::new(Role::Assistant, Vec::new()),
        ],
        &[],
        json!([
            {"role": "assistant", "content": null, "audio": {"id": "audio_1"}},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
            {"role": "assistant", "content": ""},
        ]),
    );
}

#[test]
fn tools_keep_the_text_of_their_schemas() {
    let schema = r#"{"type":"object","properties":{"z":{},"a":{}}}"#;
    let tools = vec![
        Tool::Function(FunctionTool {
            description: Some("d".into()),
            parameters: Some(schema.into()),
            strict: Some(true),
            ..function("f")
        }),
        Tool::Freeform(FreeformTool {
            name: "sh".into(),
            description: None,
            grammar: Some(Grammar { syntax: "lark".into(), definition: "start: X".into() }),
            extra: Vec::new(),
        }),
    ];
    let upstream = OpenAi::encode(Request { tools, ..request() }, endpoint(&[])).unwrap();
    let text = String::from_utf8(upstream.body).unwrap();
    assert!(text.contains(schema), "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["tools"][0]["function"]["strict"], json!(true));
    assert_eq!(
        body["tools"][1],
        json!({"type": "custom", "custom": {"name": "sh", "format":
            {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}}}})
    );
}

#[test]
fn tool_choices() {
    let tools = || {
        let freeform =
            FreeformTool { name: "sh".into(), description: None, grammar: None, extra: Vec::new() };
        vec![Tool::Function(function("f")), Tool::Freeform(freeform)]
    };
    let check_choice = |choice, expected| {
        let asked = Request { tools: tools(), tool_choice: Some(choice), ..request() };
        check(asked, &[], "tool_choice", expected);
    };
    check_choice(ToolChoice::Auto, json!("auto"));
    check_choice(ToolChoice::None, json!("none"));
    check_choice(ToolChoice::Required, json!("required"));
    check_choice(
        ToolChoice::Named("f".into()),
        json!({"type": "function", "function": {"name": "f"}}),
    );
    check_choice(
        ToolChoice::Named("sh".into()),
        json!({"type": "custom", "custom": {"name": "sh"}}),
    );
    check_choice(
        ToolChoice::Allowed(AllowedTools { names: vec!["f".into()], required: true }),
        json!({"type": "allowed_tools", "allowed_tools": {"mode": "required",
            "tools": [{"type": "function", "function": {"name": "f"}}]}}),
    );
    check(
        Request { tools: tools(), parallel_tool_calls: Some(false), ..request() },
        &[],
        "parallel_tool_calls",
        json!(false),
    );
    let without_tools = Request { tool_choice: Some(ToolChoice::Auto), ..request() };
    check(without_tools, &[], "tool_choice", Value::Null);
}

#[test]
fn response_formats() {
    let check_format = |format, expected| {
        let asked = Request { response_format: Some(format), ..request() };
        check(asked, &[], "response_format", expected);
    };
    check_format(ResponseFormat::Text, json!({"type": "text"}));
    check_format(ResponseFormat::JsonObject, json!({"type": "json_object"}));
    check_format(
        ResponseFormat::JsonSchema(JsonSchema {
            name: None,
            description: None,
            schema: r#"{"type":"object"}"#.into(),
            strict: Some(true),
        }),
        json!({"type": "json_schema", "json_schema":
            {"name": "response", "schema": {"type": "object"}, "strict": true}}),
    );
}

#[test]
fn sampling() {
    let sampling = Sampling {
        temperature: Some(0.7),
        top_k: Some(40),
        seed: Some(-3),
        stop: vec!["END".into()],
        logit_bias: vec![("50256".into(), -100.0)],
        top_logprobs: Some(0),
        ..Sampling::default()
    };
    let asked = || Request { sampling: sampling.clone(), ..request() };
    let plain = body(asked(), &[]).unwrap();
    assert_eq!(
        plain,
        json!({"model": "test-model", "messages": [{"role": "user", "content": "hi"}],
            "temperature": 0.7, "seed": -3, "stop": ["END"], "logit_bias": {"50256": -100.0},
            "logprobs": true})
    );
    check(asked(), &[("extended_sampling", "true")], "top_k", json!(40));
    let more = Sampling { top_logprobs: Some(5), ..Sampling::default() };
    check(Request { sampling: more, ..request() }, &[], "top_logprobs", json!(5));
}

#[test]
fn the_rest_of_a_request() {
    let asked = || Request {
        choices: 2,
        max_tokens: Some(99),
        reasoning: Some(ReasoningOptions {
            effort: Some("max".into()),
            ..ReasoningOptions::default()
        }),
        modalities: vec!["text".into(), "audio".into()],
        verbosity: Some("low".into()),
        service_tier: Some("flex".into()),
        user: Some("u1".into()),
        cache_key: Some("k1".into()),
        streaming: true,
        ..request()
    };
    let expected = json!({"model": "test-model", "messages": [{"role": "user", "content": "hi"}],
        "n": 2, "max_completion_tokens": 99, "reasoning_effort": "xhigh",
        "modalities": ["text", "audio"], "verbosity": "low", "service_tier": "flex",
        "user": "u1", "prompt_cache_key": "k1", "stream": true,
        "stream_options": {"include_usage": true}});
    assert_eq!(body(asked(), &[]).unwrap(), expected);
    check(asked(), &[("max_tokens_field", r#""max_tokens""#)], "max_tokens", json!(99));
    check(asked(), &[("user_field", r#""safety_identifier""#)], "safety_identifier", json!("u1"));
    check(asked(), &[("stream_usage", "false")], "stream_options", Value::Null);
    check(asked(), &[("efforts", r#"["low","high"]"#)], "reasoning_effort", json!("high"));
}

#[test]
fn native_values_stay_in_their_dialect() {
    let native = |dialect: &str| {
        let mut part = Part::text("t");
        part.extra.push(("cache_control".into(), r#"{"type":"ephemeral"}"#.into()));
        Request {
            dialect: dialect.into(),
            headers: vec![("openai-beta".into(), "x".into())],
            messages: user(vec![part]),
            extra: vec![
                ("store".into(), "false".into()),
                // What is modelled is not said twice.
                ("model".into(), r#""another""#.into()),
            ],
            ..request()
        }
    };
    assert_eq!(
        body(native("openai-chat"), &[]).unwrap(),
        json!({"model": "test-model", "store": false, "messages": [{"role": "user", "content": [
            {"type": "text", "text": "t", "cache_control": {"type": "ephemeral"}}]}]})
    );
    let upstream = OpenAi::encode(native("openai-chat"), endpoint(&[])).unwrap();
    assert!(upstream.headers.contains(&("openai-beta".into(), "x".into())));
    assert_eq!(
        body(native("gemini"), &[]).unwrap(),
        json!({"model": "test-model", "messages": [{"role": "user", "content": "t"}]})
    );
    let tool = Tool::Native(r#"{"type":"web_search"}"#.into());
    let asked = Request { tools: vec![tool.clone()], ..request() };
    check(asked, &[], "tools", json!([{"type": "web_search"}]));
    check_refused(Request { dialect: "gemini".into(), tools: vec![tool], ..request() }, "tool");
}

#[test]
fn what_cannot_be_said_is_refused() {
    let check_user = |part, about| {
        check_refused(Request { messages: user(vec![part]), ..request() }, about);
    };
    let uri = |uri: &str| MediaSource::Uri(uri.into());
    check_user(media(MediaKind::Video, uri("https://example.com/v"), None), "video");
    check_user(media(MediaKind::Image, MediaSource::FileId("f".into()), None), "image");
    let check_unfetched = |kind, url: &str| {
        let messages = user(vec![media(kind, uri(url), None)]);
        let failure = body(Request { messages, ..request() }, &[]).expect_err(url);
        assert_eq!(failure.kind, FailureKind::Unsupported);
        assert_eq!((failure.code.as_deref(), failure.param.as_deref()), (Some("fetch"), Some(url)));
    };
    check_unfetched(MediaKind::Image, "gs://bucket/i");
    check_unfetched(MediaKind::Document, "https://example.com/d");
    check_unfetched(MediaKind::Audio, "https://example.com/a");

    let check_not_taken = |kind, option, value, about: &str| {
        let data = MediaSource::Base64("AAAA".into());
        let messages = user(vec![media(kind, data, None)]);
        let failure = body(Request { messages, ..request() }, &[(option, value)]).expect_err(about);
        assert_eq!(failure.kind, FailureKind::Unsupported);
        assert!(failure.message.starts_with(about), "{}", failure.message);
    };
    check_not_taken(MediaKind::Image, "images", "false", "images cannot");
    check_not_taken(MediaKind::Audio, "audio", "false", "audio cannot");
    check_not_taken(MediaKind::Document, "documents", "\"none\"", "documents cannot");

    let late = vec![ToolCall::new("c1", "f", "{}").into(), Part::text("after")];
    let messages = vec![Message::new(Role::Assistant, late)];
    check_refused(Request { messages, ..request() }, "before its tool calls");
}
