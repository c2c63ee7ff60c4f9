//! Tools, and which of them to call.

use plugway_sdk::chat::{AllowedTools, Failure, FreeformTool, FunctionTool, Tool, ToolChoice};

use super::Ask;
use crate::json::{Json, Object, raw};

/// Native fields that stand beside `function` and not in it.
const OUTER: [&str; 3] = ["eager_input_streaming", "defer_loading", "allowed_callers"];

/// The tools that may be called.
pub(super) fn tools<'a>(ask: &Ask<'a>) -> Result<Vec<Json<'a>>, Failure> {
    let allowed = |tool: &&'a Tool| match (&ask.request.tool_choice, tool) {
        (Some(ToolChoice::Allowed(set)), Tool::Function(FunctionTool { name, .. }))
        | (Some(ToolChoice::Allowed(set)), Tool::Freeform(FreeformTool { name, .. }))
            if !ask.options.allowed_tools =>
        {
            set.names.contains(name)
        }
        _ => true,
    };
    ask.request.tools.iter().filter(allowed).map(|tool| self::tool(ask, tool)).collect()
}

fn tool<'a>(ask: &Ask<'a>, tool: &'a Tool) -> Result<Json<'a>, Failure> {
    match tool {
        Tool::Function(tool) => function(ask, tool),
        Tool::Freeform(tool) if ask.options.freeform_tools => freeform(ask, tool),
        Tool::Freeform(_) => {
            Err(Failure::unsupported("tools without a schema are not supported here"))
        }
        Tool::Native(json) if ask.native => Ok(raw(json, "tools")?.into()),
        Tool::Native(_) => {
            Err(Failure::unsupported("this tool of another provider has no equal here"))
        }
    }
}

pub(super) fn choice<'a>(choice: &'a ToolChoice, ask: &Ask<'a>) -> Result<Json<'a>, Failure> {
    let mode = |required: bool| -> Json<'a> {
        if required { (&*ask.options.required_choice).into() } else { "auto".into() }
    };
    Ok(match choice {
        ToolChoice::Auto => mode(false),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => mode(true),
        ToolChoice::Named(name) => named(name, ask).into(),
        ToolChoice::Allowed(allowed) if ask.options.allowed_tools => allowed_tools(allowed, ask),
        // Only they are sent.
        ToolChoice::Allowed(allowed) => mode(allowed.required),
        ToolChoice::Native(json) if ask.native => raw(json, "tool_choice")?.into(),
        ToolChoice::Native(_) => {
            return Err(Failure::unsupported("this tool choice has no equal at this provider"));
        }
    })
}

fn function<'a>(ask: &Ask<'a>, tool: &'a FunctionTool) -> Result<Json<'a>, Failure> {
    let schema = tool.parameters.as_deref().map(|json| raw(json, "tools.parameters"));
    let mut function = Object::new()
        .with("name", &tool.name)
        .with_some("description", tool.description.as_ref())
        .with_some("parameters", schema.transpose()?)
        .with_some("strict", tool.strict);
    let mut outer = Object::of_type("function");
    for (name, json) in tool.extra.iter().filter(|_| ask.native) {
        let object = if OUTER.contains(&name.as_str()) { &mut outer } else { &mut function };
        object.push(name, raw(json, "tools")?);
    }
    let outer = outer.with("function", function);
    Ok(ask.extended(outer, tool.cache.as_ref(), &[])?.into())
}

fn freeform<'a>(ask: &Ask<'a>, tool: &'a FreeformTool) -> Result<Json<'a>, Failure> {
    let format = tool.grammar.as_ref().map(|grammar| {
        let grammar =
            Object::new().with("syntax", &grammar.syntax).with("definition", &grammar.definition);
        Object::of_type("grammar").with("grammar", grammar)
    });
    let custom = Object::new()
        .with("name", &tool.name)
        .with_some("description", tool.description.as_ref())
        .with_some("format", format);
    let custom = ask.extended(custom, None, &tool.extra)?;
    Ok(Object::of_type("custom").with("custom", custom).into())
}

fn named<'a>(name: &'a str, ask: &Ask<'a>) -> Object<'a> {
    let freeform = |tool: &Tool| matches!(tool, Tool::Freeform(tool) if tool.name == name);
    let kind = if ask.request.tools.iter().any(freeform) { "custom" } else { "function" };
    Object::of_type(kind).with(kind, Object::new().with("name", name))
}

fn allowed_tools<'a>(allowed: &'a AllowedTools, ask: &Ask<'a>) -> Json<'a> {
    let names = allowed.names.iter().map(|name| named(name, ask).into()).collect::<Vec<_>>();
    let inner = Object::new()
        .with("mode", if allowed.required { "required" } else { "auto" })
        .with("tools", names);
    Object::of_type("allowed_tools").with("allowed_tools", inner).into()
}
