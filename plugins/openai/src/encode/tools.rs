//! Tools, and which of them to call.

use plugway_sdk::chat::{
    AllowedTools, Failure, FreeformTool, FunctionTool, Request, Tool, ToolChoice,
};

use super::native;
use crate::json::{Object, array};

pub(super) fn tool(tool: &Tool, native: bool) -> Result<String, Failure> {
    match tool {
        Tool::Function(tool) => Ok(typed("function", function(tool, native))),
        Tool::Freeform(tool) => Ok(typed("custom", freeform(tool, native))),
        Tool::Native(json) if native => Ok(json.clone()),
        Tool::Native(_) => {
            Err(Failure::unsupported("this tool of another provider has no equal here"))
        }
    }
}

pub(super) fn choice(choice: &ToolChoice, request: &Request) -> Result<String, Failure> {
    Ok(match choice {
        ToolChoice::Auto => r#""auto""#.into(),
        ToolChoice::None => r#""none""#.into(),
        ToolChoice::Required => r#""required""#.into(),
        ToolChoice::Named(name) => named(name, request),
        ToolChoice::Allowed(allowed) => allowed_tools(allowed, request),
        ToolChoice::Native(json) if native(request) => json.clone(),
        ToolChoice::Native(_) => {
            return Err(Failure::unsupported("this tool choice has no equal at this provider"));
        }
    })
}

fn function(tool: &FunctionTool, native: bool) -> Object {
    let mut function = Object::with("name", &tool.name);
    function.some("description", tool.description.as_ref());
    if let Some(schema) = &tool.parameters {
        function.raw("parameters", schema);
    }
    function.some("strict", tool.strict);
    if native {
        function.extras(&tool.extra);
    }
    function
}

fn freeform(tool: &FreeformTool, native: bool) -> Object {
    let mut custom = Object::with("name", &tool.name);
    custom.some("description", tool.description.as_ref());
    if let Some(grammar) = &tool.grammar {
        let mut syntax = Object::with("syntax", &grammar.syntax);
        syntax.set("definition", &grammar.definition);
        let mut format = Object::with("type", "grammar");
        format.raw("grammar", &syntax.into_json());
        custom.raw("format", &format.into_json());
    }
    if native {
        custom.extras(&tool.extra);
    }
    custom
}

/// `{"type": kind, kind: inner}`, the shape that tools, choices and calls share.
fn typed(kind: &str, inner: Object) -> String {
    let mut outer = Object::with("type", kind);
    outer.raw(kind, &inner.into_json());
    outer.into_json()
}

fn named(name: &str, request: &Request) -> String {
    let freeform =
        request.tools.iter().any(|tool| matches!(tool, Tool::Freeform(tool) if tool.name == name));
    typed(if freeform { "custom" } else { "function" }, Object::with("name", name))
}

fn allowed_tools(allowed: &AllowedTools, request: &Request) -> String {
    let mut inner = Object::with("mode", if allowed.required { "required" } else { "auto" });
    inner.raw("tools", &array(allowed.names.iter().map(|name| named(name, request))));
    typed("allowed_tools", inner)
}
