//! Tools. The API has no choice among them but to send them or not.

use plugway_formats::json::{Json, Object, raw};
use plugway_sdk::chat::{Failure, FunctionTool, Request, Tool, ToolChoice};

use super::{is_native, native_value};

/// The tools that may be called.
///
/// # Errors
/// Of kind `unsupported` where a call is forced, and for tools whose input is plain
/// text.
pub(super) fn tools(request: &Request) -> Result<Vec<Json<'_>>, Failure> {
    if request.tools.is_empty() {
        return Ok(Vec::new());
    }
    let allowed = match &request.tool_choice {
        None | Some(ToolChoice::Auto) => None,
        Some(ToolChoice::None) => return Ok(Vec::new()),
        Some(ToolChoice::Allowed(allowed)) if !allowed.required => Some(&allowed.names),
        Some(_) => return Err(Failure::unsupported("Ollama cannot force a tool call")),
    };
    let native = is_native(request);
    let mut list = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        match tool {
            Tool::Function(tool) if allowed.is_none_or(|names| names.contains(&tool.name)) => {
                list.push(function(tool, native)?.into());
            }
            Tool::Function(_) => {}
            Tool::Freeform(_) => {
                return Err(Failure::unsupported("Ollama has no tools whose input is plain text"));
            }
            Tool::Native(json) => list.push(native_value(json, native)?),
        }
    }
    Ok(list)
}

fn function(tool: &FunctionTool, native: bool) -> Result<Object<'_>, Failure> {
    let parameters = match &tool.parameters {
        Some(schema) => raw(schema, "tools.function.parameters")?.into(),
        None => Json::from(Object::of_type("object").with("properties", Object::new())),
    };
    let function = Object::new()
        .with("name", &tool.name)
        .with_some("description", tool.description.as_ref())
        .with("parameters", parameters)
        .with_extra(if native { tool.extra.as_slice() } else { &[] })?;
    Ok(Object::of_type("function").with("function", function))
}
