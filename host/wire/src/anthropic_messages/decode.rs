//! From a client's body to a call.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use plugway_engine::chat;

use super::messages::Messages;
use super::{DIALECT, Message, options, tools};
use crate::conversation::Conversation;
use crate::json::{self, Fields, Node, inside};
use crate::labels::{self, Field};
use crate::seal::Sealer;
use crate::{BadRequest, ChatCall, DecodeOptions, Routing, routing};

/// Models that `fallbacks` may name.
const MAX_FALLBACKS: usize = 3;

/// Headers that belong to the dialect, and the names that they travel on under.
const HEADERS: [(&str, &str); 3] = [
    ("anthropic-version", "anthropic-version"),
    ("anthropic-beta", "anthropic-beta"),
    ("x-anthropic-beta", "anthropic-beta"),
];

/// Reads the request for a message. Text is neither copied nor unescaped where it is
/// long enough to be sealed.
///
/// # Errors
/// Where the body is not what the dialect asks for; the first fault is named.
pub fn decode(head: &Parts, body: Bytes, options: &DecodeOptions) -> Result<ChatCall, BadRequest> {
    read(head, body, options, true)
}

/// Reads the question for the number of a request's tokens, which needs no limit and
/// is never streamed.
///
/// # Errors
/// As [`decode`].
pub fn decode_count(
    head: &Parts,
    body: Bytes,
    options: &DecodeOptions,
) -> Result<ChatCall, BadRequest> {
    let mut call = read(head, body, options, false)?;
    call.request.streaming = false;
    call.needs.retain(|need| *need != "streaming");
    Ok(call)
}

fn read(
    head: &Parts,
    body: Bytes,
    options: &DecodeOptions,
    limited: bool,
) -> Result<ChatCall, BadRequest> {
    let (text, values) = json::checked(&body)?;
    let root = Node::root(text);
    let mut fields = root.object()?;

    let sealer = Sealer::new(body.clone(), options.seal_min_bytes);
    let mut reader = Messages::new(Conversation::new(sealer));
    let system = fields.take("system");
    let list = fields.need("messages")?;
    let mut messages = system.as_ref().map(|node| reader.system(node)).transpose()?.flatten();
    let messages = messages.take().into_iter().chain(reader.messages(&list)?).collect();
    let nodes = list.array()?;
    let opening = system.iter().chain(nodes.first());
    let opening = opening.map(|node| body.slice_ref(node.raw().as_bytes())).collect();

    let mut routing = routing::routing(&mut fields)?;
    fallbacks(&mut fields, &mut routing)?;
    let session_id = labels::session_id(&mut fields)?;
    let (user, labelled) = user(&mut fields)?;
    if limited && fields.take("max_tokens").is_none() {
        return Err(fields.missing("max_tokens"));
    }
    let mut request = request(&mut fields, messages)?;
    request.headers = headers(head)?;
    request.extra.extend(labelled);
    let asides = labels::asides(&mut fields, false)?;
    request.extra.extend(fields.rest()?);

    let include_reasoning = request.reasoning.as_ref().is_none_or(|it| !it.hidden);
    let form = Arc::new(Message { include_reasoning });
    Ok(ChatCall {
        user,
        session_id,
        opening,
        router_fields: asides.fields,
        preset: asides.preset,
        ..ChatCall::new(request, routing, reader.conversation, values, form)
    })
}

/// All of the request but its model and headers. What is left of fields that are
/// modelled in part is in `extra`.
fn request(
    fields: &mut Fields<'_, '_>,
    messages: Vec<chat::Message>,
) -> Result<chat::Request, BadRequest> {
    let (tool_choice, parallel_tool_calls, chosen) = tools::choice(fields)?;
    let (auto_cache, cached) = options::cache_point(fields)?;
    let thinking = options::thinking(fields)?;
    let output = options::output(fields)?;
    Ok(chat::Request {
        model: String::new(),
        dialect: DIALECT.to_owned(),
        headers: Vec::new(),
        messages,
        tools: tools::tools(fields)?,
        tool_choice,
        parallel_tool_calls,
        response_format: output.format,
        sampling: options::sampling(fields)?,
        choices: 1,
        max_tokens: fields.integer("max_tokens")?,
        reasoning: options::reasoning(thinking.options, output.effort),
        modalities: Vec::new(),
        verbosity: None,
        service_tier: options::service_tier(fields)?,
        user: None,
        cache_key: None,
        auto_cache,
        streaming: fields.boolean("stream")?.unwrap_or(false),
        extra: [chosen, cached, thinking.rest, output.rest].into_iter().flatten().collect(),
    })
}

/// OpenRouter's name for further models: objects with nothing in them but a model.
fn fallbacks(fields: &mut Fields<'_, '_>, routing: &mut Routing) -> Result<(), BadRequest> {
    let Some(node) = fields.take("fallbacks") else { return Ok(()) };
    let fallbacks = node.array()?;
    if fallbacks.is_empty() {
        return Ok(());
    }
    if fields.take("models").is_some() {
        return Err(node.invalid("cannot stand beside `models`: name all models in one of them"));
    }
    if fallbacks.len() > MAX_FALLBACKS {
        return Err(node.invalid(format!("must have at most {MAX_FALLBACKS} items")));
    }
    for fallback in &fallbacks {
        let mut fields = fallback.object()?;
        let model = routing::model(&mut fields)?.ok_or_else(|| fields.missing("model"))?;
        if let Some((_, node)) = fields.left().next() {
            return Err(node.fault("unknown_parameter", "cannot differ between models"));
        }
        if !routing.models.contains(&model) {
            routing.models.push(model);
        }
    }
    Ok(())
}

/// The end user, under OpenRouter's name or Anthropic's, and what else `metadata` holds.
fn user(fields: &mut Fields<'_, '_>) -> Result<(Option<String>, Option<Field>), BadRequest> {
    let user = fields.string("user")?;
    let Some(node) = fields.take("metadata") else { return Ok((user, None)) };
    let mut fields = node.object()?;
    let user = fields.string("user_id")?.or(user);
    Ok((user, inside("metadata", fields.rest()?)))
}

/// Of all headers those that say how the body is meant, and no credential.
fn headers(head: &Parts) -> Result<Vec<Field>, BadRequest> {
    let mut headers = Vec::new();
    for (name, known) in HEADERS {
        for value in head.headers.get_all(name) {
            let Ok(value) = value.to_str() else {
                let message = "must be plain text";
                return Err(BadRequest::at(name.to_owned(), "invalid_value", message));
            };
            headers.push((known.to_owned(), value.to_owned()));
        }
    }
    Ok(headers)
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
