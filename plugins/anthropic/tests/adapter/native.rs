//! Requests in the provider's own dialect are sent as the client wrote them.

use plugway_sdk::chat::{
    Citation, Extra, FunctionTool, MediaKind, MediaSource, Message, Part, PartBody,
    ReasoningOptions, Request, ResultBody, Tool, ToolCall, ToolChoice,
};
use plugway_sdk::testing::endpoint;
use serde_json::json;

use crate::{
    ADAPTIVE, assistant, check, encode, function, media, native_request, request, result, text,
    user,
};

fn extra(name: &str, json: &str) -> Vec<Extra> {
    vec![(name.to_owned(), json.to_owned())]
}

#[test]
fn parts_pass_in_place() {
    let citation = Citation {
        url: Some("https://x.test".into()),
        title: None,
        quote: Some("said".into()),
        span: None,
        extra: vec![
            ("type".into(), "\"web_search_result_location\"".into()),
            ("encrypted_index".into(), "\"abc\"".into()),
        ],
    };
    let document = media(MediaKind::Document, None, MediaSource::Text("words".into()));
    let reference = ResultBody::Native(r#"{"type":"tool_reference"}"#.into());
    let it = Request {
        messages: vec![
            user(vec![Part {
                extra: extra("citations", r#"{"enabled":true}"#),
                ..document.into()
            }]),
            assistant(vec![
                Part::text("a"),
                PartBody::Native(r#"{"type":"server_tool_use","id":"s"}"#.into()).into(),
                Part { citations: vec![citation], ..Part::text("b") },
                Part {
                    extra: extra("caller", r#"{"type":"direct"}"#),
                    ..ToolCall::new("t1", "look", "{}").into()
                },
            ]),
            user(vec![result("t1", vec![reference]).into()]),
            Message::system("later"),
        ],
        ..native_request()
    };
    let expected = json!({"messages": [
        {"role": "user", "content": [{
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "words"},
            "citations": {"enabled": true},
        }]},
        {"role": "assistant", "content": [
            text("a"),
            {"type": "server_tool_use", "id": "s"},
            {"type": "text", "text": "b", "citations": [{
                "type": "web_search_result_location",
                "cited_text": "said",
                "url": "https://x.test",
                "title": null,
                "encrypted_index": "abc",
            }]},
            {
                "type": "tool_use", "id": "t1", "name": "look", "input": {},
                "caller": {"type": "direct"},
            },
        ]},
        {"role": "user", "content": [{
            "type": "tool_result", "tool_use_id": "t1",
            "content": [{"type": "tool_reference"}],
        }]},
        {"role": "system", "content": [text("later")]},
    ]});
    check(it, expected);
}

#[test]
fn tools_pass_as_they_are() {
    let searching = Tool::Native(r#"{"type":"web_search_20250305","name":"web_search"}"#.into());
    let looking =
        FunctionTool { extra: extra("defer_loading", "true"), ..function("look", Some("{}")) };
    let it = Request {
        tools: vec![searching, Tool::Function(looking)],
        tool_choice: Some(ToolChoice::Native(r#"{"type":"future"}"#.into())),
        ..native_request()
    };
    let expected = json!({
        "tools": [
            {"type": "web_search_20250305", "name": "web_search"},
            {"name": "look", "input_schema": {}, "defer_loading": true},
        ],
        "tool_choice": {"type": "future"},
    });
    check(it, expected);
}

#[test]
fn fields_fill_gaps_and_replace_nothing() {
    let mut it = native_request();
    it.model = ADAPTIVE.into();
    it.user = Some("u".into());
    it.reasoning = Some(ReasoningOptions { enabled: Some(true), ..ReasoningOptions::default() });
    it.extra = vec![
        ("container".into(), "\"c-1\"".into()),
        ("max_tokens".into(), "1".into()),
        ("metadata".into(), r#"{"user_id":"other","more":1}"#.into()),
        ("thinking".into(), r#"{"type":"adaptive","display":"omitted"}"#.into()),
    ];
    let expected = json!({
        "metadata": {"user_id": "u", "more": 1},
        "thinking": {"type": "adaptive", "display": "omitted"},
        "container": "c-1",
    });
    check(it, expected);
}

#[test]
fn values_are_not_adjusted() {
    let mut it = native_request();
    it.model = ADAPTIVE.into();
    it.max_tokens = Some(100);
    it.sampling.temperature = Some(1.5);
    it.sampling.top_p = Some(0.1);
    it.sampling.stop = vec!["\n".into()];
    it.service_tier = Some("future".into());
    it.reasoning = Some(ReasoningOptions {
        effort: Some("future".into()),
        max_tokens: Some(200),
        ..ReasoningOptions::default()
    });
    let expected = json!({
        "max_tokens": 100,
        "temperature": 1.5,
        "top_p": 0.1,
        "stop_sequences": ["\n"],
        "service_tier": "future",
        "thinking": {"type": "enabled", "budget_tokens": 200},
        "output_config": {"effort": "future"},
    });
    check(it, expected);
}

#[test]
fn an_effort_alone_turns_no_thinking_on() {
    let options = |enabled| ReasoningOptions {
        enabled,
        effort: Some("high".into()),
        ..ReasoningOptions::default()
    };
    let it = |enabled| Request { reasoning: Some(options(enabled)), ..native_request() };
    let effort = json!({"effort": "high"});
    check(it(None), json!({"output_config": effort}));
    let adaptive = json!({"output_config": effort, "thinking": {"type": "adaptive"}});
    check(it(Some(true)), adaptive);
    let disabled = json!({"output_config": effort, "thinking": {"type": "disabled"}});
    check(it(Some(false)), disabled);
}

#[test]
fn beta_features_are_passed_on() {
    let headers = vec![("anthropic-beta".to_owned(), "a-1, b-2".to_owned())];
    let sent = |request: Request| {
        let upstream = encode(&request, endpoint(&[])).unwrap();
        let beta = |(name, value)| (name == "anthropic-beta").then_some(value);
        upstream.headers.into_iter().find_map(beta)
    };
    let it = Request { headers: headers.clone(), ..native_request() };
    assert_eq!(sent(it).as_deref(), Some("a-1,b-2"));
    assert_eq!(sent(Request { headers, ..request() }), None, "of another dialect");
}
