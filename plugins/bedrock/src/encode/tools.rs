//! Tools, and the choice among them.

use plugway_formats::json::{Json, Object, raw};
use plugway_sdk::chat::{Failure, FunctionTool, PartBody, Request, Tool, ToolChoice};

use super::blocks::cache_block;
use super::output::foreign;
use super::tuning::Tuned;
use super::{is_native, is_of_family};
use crate::options::Options;

/// The field `toolConfig` of the body.
///
/// # Errors
/// Of kind `unsupported` for tools and choices that Converse has not.
pub(super) fn config<'a>(
    request: &'a Request,
    options: &Options,
    tuned: &Tuned<'_>,
) -> Result<Option<Object<'a>>, Failure> {
    let forbidden = matches!(request.tool_choice, Some(ToolChoice::None));
    if forbidden && !request.tools.is_empty() && holds_calls(request) {
        return Err(Failure::unsupported("Converse cannot forbid to call tools again"));
    }
    if request.tools.is_empty() || forbidden {
        return Ok(None);
    }
    let native = is_of_family(request, options.model.family);
    let caches = is_native(request) || options.model.tool_cache_points;
    let mut list: Vec<Json<'a>> = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        match tool {
            Tool::Function(tool) if is_allowed(request, &tool.name) => {
                list.push(function(tool, tuned, native, is_native(request))?.into());
                let point = tool.cache.as_ref().filter(|_| caches);
                list.extend(point.map(|point| cache_block(point, options, is_native(request))));
            }
            Tool::Function(_) => {}
            Tool::Freeform(_) => {
                return Err(Failure::unsupported("Bedrock has no tools whose input is plain text"));
            }
            Tool::Native(json) if is_native(request) => list.push(raw(json, "tools")?.into()),
            Tool::Native(_) => return Err(foreign()),
        }
    }
    let choice = choice(request)?;
    Ok(Some(Object::new().with("tools", list).with_some("toolChoice", choice)))
}

/// Converse knows no subset of tools: what must not be called is not sent.
fn is_allowed(request: &Request, name: &String) -> bool {
    match &request.tool_choice {
        Some(ToolChoice::Allowed(allowed)) => allowed.names.contains(name),
        _ => true,
    }
}

fn holds_calls(request: &Request) -> bool {
    let mut parts = request.messages.iter().flat_map(|message| &message.parts);
    parts.any(|part| matches!(part.body, PartBody::ToolCall(_) | PartBody::ToolResult(_)))
}

fn function<'a>(
    tool: &'a FunctionTool,
    tuned: &Tuned<'_>,
    of_family: bool,
    native: bool,
) -> Result<Object<'a>, Failure> {
    let schema: Json<'a> = match &tool.parameters {
        Some(parameters) => raw(parameters, "tools.function.parameters")?.into(),
        None => Object::of_type("object").with("properties", Object::new()).into(),
    };
    let strict = match tool.strict {
        Some(true) if tuned.strict_tools => Some(true),
        Some(false) if of_family => Some(false),
        _ => None,
    };
    let description = tool.description.as_ref().filter(|text| !text.is_empty());
    let spec = Object::new()
        .with("name", &tool.name)
        .with_some("description", description)
        .with("inputSchema", Object::new().with("json", schema))
        .with_some("strict", strict)
        .with_extra(tool.extra.iter().filter(|_| native))?;
    Ok(Object::new().with("toolSpec", spec))
}

/// None where the default is meant.
fn choice(request: &Request) -> Result<Option<Json<'_>>, Failure> {
    let any = || Object::new().with("any", Object::new());
    let choice = match &request.tool_choice {
        None | Some(ToolChoice::None) => return Ok(None),
        Some(ToolChoice::Auto) => Object::new().with("auto", Object::new()),
        Some(ToolChoice::Required) => any(),
        Some(ToolChoice::Allowed(allowed)) if allowed.required => any(),
        Some(ToolChoice::Allowed(_)) => Object::new().with("auto", Object::new()),
        Some(ToolChoice::Named(name)) => {
            Object::new().with("tool", Object::new().with("name", name))
        }
        Some(ToolChoice::Native(json)) if is_native(request) => {
            return Ok(Some(raw(json, "tool_choice")?.into()));
        }
        Some(ToolChoice::Native(_)) => return Err(foreign()),
    };
    Ok(Some(choice.into()))
}
