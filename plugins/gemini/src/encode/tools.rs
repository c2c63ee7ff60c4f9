//! Tools, and the choice among them.

use plugway_formats::json::{Fields, Json, Object, raw};
use plugway_sdk::chat::{Failure, FunctionTool, Request, Tool, ToolChoice};

use super::{Context, native_value};

/// # Errors
/// Of kind `unsupported` for tools whose input is plain text.
pub(super) fn tools<'a>(
    request: &'a Request,
    context: &Context<'_>,
) -> Result<Vec<Json<'a>>, Failure> {
    let mut list: Vec<Json<'a>> = Vec::new();
    let mut functions = Vec::new();
    let mut place = 0;
    for tool in &request.tools {
        match tool {
            Tool::Function(tool) => {
                if functions.is_empty() {
                    place = list.len();
                }
                functions.push(function(tool, context)?.into());
            }
            Tool::Freeform(_) => {
                return Err(Failure::unsupported("Gemini has no tools whose input is plain text"));
            }
            Tool::Native(json) => list.push(native_value(json, context)?),
        }
    }
    if !functions.is_empty() {
        // All functions are one tool, where the first of them stands.
        list.insert(place, Object::new().with("functionDeclarations", functions).into());
    }
    Ok(list)
}

fn function<'a>(tool: &'a FunctionTool, context: &Context<'_>) -> Result<Object<'a>, Failure> {
    let object =
        Object::new().with("name", &tool.name).with_some("description", tool.description.as_ref());
    // A client of this dialect may have sent a schema of Google's own kind, which goes
    // back as it came.
    let extra = context.extra(&tool.extra);
    let has_own = extra.iter().any(|(name, _)| name == "parameters");
    let object = match &tool.parameters {
        Some(json) if !has_own => {
            let schema = raw(json, "tools.function.parameters")?;
            let native = context.native && is_own_schema(json);
            object.with(if native { "parameters" } else { "parametersJsonSchema" }, schema)
        }
        _ => object,
    };
    object.with_extra(extra)
}

/// Whether a schema is of Google's own kind, which writes types in capitals. Any other
/// is JSON Schema and stays as it is: the API takes both.
pub(super) fn is_own_schema(json: &str) -> bool {
    let kind = Fields::read(json).and_then(|schema| schema.text("type"));
    kind.is_some_and(|kind| kind.starts_with(|first: char| first.is_ascii_uppercase()))
}

/// None where the API's default is meant.
pub(super) fn config<'a>(
    request: &'a Request,
    context: &Context<'_>,
) -> Result<Option<Object<'a>>, Failure> {
    let calling = match &request.tool_choice {
        None => return Ok(None),
        Some(ToolChoice::Native(json)) => {
            let value = native_value(json, context)?;
            return Ok(Some(Object::new().with("functionCallingConfig", value)));
        }
        Some(ToolChoice::Auto) => mode("AUTO"),
        Some(ToolChoice::None) => mode("NONE"),
        Some(ToolChoice::Required) => mode("ANY"),
        Some(ToolChoice::Named(name)) => {
            mode("ANY").with("allowedFunctionNames", vec![Json::from(name)])
        }
        Some(ToolChoice::Allowed(allowed)) => {
            // Only these two modes know a choice among the tools.
            let mode = mode(if allowed.required { "ANY" } else { "VALIDATED" });
            let names: Vec<Json<'a>> = allowed.names.iter().map(Json::from).collect();
            mode.with("allowedFunctionNames", names)
        }
    };
    Ok(Some(Object::new().with("functionCallingConfig", calling)))
}

fn mode(name: &str) -> Object<'_> {
    Object::new().with("mode", name)
}
