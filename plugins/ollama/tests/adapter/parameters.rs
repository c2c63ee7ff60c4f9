//! What a request asks for beside its messages.

use plugway_sdk::chat::{
    AllowedTools, FreeformTool, JsonSchema, ReasoningOptions, Request, ResponseFormat, Sampling,
    Tool, ToolChoice,
};
use plugway_sdk::provider::Framing;
use plugway_sdk::testing::endpoint;
use serde_json::{Value, json};

use crate::{check, encode, encode_at, function, native_request, refused, request};

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
    assert_eq!((upstream.method.as_str(), upstream.path.as_str()), ("POST", "api/chat"));
    assert_eq!(upstream.framing, Framing::Ndjson);
    assert_eq!(upstream.memo, "openai-chat");
    check(Request { streaming: true, ..request() }, json!({"stream": true}));
}

#[test]
fn sampling_parameters_are_options() {
    let sampling = Sampling {
        temperature: Some(0.25),
        top_p: Some(0.5),
        top_k: Some(7),
        min_p: Some(0.125),
        top_a: Some(0.5),
        frequency_penalty: Some(0.5),
        presence_penalty: Some(-0.25),
        repetition_penalty: Some(1.5),
        seed: Some(-3),
        stop: vec!["END".into()],
        logit_bias: vec![("5".into(), 1.0)],
        top_logprobs: Some(2),
    };
    let it = Request { sampling, max_tokens: Some(9), ..request() };
    let expected = json!({
        "options": {
            "num_predict": 9, "temperature": 0.25, "top_p": 0.5, "top_k": 7, "min_p": 0.125,
            "frequency_penalty": 0.5, "presence_penalty": -0.25, "repeat_penalty": 1.5,
            "seed": -3, "stop": ["END"],
        },
        "logprobs": true, "top_logprobs": 2,
    });
    check(it, expected);
    let chosen = Sampling { top_logprobs: Some(0), ..Sampling::default() };
    check(Request { sampling: chosen, ..request() }, json!({"logprobs": true}));
}

#[test]
fn what_would_change_the_answer_is_refused() {
    let freeform =
        FreeformTool { name: "sh".into(), description: None, grammar: None, extra: Vec::new() };
    let allowed = AllowedTools { names: vec!["look".into()], required: true };
    let cases = [
        Request { choices: 2, ..request() },
        Request { modalities: vec!["image".into()], ..request() },
        Request { tools: vec![Tool::Freeform(freeform)], ..request() },
        Request { tools: vec![Tool::Native("{}".into())], ..request() },
        Request { response_format: Some(ResponseFormat::Native("{}".into())), ..request() },
        with_tools(Some(ToolChoice::Required)),
        with_tools(Some(ToolChoice::Named("look".into()))),
        with_tools(Some(ToolChoice::Allowed(allowed))),
        with_tools(Some(ToolChoice::Native("{}".into()))),
    ];
    for case in cases {
        refused(&case);
    }
}

#[test]
fn tools_that_must_not_be_called_are_not_sent() {
    check(with_tools(None), json!({"tools": [tool("look"), tool("find")]}));
    check(with_tools(Some(ToolChoice::Auto)), json!({"tools": [tool("look"), tool("find")]}));
    check(with_tools(Some(ToolChoice::None)), json!({}));
    let allowed = AllowedTools { names: vec!["find".into()], required: false };
    check(with_tools(Some(ToolChoice::Allowed(allowed))), json!({"tools": [tool("find")]}));
    let singly = Request { parallel_tool_calls: Some(false), ..with_tools(None) };
    check(singly, json!({"tools": [tool("look"), tool("find")]}));
}

#[test]
fn schemas_travel_byte_for_byte() {
    let schema = r#"{ "type":"object", "properties":{"z":{"minimum":1.50},"a":{}} }"#;
    let format = JsonSchema {
        name: Some("pet".into()),
        description: None,
        schema: schema.into(),
        strict: Some(true),
    };
    let it = Request {
        tools: vec![Tool::Function(function("look", Some(schema)))],
        response_format: Some(ResponseFormat::JsonSchema(format)),
        ..request()
    };
    let sent = String::from_utf8(encode(&it).unwrap().body).unwrap();
    assert!(sent.contains(&format!(r#""parameters":{schema}"#)), "{sent}");
    assert!(sent.contains(&format!(r#""format":{schema}"#)), "{sent}");
    let bare = Request { tools: vec![Tool::Function(function("look", None))], ..request() };
    let parameters = json!({"type": "object", "properties": {}});
    let expected =
        json!([{"type": "function", "function": {"name": "look", "parameters": parameters}}]);
    check(bare, json!({"tools": expected}));
    let json_mode = Request { response_format: Some(ResponseFormat::JsonObject), ..request() };
    check(json_mode, json!({"format": "json"}));
    check(Request { response_format: Some(ResponseFormat::Text), ..request() }, json!({}));
}

#[test]
fn thinking_has_levels_in_some_models() {
    let think = |model: &str, options: ReasoningOptions, option: &[(&str, &str)]| {
        let it = Request { model: model.into(), reasoning: Some(options), ..request() };
        let upstream = encode_at(&it, endpoint(option)).unwrap();
        serde_json::from_slice::<Value>(&upstream.body).unwrap().get("think").cloned()
    };
    let none = ReasoningOptions::default;
    let effort = |word: &str| ReasoningOptions { effort: Some(word.into()), ..none() };
    let budget = |tokens| ReasoningOptions { max_tokens: Some(tokens), ..none() };
    let enabled = |enabled| ReasoningOptions { enabled: Some(enabled), ..none() };
    let check = |options: ReasoningOptions, plain: Option<Value>, leveled: Option<Value>| {
        assert_eq!(think("qwen3:4b", options.clone(), &[]), plain);
        assert_eq!(think("gpt-oss:20b", options.clone(), &[]), leveled);
        assert_eq!(think("qwen3:4b", options.clone(), &[("think_levels", "true")]), leveled);
        assert_eq!(think("gpt-oss:20b", options, &[("think_levels", "false")]), plain);
    };
    let yes = || Some(json!(true));
    check(none(), None, None);
    check(enabled(true), yes(), yes());
    check(enabled(false), Some(json!(false)), Some(json!(false)));
    check(effort("none"), Some(json!(false)), Some(json!(false)));
    for (word, level) in [("minimal", "low"), ("low", "low"), ("medium", "medium"), ("max", "high")]
    {
        check(effort(word), yes(), Some(json!(level)));
    }
    for (tokens, level) in [(100, "low"), (8000, "medium"), (100_000, "high")] {
        check(budget(tokens), yes(), Some(json!(level)));
    }
}

#[test]
fn native_fields_are_sent_to_their_own_server_alone() {
    let extra: Vec<(String, String)> = [
        ("keep_alive", r#""1m""#),
        ("options", r#"{"num_ctx":4096,"num_predict":1}"#),
        ("think", r#""max""#),
        ("format", r#""""#),
    ]
    .map(|(name, json)| (name.into(), json.into()))
    .into();
    let it = Request { extra: extra.clone(), max_tokens: Some(5), ..native_request() };
    let expected = json!({
        "keep_alive": "1m", "options": {"num_predict": 5, "num_ctx": 4096}, "think": "max",
        "format": "",
    });
    check(it, expected);
    check(Request { extra, ..request() }, json!({}));
    let effort = ReasoningOptions { effort: Some("future".into()), ..Default::default() };
    check(Request { reasoning: Some(effort), ..native_request() }, json!({"think": "future"}));
}
