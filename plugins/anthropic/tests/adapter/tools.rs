//! Tools and the choice among them.

use plugway_sdk::chat::{
    AllowedTools, FailureKind, FreeformTool, FunctionTool, ReasoningOptions, Request, Tool,
    ToolChoice,
};
use serde_json::{Value, json};

use crate::{BUDGETS, body, check, check_refused, function, request};

fn with_tools(names: &[&str]) -> Request {
    Request {
        tools: names.iter().map(|name| Tool::Function(function(name, None))).collect(),
        ..request()
    }
}

#[test]
fn tools_keep_their_schemas() {
    let mut it = request();
    it.model = BUDGETS.into();
    it.tools = vec![
        Tool::Function(FunctionTool {
            description: Some("Looks.".into()),
            strict: Some(true),
            ..function("look", Some(r#"{"type":"object","properties":{"at":{}}}"#))
        }),
        Tool::Function(function("bare", None)),
        Tool::Function(function("empty", Some("{}"))),
        Tool::Function(function("untyped", Some(r#"{"properties":{}}"#))),
    ];
    let expected = json!({"tools": [
        {
            "name": "look",
            "description": "Looks.",
            "input_schema": {"type": "object", "properties": {"at": {}}},
            "strict": true,
        },
        {"name": "bare", "input_schema": {"type": "object", "properties": {}}},
        {"name": "empty", "input_schema": {"type": "object"}},
        {"name": "untyped", "input_schema": {"type": "object", "properties": {}}},
    ]});
    check(it.clone(), expected);

    it.model = "claude-3-5-sonnet-latest".into();
    assert!(body(&it)["tools"][0].get("strict").is_none());
    it.tools = vec![Tool::Freeform(FreeformTool {
        name: "patch".into(),
        description: None,
        grammar: None,
        extra: Vec::new(),
    })];
    check_refused(it, FailureKind::Unsupported);
}

#[test]
fn the_choice_of_tools_is_translated() {
    let allowed =
        |required| ToolChoice::Allowed(AllowedTools { names: vec!["b".into()], required });
    let cases = [
        (None, None, Value::Null),
        (Some(ToolChoice::Auto), None, json!({"type": "auto"})),
        (Some(ToolChoice::Auto), Some(true), json!({"type": "auto"})),
        (Some(ToolChoice::Required), None, json!({"type": "any"})),
        (Some(ToolChoice::None), Some(false), json!({"type": "none"})),
        (Some(ToolChoice::Named("a".into())), None, json!({"type": "tool", "name": "a"})),
        (None, Some(false), json!({"type": "auto", "disable_parallel_tool_use": true})),
        (
            Some(ToolChoice::Required),
            Some(false),
            json!({"type": "any", "disable_parallel_tool_use": true}),
        ),
        (Some(allowed(true)), None, json!({"type": "any"})),
        (Some(allowed(false)), None, json!({"type": "auto"})),
    ];
    for (tool_choice, parallel_tool_calls, expected) in cases {
        let mut it = with_tools(&["a", "b"]);
        it.tool_choice = tool_choice;
        it.parallel_tool_calls = parallel_tool_calls;
        let sent = body(&it);
        assert_eq!(sent.get("tool_choice").unwrap_or(&Value::Null), &expected);
        let restricted = matches!(it.tool_choice, Some(ToolChoice::Allowed(_)));
        assert_eq!(sent["tools"].as_array().unwrap().len(), if restricted { 1 } else { 2 });
        it.tools.clear();
        assert!(body(&it).get("tool_choice").is_none(), "no tools, no choice");
    }
}

#[test]
fn a_budget_excludes_forced_calls() {
    let mut it = with_tools(&["a"]);
    it.tool_choice = Some(ToolChoice::Required);
    it.reasoning = Some(ReasoningOptions { max_tokens: Some(2000), ..ReasoningOptions::default() });
    check_refused(it.clone(), FailureKind::Unsupported);
    it.tool_choice = Some(ToolChoice::Auto);
    assert_eq!(body(&it)["thinking"]["type"], "enabled");
}
