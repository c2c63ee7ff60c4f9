//! What a request asks for beside its messages.

use plugway_sdk::chat::{
    AllowedTools, FreeformTool, FunctionTool, JsonSchema, ReasoningOptions, Request,
    ResponseFormat, Sampling, Tool, ToolChoice,
};
use serde_json::{Value, json};

use crate::{check, encode, function, native_request, refused, request};

fn sampled(sampling: Sampling) -> Request {
    Request { sampling, ..request() }
}

fn with_tools(choice: Option<ToolChoice>) -> Request {
    let tools = ["look", "find"].map(|name| Tool::Function(function(name, Some("{}"))));
    Request { tools: tools.into(), tool_choice: choice, ..request() }
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": {}}})
}

#[test]
fn a_plain_request_is_sent_to_the_chat_endpoint() {
    check(request(), json!({}));
    let upstream = encode(&request()).unwrap();
    assert_eq!((upstream.method.as_str(), upstream.path.as_str()), ("POST", "chat"));
    assert_eq!(upstream.memo, "openai-chat");
    let it = Request { streaming: true, max_tokens: Some(9), ..request() };
    check(it, json!({"stream": true, "max_tokens": 9}));
}

#[test]
fn sampling_parameters_have_names_of_their_own() {
    let it = sampled(Sampling {
        temperature: Some(0.25),
        top_p: Some(0.5),
        top_k: Some(7),
        frequency_penalty: Some(0.5),
        presence_penalty: Some(0.25),
        seed: Some(-3),
        stop: vec!["END".into()],
        top_logprobs: Some(0),
        ..Sampling::default()
    });
    let expected = json!({
        "temperature": 0.25, "p": 0.5, "k": 7, "frequency_penalty": 0.5,
        "presence_penalty": 0.25, "seed": -3, "stop_sequences": ["END"], "logprobs": true,
    });
    check(it, expected);
}

#[test]
fn values_out_of_range_are_brought_into_it_unless_they_are_native() {
    let sampling = Sampling {
        top_p: Some(1.0),
        top_k: Some(1000),
        frequency_penalty: Some(-1.0),
        presence_penalty: Some(2.0),
        min_p: Some(0.1),
        logit_bias: vec![("5".into(), 1.0)],
        ..Sampling::default()
    };
    let within = json!({"p": 0.99, "k": 500, "frequency_penalty": 0.0, "presence_penalty": 1.0});
    check(sampled(sampling.clone()), within);
    let given = json!({"p": 1.0, "k": 1000, "frequency_penalty": -1.0, "presence_penalty": 2.0});
    check(Request { sampling, ..native_request() }, given);
}

#[test]
fn what_would_change_the_answer_is_refused() {
    let stops = vec!["x".to_owned(); 6];
    let freeform =
        FreeformTool { name: "sh".into(), description: None, grammar: None, extra: Vec::new() };
    let cases = [
        Request { choices: 2, ..request() },
        Request { modalities: vec!["text".into(), "audio".into()], ..request() },
        Request { tools: vec![Tool::Freeform(freeform)], ..request() },
        Request { tools: vec![Tool::Native("{}".into())], ..request() },
        Request { response_format: Some(ResponseFormat::Native("{}".into())), ..request() },
        with_tools(Some(ToolChoice::Native("{}".into()))),
        sampled(Sampling { top_logprobs: Some(2), ..Sampling::default() }),
        sampled(Sampling { stop: stops, ..Sampling::default() }),
    ];
    for case in cases {
        refused(&case);
    }
}

#[test]
fn tools_and_the_choice_among_them() {
    let both = json!([tool("look"), tool("find")]);
    let check_choice = |choice, expected: Value| check(with_tools(choice), expected);
    check_choice(None, json!({"tools": both}));
    check_choice(Some(ToolChoice::Auto), json!({"tools": both}));
    check_choice(Some(ToolChoice::None), json!({"tools": both, "tool_choice": "NONE"}));
    check_choice(Some(ToolChoice::Required), json!({"tools": both, "tool_choice": "REQUIRED"}));
    check_choice(
        Some(ToolChoice::Named("find".into())),
        json!({"tools": [tool("find")], "tool_choice": "REQUIRED"}),
    );
    let allowed =
        |required| Some(ToolChoice::Allowed(AllowedTools { names: vec!["look".into()], required }));
    check_choice(allowed(false), json!({"tools": [tool("look")]}));
    check_choice(allowed(true), json!({"tools": [tool("look")], "tool_choice": "REQUIRED"}));
    check(Request { tool_choice: Some(ToolChoice::Required), ..request() }, json!({}));
}

