//! Tools, and the choice among them.

use plugway_sdk::chat::{Failure, FunctionTool, Request, Tool, ToolChoice};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::blocks::native_value;
use super::{cache_control, is_native};
use crate::anthropic_messages::model::Model;
use crate::json::{Json, Object, raw};

/// # Errors
/// Of kind `unsupported` for tools whose input is plain text.
pub(super) fn tools<'a>(request: &'a Request, model: &Model) -> Result<Vec<Json<'a>>, Failure> {
    let native = is_native(request);
    // The API knows no subset of tools: what must not be called is not sent.
    let is_allowed = |name: &String| match &request.tool_choice {
        Some(ToolChoice::Allowed(allowed)) => allowed.names.contains(name),
        _ => true,
    };
    let mut list = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        match tool {
            Tool::Function(tool) if is_allowed(&tool.name) => {
                list.push(function(tool, model, native)?.into());
            }
            Tool::Function(_) => {}
            Tool::Freeform(_) => {
                return Err(Failure::unsupported(
                    "Anthropic has no tools whose input is plain text",
                ));
            }
            Tool::Native(json) => list.push(native_value(json, native)?),
        }
    }
    Ok(list)
}

fn function<'a>(
    tool: &'a FunctionTool,
    model: &Model,
    native: bool,
) -> Result<Object<'a>, Failure> {
    let strict = match tool.strict {
        Some(true) if native || model.structured_outputs => Some(true),
        Some(false) if native => Some(false),
        _ => None,
    };
    let object = Object::new()
        .with("name", &tool.name)
        .with_some("description", tool.description.as_ref())
        .with("input_schema", input_schema(tool, native)?)
        .with_some("strict", strict)
        .with_some("cache_control", tool.cache.as_ref().map(cache_control));
    object.with_extra(tool.extra.iter().filter(|_| native))
}

/// The schema as the client wrote it. The API insists on the type that the others
/// take for granted.
fn input_schema(tool: &FunctionTool, native: bool) -> Result<Json<'_>, Failure> {
    #[derive(Deserialize)]
    struct Schema {
        r#type: Option<IgnoredAny>,
    }
    let Some(parameters) = &tool.parameters else {
        return Ok(Object::of_type("object").with("properties", Object::new()).into());
    };
    let value = raw(parameters, "tools.function.parameters")?;
    match serde_json::from_str::<Schema>(value.get()) {
        Ok(Schema { r#type: None }) if !native => typed(value),
        _ => Ok(value.into()),
    }
}

fn typed(schema: &RawValue) -> Result<Json<'_>, Failure> {
    let fields = schema.get().trim_start_matches('{').trim_start();
    let separator = if fields.starts_with('}') { "" } else { "," };
    let json = format!("{{\"type\":\"object\"{separator}{fields}");
    match RawValue::from_string(json) {
        Ok(value) => Ok(value.into()),
        Err(_) => Ok(schema.into()),
    }
}

/// None where the API's default is meant.
pub(super) fn choice(request: &Request) -> Result<Option<Json<'_>>, Failure> {
    let kind = match &request.tool_choice {
        None => None,
        Some(ToolChoice::None) => return Ok(Some(Object::of_type("none").into())),
        Some(ToolChoice::Native(json)) => {
            return native_value(json, is_native(request)).map(Some);
        }
        Some(ToolChoice::Auto) => Some(Object::of_type("auto")),
        Some(ToolChoice::Required) => Some(Object::of_type("any")),
        Some(ToolChoice::Named(name)) => Some(Object::of_type("tool").with("name", name)),
        Some(ToolChoice::Allowed(allowed)) if allowed.required => Some(Object::of_type("any")),
        Some(ToolChoice::Allowed(_)) => Some(Object::of_type("auto")),
    };
    Ok(match (kind, request.parallel_tool_calls) {
        (kind, Some(false)) => {
            let kind = kind.unwrap_or_else(|| Object::of_type("auto"));
            Some(kind.with("disable_parallel_tool_use", true).into())
        }
        (kind, _) => kind.map(Json::from),
    })
}

/// Whether the model is not free to answer without calling a tool.
pub(super) fn is_forced(choice: Option<&ToolChoice>) -> bool {
    match choice {
        Some(ToolChoice::Required | ToolChoice::Named(_)) => true,
        Some(ToolChoice::Allowed(allowed)) => allowed.required,
        _ => false,
    }
}
