//! Tools, and which of them to use.

use plugway_engine::chat::{AllowedTools, FunctionTool, Tool, ToolChoice};

use super::names::items;
use super::schema;
use crate::BadRequest;
use crate::json::{Fields, Node, inside, object};

/// What is native to this dialect: name and JSON.
type Extra = (String, String);

/// Functions are tools of the client's; what else a tool is, the provider brings along.
pub(super) fn tools(fields: &mut Fields<'_, '_>) -> Result<Vec<Tool>, BadRequest> {
    let Some(node) = fields.take("tools") else {
        return Ok(Vec::new());
    };
    let mut tools = Vec::new();
    for node in items(&node)? {
        let mut fields = node.object()?;
        if let Some(functions) = fields.either("functionDeclarations", "function_declarations")? {
            for function in items(&functions)? {
                tools.push(Tool::Function(self::function(&function)?));
            }
        }
        let others = fields.rest()?;
        if !others.is_empty() {
            tools.push(Tool::Native(object(&others)));
        }
    }
    Ok(tools)
}

fn function(node: &Node<'_, '_>) -> Result<FunctionTool, BadRequest> {
    let mut fields = node.object()?;
    let name = fields.need("name")?;
    let named = name.string()?;
    if named.is_empty() {
        return Err(name.invalid("must not be empty"));
    }
    let own = fields.take("parameters");
    let common = fields.either("parametersJsonSchema", "parameters_json_schema")?;
    let mut extra = Vec::new();
    let parameters = match (own, common) {
        (Some(_), Some(common)) => {
            return Err(common.invalid("must not stand beside `parameters`: they are one"));
        }
        (Some(own), None) => {
            // Google gets its own kind of schema back, everybody else what it says.
            extra.push(("parameters".to_owned(), own.json()?));
            Some(schema::common(&own)?)
        }
        (None, Some(common)) if !common.is_object() => {
            return Err(common.invalid("must be a JSON Schema, which is an object"));
        }
        (None, common) => common.map(|node| node.json()).transpose()?,
    };
    let description = fields.string("description")?;
    extra.extend(fields.rest()?);
    Ok(FunctionTool { name: named, description, parameters, strict: None, cache: None, extra })
}

/// The choice among the tools, and what `toolConfig` says beside it.
pub(super) fn choice(
    fields: &mut Fields<'_, '_>,
) -> Result<(Option<ToolChoice>, Vec<Extra>), BadRequest> {
    let Some(node) = fields.either("toolConfig", "tool_config")? else {
        return Ok((None, Vec::new()));
    };
    let mut fields = node.object()?;
    let calling = fields.either("functionCallingConfig", "function_calling_config")?;
    let mut left = Vec::new();
    let mut choice = None;
    if let Some(node) = calling {
        let mut fields = node.object()?;
        choice = self::calling(&mut fields, &mut left)?;
        left.extend(fields.rest()?);
    }
    let mut extra: Vec<Extra> = inside("functionCallingConfig", left).into_iter().collect();
    extra.extend(fields.rest()?);
    Ok((choice, extra))
}

fn calling(
    fields: &mut Fields<'_, '_>,
    left: &mut Vec<Extra>,
) -> Result<Option<ToolChoice>, BadRequest> {
    let mode = fields.take("mode");
    let names = fields.either("allowedFunctionNames", "allowed_function_names")?;
    let mut allowed = match &names {
        Some(node) => node.strings()?,
        None => Vec::new(),
    };
    let word = mode.map(|node| node.text()).transpose()?;
    let choice = match (word.as_deref(), allowed.is_empty()) {
        (Some("ANY"), true) => ToolChoice::Required,
        (Some("ANY"), false) if allowed.len() == 1 => ToolChoice::Named(allowed.swap_remove(0)),
        (Some("ANY"), false) => {
            ToolChoice::Allowed(AllowedTools { names: allowed, required: true })
        }
        (Some("VALIDATED"), false) => {
            ToolChoice::Allowed(AllowedTools { names: allowed, required: false })
        }
        // To everybody else it is what they do unasked.
        (Some("VALIDATED"), true) => {
            left.push(("mode".to_owned(), "\"VALIDATED\"".to_owned()));
            return Ok(None);
        }
        (None | Some("" | "MODE_UNSPECIFIED" | "AUTO"), true) => ToolChoice::Auto,
        (Some("NONE"), true) => ToolChoice::None,
        (None | Some("" | "MODE_UNSPECIFIED" | "AUTO" | "NONE"), false) => {
            let message = "must be given in the modes ANY and VALIDATED only";
            return Err(names.map_or_else(|| fields.invalid(message), |node| node.invalid(message)));
        }
        (Some(_), _) => {
            let message = "must be AUTO, ANY, VALIDATED or NONE";
            return Err(mode.map_or_else(|| fields.invalid(message), |node| node.invalid(message)));
        }
    };
    Ok(Some(choice))
}
