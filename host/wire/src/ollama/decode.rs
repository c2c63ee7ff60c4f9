//! From a client's body to a call.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use plugway_engine::chat;

use super::messages::{Messages, Read};
use super::{DIALECT, Kind, Told, options, prompt, tools};
use crate::conversation::Conversation;
use crate::json::{self, Fields, Node};
use crate::seal::Sealer;
use crate::{BadRequest, ChatCall, DecodeOptions, labels, routing};

/// What the path of a completion of one prompt ends with; any other is a chat's.
const GENERATE: &str = "/generate";

/// Reads the body of a request at `head`'s path. Text is neither copied nor unescaped
/// where it is long enough to be sealed.
///
/// # Errors
/// Where the body is not what the dialect asks for; the first fault is named.
pub fn decode(head: &Parts, body: Bytes, options: &DecodeOptions) -> Result<ChatCall, BadRequest> {
    let (text, values) = json::checked(&body)?;
    let root = Node::root(text);
    let mut fields = root.object()?;
    let sealer = Sealer::new(body.clone(), options.seal_min_bytes);
    let mut reader = Messages::new(Conversation::new(sealer));
    let (kind, read) = if head.uri.path().ends_with(GENERATE) {
        prompt::refuse(&mut fields)?;
        (Kind::Generate, prompt::read(&mut fields, &mut reader)?)
    } else {
        (Kind::Chat, reader.read(&mut fields)?)
    };
    let opening = opening(&body, &read);
    let messages: Vec<_> = read.into_iter().map(|(message, _)| message).collect();
    // Whoever says nothing wants a model to be loaded, and is told that it is.
    let idle = match kind {
        Kind::Chat => messages.is_empty(),
        Kind::Generate => !messages.iter().any(|message| message.role == chat::Role::User),
    };

    let routing = routing::routing(&mut fields)?;
    let session_id = labels::session_id(&mut fields)?;
    let mut request = request(&mut fields, messages)?;
    let form = Told {
        kind,
        thinking: request.reasoning.as_ref().is_none_or(|it| it.enabled != Some(false)),
        idle_reason: idle_reason(&fields, idle),
    };
    let asides = labels::asides(&mut fields, false)?;
    request.extra.extend(fields.rest()?);
    Ok(ChatCall {
        idle,
        session_id,
        opening,
        router_fields: asides.fields,
        preset: asides.preset,
        ..ChatCall::new(request, routing, reader.conversation, values, Arc::new(form))
    })
}

/// The model that a client wants to know about, and how many values its body holds.
///
/// # Errors
/// Where the body names none.
pub fn asked_model(body: &[u8]) -> Result<(String, usize), BadRequest> {
    let (text, values) = json::checked(body)?;
    let root = Node::root(text);
    let mut fields = root.object()?;
    // Its name of old.
    let old = fields.string("name")?.filter(|name| !name.is_empty());
    let name = fields.string("model")?.filter(|name| !name.is_empty()).or(old);
    name.map(|name| (name, values)).ok_or_else(|| fields.missing("model"))
}

/// All of the request but its model.
fn request(
    fields: &mut Fields<'_, '_>,
    messages: Vec<chat::Message>,
) -> Result<chat::Request, BadRequest> {
    let options::Options { sampling, max_tokens, extra } = options::options(fields)?;
    Ok(chat::Request {
        model: String::new(),
        dialect: DIALECT.to_owned(),
        headers: Vec::new(),
        messages,
        tools: tools::tools(fields)?,
        tool_choice: None,
        parallel_tool_calls: None,
        response_format: options::format(fields)?,
        sampling,
        choices: 1,
        max_tokens,
        reasoning: options::thinking(fields)?,
        modalities: Vec::new(),
        verbosity: None,
        service_tier: None,
        user: None,
        cache_key: None,
        auto_cache: None,
        streaming: fields.boolean("stream")?.unwrap_or(true),
        extra,
    })
}

/// Slices of the body: the first instruction and the first other message.
fn opening(body: &Bytes, read: &[Read<'_>]) -> Vec<Bytes> {
    let instruction =
        |read: &&Read<'_>| matches!(read.0.role, chat::Role::System | chat::Role::Developer);
    let other = |read: &&Read<'_>| !instruction(read);
    let first = read.iter().find(instruction);
    let slices = first.into_iter().chain(read.iter().find(other));
    slices.map(|(_, raw)| body.slice_ref(raw.as_bytes())).collect()
}

/// Why an answer ends that nothing was asked of: a model is loaded, or let go.
fn idle_reason(fields: &Fields<'_, '_>, idle: bool) -> &'static str {
    let keep_alive = fields.left().find(|(name, _)| *name == "keep_alive");
    let let_go = keep_alive.is_some_and(|(_, node)| {
        let number = node.raw().trim_matches('"').trim_end_matches(['s', 'm', 'h']);
        number.parse() == Ok(0.0)
    });
    match (idle, let_go) {
        (true, true) => "unload",
        (true, false) => "load",
        (false, _) => "stop",
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
