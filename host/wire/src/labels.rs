//! What OpenRouter lets a client say beside the request, in each of its formats: to
//! the router, and to whoever reads the logs.

use crate::BadRequest;
use crate::json::{Fields, Node};

/// Fields that speak to the router. What they ask for is the router's to grant or
/// refuse; no provider is shown them.
const ROUTER_FIELDS: [&str; 7] = [
    "plugins",
    "preset",
    "transforms",
    "trace",
    "debug",
    "stop_server_tools_when",
    "max_tool_calls",
];

/// Characters that a session's id may have.
const MAX_SESSION_ID: usize = 256;

/// Pairs that `metadata` may have.
const MAX_METADATA: usize = 16;

/// Characters that the names and values of labels may have.
const MAX_LABEL: (usize, usize) = (64, 512);

/// Name and JSON of a field.
pub(crate) type Field = (String, String);

/// `session_id`.
pub(crate) fn session_id(fields: &mut Fields<'_, '_>) -> Result<Option<String>, BadRequest> {
    let Some(node) = fields.take("session_id") else { return Ok(None) };
    let id = node.string()?;
    if id.chars().count() > MAX_SESSION_ID {
        return Err(node.invalid(format!("must have at most {MAX_SESSION_ID} characters")));
    }
    Ok(Some(id))
}

/// The end user, under the newer name or the older.
pub(crate) fn user(fields: &mut Fields<'_, '_>) -> Result<Option<String>, BadRequest> {
    let user = fields.string("user")?;
    Ok(fields.string("safety_identifier")?.or(user))
}

/// `service_tier`, in the one word that all dialects have for it.
pub(crate) fn service_tier(fields: &mut Fields<'_, '_>) -> Result<Option<String>, BadRequest> {
    Ok(fields.string("service_tier")?.map(neutral_tier))
}

/// The one word that all dialects have for a tier.
pub(crate) fn neutral_tier(tier: String) -> String {
    match &*tier {
        "fast" => "priority".to_owned(),
        "standard" | "standard_only" => "default".to_owned(),
        _ => tier,
    }
}

/// The pairs of `metadata`.
pub(crate) fn metadata(node: &Node<'_, '_>) -> Result<Vec<(String, String)>, BadRequest> {
    pairs(node, MAX_METADATA)
}

/// Labels of which there are at most `most`.
pub(crate) fn pairs(node: &Node<'_, '_>, most: usize) -> Result<Vec<(String, String)>, BadRequest> {
    let (name_length, value_length) = MAX_LABEL;
    let fields = node.object()?;
    let mut metadata = Vec::new();
    for (name, value) in fields.left() {
        let text = value.string()?;
        if name.chars().count() > name_length || text.chars().count() > value_length {
            return Err(value.invalid(format!(
                "must have at most {value_length} characters, and its name at most {name_length}"
            )));
        }
        metadata.push((name.to_owned(), text));
    }
    if metadata.len() > most {
        return Err(node.invalid(format!("must have at most {most} fields")));
    }
    Ok(metadata)
}

/// What nobody took: the fields that speak to the router, and those that travel on.
pub(crate) fn rest(fields: &Fields<'_, '_>) -> Result<(Vec<Field>, Vec<Field>), BadRequest> {
    let rest = fields.rest()?.into_iter();
    Ok(rest.partition(|(name, _)| ROUTER_FIELDS.contains(&name.as_str())))
}
