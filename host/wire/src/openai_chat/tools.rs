//! Tools, which of them to use, and the shape of the answer.

use plugway_engine::chat;

use crate::BadRequest;
use crate::conversation::cache_point;
use crate::json::{Fields, Node, inside};
use crate::labels::Field;

pub(super) fn tools(fields: &mut Fields<'_, '_>) -> Result<Vec<chat::Tool>, BadRequest> {
    let Some(node) = fields.take("tools") else {
        return Ok(Vec::new());
    };
    node.array()?.iter().map(tool).collect()
}

fn tool(node: &Node<'_, '_>) -> Result<chat::Tool, BadRequest> {
    let mut fields = node.object()?;
    let kind = fields.take("type");
    match kind.map(|node| node.text()).transpose()?.as_deref() {
        None | Some("function") => {
            let function = fields.need("function")?;
            function_tool(fields, &function).map(chat::Tool::Function)
        }
        Some("custom") => {
            let custom = fields.need("custom")?;
            freeform_tool(fields, &custom).map(chat::Tool::Freeform)
        }
        Some(_) => Ok(chat::Tool::Native(node.json()?)),
    }
}

fn function_tool(
    mut outer: Fields<'_, '_>,
    function: &Node<'_, '_>,
) -> Result<chat::FunctionTool, BadRequest> {
    let mut fields = function.object()?;
    let parameters = fields.take("parameters");
    if let Some(node) = parameters.filter(|node| !node.is_object()) {
        return Err(node.invalid("must be a JSON Schema, which is an object"));
    }
    let mut cache = cache_point(&mut outer)?;
    if cache.is_none() {
        cache = cache_point(&mut fields)?;
    }
    Ok(chat::FunctionTool {
        name: name(&mut fields)?,
        description: fields.string("description")?,
        parameters: parameters.map(|node| node.json()).transpose()?,
        strict: fields.boolean("strict")?,
        cache,
        extra: [outer.rest()?, fields.rest()?].concat(),
    })
}

fn freeform_tool(
    outer: Fields<'_, '_>,
    custom: &Node<'_, '_>,
) -> Result<chat::FreeformTool, BadRequest> {
    let mut fields = custom.object()?;
    let format = fields.take("format");
    let grammar = format.as_ref().map(grammar).transpose()?.flatten();
    Ok(chat::FreeformTool {
        name: name(&mut fields)?,
        description: fields.string("description")?,
        grammar,
        extra: [outer.rest()?, fields.rest()?].concat(),
    })
}

fn grammar(format: &Node<'_, '_>) -> Result<Option<chat::Grammar>, BadRequest> {
    let mut fields = format.object()?;
    let kind = fields.need("type")?;
    match &*kind.text()? {
        "text" => Ok(None),
        "grammar" => {
            let grammar = fields.need("grammar")?;
            let mut fields = grammar.object()?;
            Ok(Some(chat::Grammar {
                syntax: fields.need("syntax")?.string()?,
                definition: fields.need("definition")?.string()?,
            }))
        }
        _ => Err(kind.invalid("must be text or grammar")),
    }
}

fn name(fields: &mut Fields<'_, '_>) -> Result<String, BadRequest> {
    let node = fields.need("name")?;
    let name = node.string()?;
    if name.is_empty() {
        return Err(node.invalid("must not be empty"));
    }
    Ok(name)
}

pub(super) fn tool_choice(
    fields: &mut Fields<'_, '_>,
) -> Result<Option<chat::ToolChoice>, BadRequest> {
    let Some(node) = fields.take("tool_choice") else {
        return Ok(None);
    };
    if node.is_string() {
        return match &*node.text()? {
            "auto" => Ok(Some(chat::ToolChoice::Auto)),
            "none" => Ok(Some(chat::ToolChoice::None)),
            "required" | "any" => Ok(Some(chat::ToolChoice::Required)),
            _ => Err(node.invalid("must be auto, none, required or a tool")),
        };
    }
    let kind = node.object()?.string("type")?;
    let choice = match kind.as_deref().unwrap_or("function") {
        "function" => chat::ToolChoice::Named(named(&node, "function")?),
        "custom" => chat::ToolChoice::Named(named(&node, "custom")?),
        "allowed_tools" => allowed(&node)?,
        _ => chat::ToolChoice::Native(node.json()?),
    };
    Ok(Some(choice))
}

fn named(node: &Node<'_, '_>, kind: &'static str) -> Result<String, BadRequest> {
    let tool = node.object()?.need(kind)?;
    name(&mut tool.object()?)
}

fn allowed(node: &Node<'_, '_>) -> Result<chat::ToolChoice, BadRequest> {
    let allowed = node.object()?.need("allowed_tools")?;
    let mut fields = allowed.object()?;
    let mode = fields.need("mode")?;
    let required = match &*mode.text()? {
        "auto" => false,
        "required" => true,
        _ => return Err(mode.invalid("must be auto or required")),
    };
    let tools = fields.need("tools")?;
    let mut names = Vec::new();
    for tool in tools.array()? {
        match &*tool.object()?.need("type")?.text()? {
            "function" => names.push(named(&tool, "function")?),
            "custom" => names.push(named(&tool, "custom")?),
            // A tool of the provider's has no name that we know.
            _ => return Ok(chat::ToolChoice::Native(node.json()?)),
        }
    }
    let allowed = chat::AllowedTools { names, required };
    Ok(chat::ToolChoice::Allowed(allowed))
}

/// The shape of the answer. What only some provider knows of it goes to `extra`.
pub(crate) fn response_format(
    fields: &mut Fields<'_, '_>,
    extra: &mut Vec<Field>,
) -> Result<Option<chat::ResponseFormat>, BadRequest> {
    let Some(node) = fields.take("response_format") else {
        return Ok(None);
    };
    let mut fields = node.object()?;
    let mut left = Vec::new();
    let format = match &*fields.need("type")?.text()? {
        "text" => chat::ResponseFormat::Text,
        "json_object" => chat::ResponseFormat::JsonObject,
        "json_schema" => json_schema(&fields.need("json_schema")?, &mut left)?,
        _ => return Ok(Some(chat::ResponseFormat::Native(node.json()?))),
    };
    left.extend(fields.rest()?);
    extra.extend(inside("response_format", left));
    Ok(Some(format))
}

fn json_schema(
    node: &Node<'_, '_>,
    left: &mut Vec<Field>,
) -> Result<chat::ResponseFormat, BadRequest> {
    let mut fields = node.object()?;
    let schema = fields.need("schema")?;
    if !schema.is_object() {
        return Err(schema.invalid("must be a JSON Schema, which is an object"));
    }
    let schema = chat::JsonSchema {
        name: fields.string("name")?,
        description: fields.string("description")?,
        schema: schema.json()?,
        strict: fields.boolean("strict")?,
    };
    left.extend(inside("json_schema", fields.rest()?));
    Ok(chat::ResponseFormat::JsonSchema(schema))
}
