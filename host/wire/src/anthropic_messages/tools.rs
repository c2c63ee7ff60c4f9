//! Tools, and which of them to use.

use plugway_engine::chat;

use super::options;
use crate::BadRequest;
use crate::json::{Fields, Node, inside};
use crate::labels::Field;

/// The choice, whether calls may come side by side, and what is not modelled.
type Choice = (Option<chat::ToolChoice>, Option<bool>, Option<Field>);

pub(super) fn tools(fields: &mut Fields<'_, '_>) -> Result<Vec<chat::Tool>, BadRequest> {
    let Some(node) = fields.take("tools") else { return Ok(Vec::new()) };
    node.array()?.iter().map(tool).collect()
}

/// A tool of the client's, or one that the provider knows by its type.
fn tool(node: &Node<'_, '_>) -> Result<chat::Tool, BadRequest> {
    let mut fields = node.object()?;
    let is_own = fields.left().any(|(name, kind)| name == "type" && kind.raw() == r#""custom""#);
    if !is_own && let Some(kind) = fields.take("type") {
        kind.text()?;
        return Ok(chat::Tool::Native(node.json()?));
    }
    let schema = fields.need("input_schema")?;
    if !schema.is_object() {
        return Err(schema.invalid("must be a JSON Schema, which is an object"));
    }
    let (cache, cached) = options::cache_point(&mut fields)?;
    Ok(chat::Tool::Function(chat::FunctionTool {
        name: name(&mut fields)?,
        description: fields.string("description")?,
        parameters: Some(schema.json()?),
        strict: fields.boolean("strict")?,
        cache,
        extra: cached.into_iter().chain(fields.rest()?).collect(),
    }))
}

fn name(fields: &mut Fields<'_, '_>) -> Result<String, BadRequest> {
    let node = fields.need("name")?;
    let name = node.string()?;
    if name.is_empty() {
        return Err(node.invalid("must not be empty"));
    }
    Ok(name)
}

pub(super) fn choice(fields: &mut Fields<'_, '_>) -> Result<Choice, BadRequest> {
    let Some(node) = fields.take("tool_choice") else { return Ok((None, None, None)) };
    let mut fields = node.object()?;
    let choice = match &*fields.need("type")?.text()? {
        "auto" => chat::ToolChoice::Auto,
        "any" => chat::ToolChoice::Required,
        "none" => chat::ToolChoice::None,
        "tool" => chat::ToolChoice::Named(name(&mut fields)?),
        _ => return Ok((Some(chat::ToolChoice::Native(node.json()?)), None, None)),
    };
    let disabled = fields.boolean("disable_parallel_tool_use")?;
    let mut rest = fields.rest()?;
    if disabled == Some(false) {
        // The default, which other formats have no need to be told of.
        rest.push(("disable_parallel_tool_use".to_owned(), "false".to_owned()));
    }
    let parallel = disabled.filter(|disabled| *disabled).map(|disabled| !disabled);
    Ok((Some(choice), parallel, inside("tool_choice", rest)))
}
