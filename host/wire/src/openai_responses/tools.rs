//! Tools, which of them to use, and the shape of the answer. This format says flat what
//! chat completions nest.

use plugway_engine::chat;

use super::options::said;
use crate::BadRequest;
use crate::conversation::cache_point;
use crate::json::{Fields, Node, inside};
use crate::labels::Field;

pub(super) fn tools(fields: &mut Fields<'_, '_>) -> Result<Vec<chat::Tool>, BadRequest> {
    let Some(node) = fields.take("tools") else { return Ok(Vec::new()) };
    node.array()?.iter().map(tool).collect()
}

fn tool(node: &Node<'_, '_>) -> Result<chat::Tool, BadRequest> {
    let mut fields = node.object()?;
    match &*fields.need("type")?.text()? {
        "function" => function_tool(fields).map(chat::Tool::Function),
        "custom" => freeform_tool(fields).map(chat::Tool::Freeform),
        _ => Ok(chat::Tool::Native(node.json()?)),
    }
}

fn function_tool(mut fields: Fields<'_, '_>) -> Result<chat::FunctionTool, BadRequest> {
    let parameters = fields.take("parameters");
    if let Some(node) = parameters.filter(|node| !node.is_object()) {
        return Err(node.invalid("must be a JSON Schema, which is an object"));
    }
    Ok(chat::FunctionTool {
        name: said(&fields.need("name")?)?,
        description: fields.string("description")?,
        parameters: parameters.map(|node| node.json()).transpose()?,
        strict: fields.boolean("strict")?,
        cache: cache_point(&mut fields)?,
        extra: fields.rest()?,
    })
}

fn freeform_tool(mut fields: Fields<'_, '_>) -> Result<chat::FreeformTool, BadRequest> {
    let format = fields.take("format");
    let grammar = format.as_ref().map(grammar).transpose()?.flatten();
    Ok(chat::FreeformTool {
        name: said(&fields.need("name")?)?,
        description: fields.string("description")?,
        grammar,
        extra: fields.rest()?,
    })
}

fn grammar(format: &Node<'_, '_>) -> Result<Option<chat::Grammar>, BadRequest> {
    let mut fields = format.object()?;
    let kind = fields.need("type")?;
    match &*kind.text()? {
        "text" => Ok(None),
        "grammar" => Ok(Some(chat::Grammar {
            syntax: fields.need("syntax")?.string()?,
            definition: fields.need("definition")?.string()?,
        })),
        _ => Err(kind.invalid("must be text or grammar")),
    }
}

pub(super) fn tool_choice(
    fields: &mut Fields<'_, '_>,
) -> Result<Option<chat::ToolChoice>, BadRequest> {
    let Some(node) = fields.take("tool_choice") else { return Ok(None) };
    if node.is_string() {
        return match &*node.text()? {
            "auto" => Ok(Some(chat::ToolChoice::Auto)),
            "none" => Ok(Some(chat::ToolChoice::None)),
            "required" => Ok(Some(chat::ToolChoice::Required)),
            _ => Err(node.invalid("must be auto, none, required or a tool")),
        };
    }
    let mut fields = node.object()?;
    let choice = match &*fields.need("type")?.text()? {
        "function" | "custom" => chat::ToolChoice::Named(said(&fields.need("name")?)?),
        "allowed_tools" => match allowed(&mut fields)? {
            Some(allowed) => chat::ToolChoice::Allowed(allowed),
            None => chat::ToolChoice::Native(node.json()?),
        },
        _ => chat::ToolChoice::Native(node.json()?),
    };
    Ok(Some(choice))
}

/// None where one of them is a tool of the provider's, which has no name that we know.
fn allowed(fields: &mut Fields<'_, '_>) -> Result<Option<chat::AllowedTools>, BadRequest> {
    let mode = fields.need("mode")?;
    let required = match &*mode.text()? {
        "auto" => false,
        "required" => true,
        _ => return Err(mode.invalid("must be auto or required")),
    };
    let mut names = Vec::new();
    for tool in fields.need("tools")?.array()? {
        let mut fields = tool.object()?;
        match &*fields.need("type")?.text()? {
            "function" | "custom" => names.push(said(&fields.need("name")?)?),
            _ => return Ok(None),
        }
    }
    Ok(Some(chat::AllowedTools { names, required }))
}

/// `text`: the shape of the answer, and how much of it.
pub(super) fn text(
    fields: &mut Fields<'_, '_>,
    extra: &mut Vec<Field>,
) -> Result<(Option<chat::ResponseFormat>, Option<String>), BadRequest> {
    let Some(node) = fields.take("text") else { return Ok((None, None)) };
    let mut fields = node.object()?;
    let format = fields.take("format");
    let mut left = Vec::new();
    let format = format.as_ref().map(|node| response_format(node, &mut left)).transpose()?;
    let verbosity = fields.string("verbosity")?;
    left.extend(fields.rest()?);
    extra.extend(inside("text", left));
    Ok((format, verbosity))
}

fn response_format(
    node: &Node<'_, '_>,
    left: &mut Vec<Field>,
) -> Result<chat::ResponseFormat, BadRequest> {
    let mut fields = node.object()?;
    let format = match &*fields.need("type")?.text()? {
        "text" => chat::ResponseFormat::Text,
        "json_object" => chat::ResponseFormat::JsonObject,
        "json_schema" => json_schema(&mut fields)?,
        _ => return Ok(chat::ResponseFormat::Native(node.json()?)),
    };
    left.extend(inside("format", fields.rest()?));
    Ok(format)
}

fn json_schema(fields: &mut Fields<'_, '_>) -> Result<chat::ResponseFormat, BadRequest> {
    let schema = fields.need("schema")?;
    if !schema.is_object() {
        return Err(schema.invalid("must be a JSON Schema, which is an object"));
    }
    Ok(chat::ResponseFormat::JsonSchema(chat::JsonSchema {
        name: Some(said(&fields.need("name")?)?),
        description: fields.string("description")?,
        schema: schema.json()?,
        strict: fields.boolean("strict")?,
    }))
}
