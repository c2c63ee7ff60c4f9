//! The conversation: a system instruction before it, and contents of two roles.

use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::{Failure, Message, PartBody, Request, Role};

use super::{Context, non_empty, parts};

pub(super) struct Conversation<'a> {
    pub(super) system: Option<Object<'a>>,
    pub(super) contents: Vec<Json<'a>>,
}

/// # Errors
/// Of kind `unsupported`, where the order of the messages cannot be kept.
pub(super) fn conversation<'a>(
    request: &'a Request,
    context: &Context<'_>,
) -> Result<Conversation<'a>, Failure> {
    let mut system = Vec::new();
    let mut contents = Vec::new();
    let mut messages = request.messages.iter().peekable();
    while let Some(message) = messages.next() {
        match message.role {
            Role::System | Role::Developer if contents.is_empty() => {
                check_instruction(message)?;
                system.extend(parts::of_message(message, context)?);
            }
            Role::System | Role::Developer => {
                return Err(Failure::unsupported(
                    "Gemini takes system messages before all others only",
                ));
            }
            Role::User | Role::Assistant => {
                let role = if message.role == Role::User { "user" } else { "model" };
                let list = parts::of_message(message, context)?;
                push(&mut contents, role, list, message, context)?;
            }
            Role::Tool => {
                // Calls that were made at once must be answered at once.
                let mut list = parts::of_message(message, context)?;
                while let Some(next) = messages.next_if(|next| next.role == Role::Tool) {
                    list.extend(parts::of_message(next, context)?);
                }
                push(&mut contents, "user", list, message, context)?;
            }
        }
    }
    let system = non_empty(system).map(|parts| Object::new().with("parts", parts));
    Ok(Conversation { system, contents })
}

fn push<'a>(
    contents: &mut Vec<Json<'a>>,
    role: &'static str,
    parts: Vec<Json<'a>>,
    message: &'a Message,
    context: &Context<'_>,
) -> Result<(), Failure> {
    // The API refuses a content without parts.
    if parts.is_empty() && !context.native {
        return Ok(());
    }
    let content = Object::new().with("role", role).with("parts", parts);
    contents.push(content.with_extra(context.extra(&message.extra))?.into());
    Ok(())
}

fn check_instruction(message: &Message) -> Result<(), Failure> {
    let is_text = |body: &PartBody| {
        matches!(body, PartBody::Text(_) | PartBody::Refusal(_) | PartBody::Native(_))
    };
    if message.parts.iter().all(|part| is_text(&part.body)) {
        return Ok(());
    }
    Err(Failure::unsupported("Gemini takes system messages of text only"))
}
