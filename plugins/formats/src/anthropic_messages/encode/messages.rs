//! The order of a conversation: which messages open it as the system prompt, and how
//! the others become turns.

use plugway_sdk::chat::{Extra, Failure, Message, PartBody, Request, Role};

use super::blocks;
use super::is_native;
use crate::anthropic_messages::model::Model;
use crate::json::{Json, Object};

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

/// System messages at the start become the system prompt; consecutive messages of
/// one side become one turn, with tool results on the user's side.
///
/// # Errors
/// Of kind `unsupported`, where a system message stands where the API has no place
/// for it, or where there is nothing but system messages.
pub(super) fn conversation<'a>(
    request: &'a Request,
    model: &Model,
) -> Result<Conversation<'a>, Failure> {
    let native = is_native(request);
    let mut system = Vec::new();
    let mut turns: Vec<Turn<'a>> = Vec::new();
    for (place, message) in request.messages.iter().enumerate() {
        let is_last = place + 1 == request.messages.len();
        let content = content(message, native, is_last)?;
        let role = turn_role(message.role);
        if role == "system" && turns.is_empty() {
            system.extend(content);
        } else if !content.is_empty() {
            add(&mut turns, role, content, if native { &message.extra } else { &[] });
        }
    }
    if turns.is_empty() {
        return Err(Failure::unsupported("Anthropic needs a message that is not a system message"));
    }
    if !native {
        check_system_turns(&turns, model)?;
    }
    let mut list = Vec::with_capacity(turns.len());
    for turn in turns {
        let object = Object::new().with("role", turn.role).with("content", turn.content);
        list.push(object.with_extra(turn.extra)?.into());
    }
    Ok(Conversation { system, turns: list })
}

fn turn_role(role: Role) -> &'static str {
    match role {
        Role::System | Role::Developer => "system",
        Role::User | Role::Tool => "user",
        Role::Assistant => "assistant",
    }
}

fn content<'a>(
    message: &'a Message,
    native: bool,
    is_last: bool,
) -> Result<Vec<Json<'a>>, Failure> {
    let mut content = Vec::with_capacity(message.parts.len());
    let is_system = turn_role(message.role) == "system";
    let is_prefill = is_last && message.role == Role::Assistant;
    for (place, part) in message.parts.iter().enumerate() {
        if is_system && matches!(part.body, PartBody::Media(_)) {
            return Err(Failure::unsupported(
                "Anthropic takes nothing but text in system messages",
            ));
        }
        // An answer to be continued must not end in white space.
        let trim = is_prefill && !native && place + 1 == message.parts.len();
        content.extend(blocks::block(part, native, trim)?);
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

/// The API takes a system turn after a user's turn, and there only at the end or
/// before an answer.
fn check_system_turns(turns: &[Turn<'_>], model: &Model) -> Result<(), Failure> {
    for (place, turn) in turns.iter().enumerate() {
        if turn.role != "system" {
            continue;
        }
        if !model.inline_system {
            return Err(Failure::unsupported(
                "this model takes system messages only before all others",
            ));
        }
        let before = place.checked_sub(1).and_then(|before| turns.get(before));
        let after = turns.get(place + 1);
        if before.is_none_or(|turn| turn.role != "user")
            || after.is_some_and(|turn| turn.role != "assistant")
        {
            return Err(Failure::unsupported(
                "Anthropic takes a later system message only between a user's message and \
                 its answer",
            ));
        }
    }
    Ok(())
}
