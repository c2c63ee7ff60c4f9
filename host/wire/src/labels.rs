//! What OpenRouter lets a client say beside the request, in each of its formats: to
//! the router, and to whoever reads the logs.

use crate::BadRequest;
use crate::json::{Fields, Node};

/// Says whether a field asks for something.
type Check = fn(&Node<'_, '_>) -> Result<(), BadRequest>;

/// Fields that speak to the router, as long as they ask for nothing. The last two are
/// bounds on the tools that a router runs by itself: this one runs none, so they hold.
const ASIDES: [(&str, Check); 5] = [
    ("plugins", no_plugins),
    ("transforms", no_transforms),
    ("trace", |node| node.object().map(drop)),
    ("max_tool_calls", |node| node.integer().map(|_: u32| ())),
    ("stop_server_tools_when", |node| node.array().map(drop)),
];

/// Characters that a session's id may have.
const MAX_SESSION_ID: usize = 256;

/// Pairs that `metadata` may have.
const MAX_METADATA: usize = 16;

/// Characters that the names and values of labels may have.
const MAX_LABEL: (usize, usize) = (64, 512);

/// The summary that a client is taken to want where it wants reasoning shown and its
/// dialect has no word for summaries: some providers show nothing else.
pub(crate) const ANY_SUMMARY: &str = "auto";

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

/// What a client says to the router itself, and no provider is shown.
pub(crate) struct Asides {
    /// The settings to put under the request, by name.
    pub(crate) preset: Option<String>,
    /// The stream is to show what providers are sent.
    pub(crate) echo: bool,
    /// What asks for nothing, as it is.
    pub(crate) fields: Vec<Field>,
}

/// Takes the fields that speak to the router. `can_echo` says whether a stream of the
/// dialect has a place for what providers are sent.
///
/// # Errors
/// Where something is asked for that the router does not do: a request without it would
/// be another one.
pub(crate) fn asides(fields: &mut Fields<'_, '_>, can_echo: bool) -> Result<Asides, BadRequest> {
    let preset = fields.string("preset")?;
    let mut kept = Vec::new();
    for (name, check) in ASIDES {
        if let Some(node) = fields.take(name) {
            check(&node)?;
            kept.push((name.to_owned(), node.json()?));
        }
    }
    let echo = fields.take("debug").map(|node| debug(&node, can_echo)).transpose()?;
    Ok(Asides { preset, echo: echo.unwrap_or(false), fields: kept })
}

/// Plugins may be listed to be turned off, which they are.
fn no_plugins(node: &Node<'_, '_>) -> Result<(), BadRequest> {
    for plugin in node.array()? {
        if plugin.object()?.boolean("enabled")? != Some(false) {
            let message = "is not run here: leave it out, or set its `enabled` to false";
            return Err(plugin.fault("unsupported_parameter", message));
        }
    }
    Ok(())
}

/// What is only done to a prompt that is too long may be named: here nothing is cut from
/// the middle of one, and it is refused by whoever it is too long for.
fn no_transforms(node: &Node<'_, '_>) -> Result<(), BadRequest> {
    for transform in node.array()? {
        if transform.text()? != "middle-out" {
            let message = "is not done here: leave it out";
            return Err(transform.fault("unsupported_parameter", message));
        }
    }
    Ok(())
}

/// Whether what providers are sent is asked for.
fn debug(node: &Node<'_, '_>, can_echo: bool) -> Result<bool, BadRequest> {
    let mut fields = node.object()?;
    let echo = fields.boolean("echo_upstream_body")?.unwrap_or(false);
    if let Some((_, unknown)) = fields.left().next() {
        return Err(unknown.fault("unknown_parameter", "is not known"));
    }
    if echo && !can_echo {
        let message = "has no place in this format: ask in /v1/chat/completions or /v1/responses";
        return Err(node.fault("unsupported_parameter", message));
    }
    Ok(echo)
}
