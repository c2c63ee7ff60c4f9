//! Tools, and the choice among them.

use plugway_formats::json::{Json, Object, raw};
use plugway_sdk::chat::{Failure, FunctionTool, Request, Tool, ToolChoice};

use super::{is_native, native_value};

/// The tools that may be called.
///
/// # Errors
/// Of kind `unsupported` for tools whose input is plain text.
pub(super) fn tools(request: &Request) -> Result<Vec<Json<'_>>, Failure> {
    let native = is_native(request);
    // The API knows no subset of tools: what must not be called is not sent.
    let is_allowed = |name: &String| match &request.tool_choice {
        Some(ToolChoice::Allowed(allowed)) => allowed.names.contains(name),
        Some(ToolChoice::Named(only)) => name == only,
        _ => true,
    };
    let mut list = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        match tool {
            Tool::Function(tool) if is_allowed(&tool.name) => {
                list.push(function(tool, native)?.into());
            }
            Tool::Function(_) => {}
            Tool::Freeform(_) => {
                return Err(Failure::unsupported("Cohere has no tools whose input is plain text"));
            }
            Tool::Native(json) => list.push(native_value(json, native)?),
        }
    }
    Ok(list)
}

fn function(tool: &FunctionTool, native: bool) -> Result<Object<'_>, Failure> {
    let parameters = match &tool.parameters {
        Some(schema) => raw(schema, "tools.function.parameters")?.into(),
        // The API insists on a schema.
        None => Json::from(Object::of_type("object").with("properties", Object::new())),
    };
    let function = Object::new()
        .with("name", &tool.name)
        .with_some("description", tool.description.as_ref())
        .with("parameters", parameters)
        .with_extra(if native { tool.extra.as_slice() } else { &[] })?;
    Ok(Object::of_type("function").with("function", function))
}

/// Strictness is for all tools or for none.
pub(super) fn strict(request: &Request) -> Option<bool> {
    let strict = |tool: &Tool| matches!(tool, Tool::Function(tool) if tool.strict == Some(true));
    request.tools.iter().any(strict).then_some(true)
}

/// None where the API's default is meant.
pub(super) fn choice(request: &Request) -> Result<Option<Json<'_>>, Failure> {
    Ok(match &request.tool_choice {
        None | Some(ToolChoice::Auto) => None,
        Some(ToolChoice::None) => Some("NONE".into()),
        Some(ToolChoice::Required | ToolChoice::Named(_)) => Some("REQUIRED".into()),
        Some(ToolChoice::Allowed(allowed)) => allowed.required.then(|| "REQUIRED".into()),
        Some(ToolChoice::Native(json)) => Some(native_value(json, is_native(request))?),
    })
}
