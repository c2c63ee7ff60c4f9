//! Tools that may be called.

use plugway_engine::chat;

use crate::BadRequest;
use crate::json::{Fields, Node};

pub(super) fn tools(fields: &mut Fields<'_, '_>) -> Result<Vec<chat::Tool>, BadRequest> {
    let Some(node) = fields.take("tools") else { return Ok(Vec::new()) };
    node.array()?.iter().map(tool).collect()
}

fn tool(node: &Node<'_, '_>) -> Result<chat::Tool, BadRequest> {
    let mut outer = node.object()?;
    if let Some(kind) = outer.take("type")
        && !matches!(&*kind.text()?, "function" | "")
    {
        return Err(kind.invalid("must be function"));
    }
    let function = outer.need("function")?;
    let mut fields = function.object()?;
    let name = fields.need("name")?;
    let parameters = fields.take("parameters");
    if let Some(node) = parameters.filter(|node| !node.is_object()) {
        return Err(node.invalid("must be a JSON Schema, which is an object"));
    }
    let tool = chat::FunctionTool {
        name: name.string()?,
        description: fields.string("description")?,
        parameters: parameters.map(|node| node.json()).transpose()?,
        strict: None,
        cache: None,
        extra: [outer.rest()?, fields.rest()?].concat(),
    };
    match tool.name.is_empty() {
        true => Err(name.invalid("must not be empty")),
        false => Ok(chat::Tool::Function(tool)),
    }
}
