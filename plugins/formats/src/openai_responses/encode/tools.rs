//! Tools, and which of them to call. This format says flat what the other nests.

use plugway_sdk::chat::{Failure, FreeformTool, FunctionTool, Tool, ToolChoice};

use super::Ask;
use crate::json::{Json, Object, raw};

/// Adds the tools and what goes with them.
pub(super) fn add<'a>(body: &mut Object<'a>, ask: &Ask<'a>) -> Result<(), Failure> {
    let tools = &ask.request.tools;
    if tools.is_empty() {
        return Ok(());
    }
    ask.options.need("tools")?;
    let tools = tools.iter().map(|tool| self::tool(ask, tool)).collect::<Result<Vec<_>, _>>()?;
    body.push("tools", tools);
    if let Some(choice) = &ask.request.tool_choice {
        body.push("tool_choice", self::choice(ask, choice)?);
    }
    if let (Some(several), true) =
        (ask.request.parallel_tool_calls, ask.options.takes("parallel_tool_calls"))
    {
        body.push("parallel_tool_calls", several);
    }
    Ok(())
}

fn tool<'a>(ask: &Ask<'a>, tool: &'a Tool) -> Result<Json<'a>, Failure> {
    let (object, extra) = match tool {
        Tool::Function(tool) => (function(ask, tool)?, &tool.extra),
        Tool::Freeform(tool) => (freeform(tool), &tool.extra),
        Tool::Native(json) if ask.native => return Ok(raw(json, "tools")?.into()),
        Tool::Native(_) => {
            let message = "this tool of another provider has no equal here";
            return Err(Failure::unsupported(message));
        }
    };
    Ok(if ask.native { object.with_extra(extra)?.into() } else { object.into() })
}

fn function<'a>(ask: &Ask<'a>, tool: &'a FunctionTool) -> Result<Object<'a>, Failure> {
    let mut function = Object::of_type("function")
        .with("name", &tool.name)
        .with_some("description", tool.description.as_ref());
    match &tool.parameters {
        Some(schema) => function.push("parameters", raw(schema, "tools.parameters")?),
        // The field must be there.
        None if !ask.native => {
            let none = Object::of_type("object").with("properties", Object::new());
            function.push("parameters", none);
        }
        None => {}
    }
    // Without the field this format is strict, and every other is not.
    let strict = tool.strict.or((!ask.native).then_some(false));
    Ok(function.with_some("strict", strict))
}

fn freeform(tool: &FreeformTool) -> Object<'_> {
    let format = tool.grammar.as_ref().map(|grammar| {
        Object::of_type("grammar")
            .with("syntax", &grammar.syntax)
            .with("definition", &grammar.definition)
    });
    Object::of_type("custom")
        .with("name", &tool.name)
        .with_some("description", tool.description.as_ref())
        .with_some("format", format)
}

fn choice<'a>(ask: &Ask<'a>, choice: &'a ToolChoice) -> Result<Json<'a>, Failure> {
    Ok(match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => named(name, ask).into(),
        ToolChoice::Allowed(allowed) => {
            let names = allowed.names.iter().map(|name| named(name, ask).into());
            Object::of_type("allowed_tools")
                .with("mode", if allowed.required { "required" } else { "auto" })
                .with("tools", names.collect::<Vec<Json<'_>>>())
                .into()
        }
        ToolChoice::Native(json) if ask.native => raw(json, "tool_choice")?.into(),
        ToolChoice::Native(_) => {
            return Err(Failure::unsupported("this tool choice has no equal at this provider"));
        }
    })
}

fn named<'a>(name: &'a str, ask: &Ask<'a>) -> Object<'a> {
    let freeform = |tool: &Tool| matches!(tool, Tool::Freeform(tool) if tool.name == name);
    let kind = if ask.request.tools.iter().any(freeform) { "custom" } else { "function" };
    Object::of_type(kind).with("name", name)
}