#[test]
fn schemas_travel_byte_for_byte_and_strictness_is_for_all() {
    let schema = r#"{ "type":"object", "properties":{"z":{"minimum":1.50},"a":{}} }"#;
    let strict = FunctionTool { strict: Some(true), ..function("look", Some(schema)) };
    let bare = FunctionTool { description: Some("Finds.".into()), ..function("find", None) };
    let it = Request { tools: vec![Tool::Function(strict), Tool::Function(bare)], ..request() };
    let sent = String::from_utf8(encode(&it).unwrap().body).unwrap();
    assert!(sent.contains(schema), "{sent}");
    assert!(sent.contains(r#""strict_tools":true"#), "{sent}");
    let empty =
        r#"{"name":"find","description":"Finds.","parameters":{"type":"object","properties":{}}}"#;
    assert!(sent.contains(empty), "{sent}");
}

#[test]
fn response_formats() {
    let formatted = |format| Request { response_format: Some(format), ..request() };
    check(formatted(ResponseFormat::Text), json!({"response_format": {"type": "text"}}));
    check(
        formatted(ResponseFormat::JsonObject),
        json!({"response_format": {"type": "json_object"}}),
    );
    let schema = JsonSchema {
        name: Some("pet".into()),
        description: None,
        schema: r#"{"type":"object"}"#.into(),
        strict: Some(true),
    };
    check(
        formatted(ResponseFormat::JsonSchema(schema)),
        json!({"response_format": {"type": "json_object", "json_schema": {"type": "object"}}}),
    );
}

#[test]
fn reasoning_is_switched_and_bounded() {
    let reasoning = |options| Request { reasoning: Some(options), ..request() };
    let none = ReasoningOptions::default;
    let on = json!({"thinking": {"type": "enabled"}});
    let off = json!({"thinking": {"type": "disabled"}});
    let effort = |word: &str| ReasoningOptions { effort: Some(word.into()), ..none() };
    check(reasoning(none()), json!({}));
    check(reasoning(ReasoningOptions { enabled: Some(true), ..none() }), on.clone());
    check(reasoning(ReasoningOptions { enabled: Some(false), ..none() }), off.clone());
    check(reasoning(effort("high")), on);
    check(reasoning(effort("none")), off);
    check(
        reasoning(ReasoningOptions { max_tokens: Some(500), ..none() }),
        json!({"thinking": {"type": "enabled", "token_budget": 500}}),
    );
}

#[test]
fn native_fields_are_sent_to_their_own_provider_alone() {
    let extra: Vec<(String, String)> = [
        ("safety_mode", r#""STRICT""#),
        ("documents", r#"[{"id":"1","data":{"text":"It rains."}}]"#),
        ("citation_options", r#"{"mode":"FAST"}"#),
        ("model", r#""another""#),
    ]
    .map(|(name, json)| (name.into(), json.into()))
    .into();
    let headers = vec![("x-client-name".to_owned(), "me".to_owned())];
    let tools = vec![Tool::Native(r#"{"type":"future"}"#.into())];
    let it = Request { extra: extra.clone(), headers: headers.clone(), tools, ..native_request() };
    let sent = encode(&it).unwrap();
    assert!(sent.headers.contains(&headers[0]));
    let expected = json!({
        "safety_mode": "STRICT",
        "documents": [{"id": "1", "data": {"text": "It rains."}}],
        "citation_options": {"mode": "FAST"},
        "tools": [{"type": "future"}],
    });
    check(it, expected);
    let foreign = Request { extra, headers, ..request() };
    assert_eq!(encode(&foreign).unwrap().headers.len(), 1);
    check(foreign, json!({}));
}
