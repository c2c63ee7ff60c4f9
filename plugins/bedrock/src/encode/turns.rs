//! The order of a conversation: which messages open it as the system prompt, and how
//! the others become turns.

use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::{Extra, Failure, Message, PartBody, Request, Role};

use super::blocks::Blocks;
use super::is_native;
use crate::options::Options;

/// What `system` and `messages` of the body hold.
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<Json<'a>>,
    pub(super) turns: Vec<Json<'a>>,
}

struct Turn<'a> {
    role: &'static str,
    content: Vec<Json<'a>>,
    extra: &'a [Extra],
}

/// System messages at the start become the system prompt; consecutive messages of one
/// side become one turn, with tool results on the user's side.
///
/// # Errors
/// Of kind `unsupported`, where a system message comes later, or where there is nothing
/// but system messages.
pub(super) fn conversation<'a>(
    request: &'a Request,
    options: &Options,
) -> Result<Conversation<'a>, Failure> {
    let mut blocks = Blocks::new(request, options);
    let mut system = Vec::new();
    let mut turns: Vec<Turn<'a>> = Vec::new();
    for message in &request.messages {
        let content = content(message, &mut blocks)?;
        match turn_role(message.role) {
            Some(_) if content.is_empty() => {}
            Some(role) => {
                let extra = if is_native(request) { message.extra.as_slice() } else { &[] };
                add(&mut turns, role, content, extra);
            }
            None if turns.is_empty() => system.extend(content),
            None => {
                return Err(Failure::unsupported(
                    "Converse takes system messages only before all others",
                ));
            }
        }
    }
    if turns.is_empty() {
        return Err(Failure::unsupported("Converse needs a message that is not a system message"));
    }
    let mut list = Vec::with_capacity(turns.len());
    for turn in turns {
        let object = Object::new().with("role", turn.role).with("content", turn.content);
        list.push(object.with_extra(turn.extra)?.into());
    }
    Ok(Conversation { system, turns: list })
}

/// None for system messages, which are no turns.
fn turn_role(role: Role) -> Option<&'static str> {
    match role {
        Role::System | Role::Developer => None,
        Role::User | Role::Tool => Some("user"),
        Role::Assistant => Some("assistant"),
    }
}

fn content<'a>(message: &'a Message, blocks: &mut Blocks<'_>) -> Result<Vec<Json<'a>>, Failure> {
    let mut content = Vec::with_capacity(message.parts.len());
    for part in &message.parts {
        if turn_role(message.role).is_none() && matches!(part.body, PartBody::Media(_)) {
            return Err(Failure::unsupported("Converse takes nothing but text in system messages"));
        }
        blocks.add(part, &mut content)?;
    }
    Ok(content)
}

fn add<'a>(
    turns: &mut Vec<Turn<'a>>,
    role: &'static str,
    content: Vec<Json<'a>>,
    extra: &'a [Extra],
) {
    match turns.last_mut() {
        Some(turn) if turn.role == role && extra.is_empty() => turn.content.extend(content),
        _ => turns.push(Turn { role, content, extra }),
    }
}
