//! Tools, and the choice among them.

use plugway_sdk::chat::{
    AllowedTools, CachePoint, FailureKind, FreeformTool, FunctionTool, Message, Request, Tool,
    ToolCall, ToolChoice,
};
use serde_json::{Value, json};

use crate::{
    CLAUDE, NOVA, OTHER, assistant, body, check_refused, function, native_request, request,
};

fn with_tools(model: &str, choice: Option<ToolChoice>) -> Request {
    let tools = ["look", "rest"].map(|name| Tool::Function(function(name, None)));
    Request { tools: tools.into(), tool_choice: choice, ..request(model) }
}

fn config(request: &Request) -> Value {
    body(request)["toolConfig"].clone()
}

#[test]
fn tools_keep_their_schemas() {
    let schema = r#"{"type":"object","properties":{"a":{"type":"string"}}}"#;
    let full = FunctionTool {
        description: Some("Looks.".into()),
        strict: Some(true),
        cache: Some(CachePoint { ttl: None }),
        ..function("look", Some(schema))
    };
    let it = |model| Request { tools: vec![Tool::Function(full.clone())], ..request(model) };
    let spec = |strict: Option<bool>| {
        let mut spec = json!({"name": "look", "description": "Looks.", "inputSchema": {
            "json": {"type": "object", "properties": {"a": {"type": "string"}}}}});
        if let Some(strict) = strict {
            spec["strict"] = strict.into();
        }
        json!({"toolSpec": spec})
    };
    let point = json!({"cachePoint": {"type": "default"}});
    assert_eq!(config(&it(CLAUDE)), json!({"tools": [spec(Some(true)), point]}));
    assert_eq!(config(&it(NOVA)), json!({"tools": [spec(None)]}), "no points among tools there");
    let old = "anthropic.claude-3-haiku-20240307-v1:0";
    assert_eq!(config(&it(old)), json!({"tools": [spec(None)]}));

    let bare = Request { tools: vec![Tool::Function(function("rest", None))], ..request(OTHER) };
    let schema = json!({"json": {"type": "object", "properties": {}}});
    assert_eq!(
        config(&bare)["tools"],
        json!([{"toolSpec": {"name": "rest", "inputSchema": schema}}])
    );
}

#[test]
fn the_choice_of_tools_is_translated() {
    let choice = |choice| config(&with_tools(OTHER, choice))["toolChoice"].clone();
    assert_eq!(choice(None), Value::Null);
    assert_eq!(choice(Some(ToolChoice::Auto)), json!({"auto": {}}));
    assert_eq!(choice(Some(ToolChoice::Required)), json!({"any": {}}));
    assert_eq!(choice(Some(ToolChoice::Named("look".into()))), json!({"tool": {"name": "look"}}));

    let allowed = AllowedTools { names: vec!["rest".into()], required: true };
    let sent = config(&with_tools(OTHER, Some(ToolChoice::Allowed(allowed))));
    assert_eq!(sent["toolChoice"], json!({"any": {}}));
    assert_eq!(sent["tools"].as_array().unwrap().len(), 1);
    assert_eq!(sent["tools"][0]["toolSpec"]["name"], "rest");
}

#[test]
fn tools_that_must_not_be_called_are_not_sent() {
    let mut it = with_tools(OTHER, Some(ToolChoice::None));
    assert_eq!(config(&it), Value::Null);
    // A conversation that holds calls is refused without tools.
    let call = ToolCall::new("t", "look", "{}");
    it.messages.extend([assistant(vec![call.into()]), Message::user("so?")]);
    check_refused(it, FailureKind::Unsupported);
}

#[test]
fn single_calls_are_asked_of_models_that_know_how() {
    let it =
        |model, choice| Request { parallel_tool_calls: Some(false), ..with_tools(model, choice) };
    let sent = body(&it(CLAUDE, None));
    let expected = json!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}});
    assert_eq!(sent["additionalModelRequestFields"], expected);
    let sent = body(&it(CLAUDE, Some(ToolChoice::Required)));
    assert_eq!(sent["additionalModelRequestFields"]["tool_choice"]["type"], "any");

    check_refused(it(OTHER, None), FailureKind::Unsupported);
    check_refused(it("anthropic.claude-3-haiku-20240307-v1:0", None), FailureKind::Unsupported);
    let without = Request { parallel_tool_calls: Some(false), ..request(OTHER) };
    assert_eq!(body(&without).get("toolConfig"), None, "without tools there is nothing to ask");
}

#[test]
fn native_tools_pass_as_they_are() {
    let system = r#"{"systemTool":{"name":"nova_code_interpreter"}}"#;
    let tools = vec![Tool::Native(system.into())];
    let choice = Some(ToolChoice::Native(r#"{"future":{}}"#.into()));
    let it = Request { tools: tools.clone(), tool_choice: choice, ..native_request(NOVA) };
    let expected = json!({
        "tools": [{"systemTool": {"name": "nova_code_interpreter"}}],
        "toolChoice": {"future": {}},
    });
    assert_eq!(config(&it), expected);
    check_refused(Request { tools, ..request(NOVA) }, FailureKind::Unsupported);
}

#[test]
fn tools_whose_input_is_text_are_refused() {
    let tool =
        FreeformTool { name: "say".into(), description: None, grammar: None, extra: Vec::new() };
    let it = Request { tools: vec![Tool::Freeform(tool)], ..request(OTHER) };
    check_refused(it, FailureKind::Unsupported);
}
