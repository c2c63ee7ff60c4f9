//! From a client's body to a call.

use std::sync::Arc;

use bytes::Bytes;
use plugway_engine::chat;

use super::echo::Echo;
use super::input::Input;
use super::{DIALECT, Response, options, tools};
use crate::conversation::{Conversation, cache_point};
use crate::json::{self, Fields, Node};
use crate::seal::Sealer;
use crate::{BadRequest, ChatCall, DecodeOptions, labels, routing};

/// Fields that refer to what is kept between requests, and what to do instead.
const KEPT: [(&str, &str); 3] = [
    ("previous_response_id", "nothing is kept here: send the whole conversation in `input`"),
    ("conversation", "nothing is kept here: send the whole conversation in `input`"),
    ("prompt", "nothing is kept here: send the prompt's own text"),
];

/// Fields of chat completions, and what is their name here.
const ELSEWHERE: [(&str, &str); 6] = [
    ("messages", "input"),
    ("max_tokens", "max_output_tokens"),
    ("max_completion_tokens", "max_output_tokens"),
    ("response_format", "text.format"),
    ("reasoning_effort", "reasoning.effort"),
    ("verbosity", "text.verbosity"),
];

/// Reads the body of a request for a response. Text is neither copied nor unescaped
/// where it is long enough to be sealed.
///
/// # Errors
/// Where the body is not what the dialect asks for; the first fault is named.
pub fn decode(body: Bytes, options: &DecodeOptions) -> Result<ChatCall, BadRequest> {
    let (text, values) = json::checked(&body)?;
    let root = Node::root(text);
    let mut fields = root.object()?;
    refuse(&mut fields)?;

    let sealer = Sealer::new(body.clone(), options.seal_min_bytes);
    let mut input = Input::new(Conversation::new(sealer));
    let instructions = fields.take("instructions");
    if let Some(node) = &instructions {
        input.instructions(node)?;
    }
    let node = fields.need("input")?;
    let first = input.items(&node)?;
    let first = first.map(|raw| body.slice_ref(raw.as_bytes()));
    let opening = instructions.map(|node| body.slice_ref(node.raw().as_bytes()));
    let opening = opening.into_iter().chain(first).collect();

    let routing = routing::routing(&mut fields)?;
    let user = labels::user(&mut fields)?;
    let session_id = labels::session_id(&mut fields)?;
    let metadata = fields.take("metadata");
    let metadata = metadata.map_or(Ok(Vec::new()), |node| labels::metadata(&node))?;
    let (messages, conversation) = input.finish();
    let mut request = request(&mut fields, messages)?;
    let asides = labels::asides(&mut fields, true)?;
    request.extra.extend(fields.rest()?);
    let echo = Echo::of(&mut fields, &request)?;
    let include_reasoning = request.reasoning.as_ref().is_none_or(|it| !it.hidden);
    let form = Arc::new(Response { echo, include_reasoning });
    Ok(ChatCall {
        user,
        session_id,
        opening,
        metadata,
        router_fields: asides.fields,
        preset: asides.preset,
        echo: asides.echo && request.streaming,
        ..ChatCall::new(request, routing, conversation, values, form)
    })
}

/// Refuses what nobody behind this router could do, or what has another name here.
fn refuse(fields: &mut Fields<'_, '_>) -> Result<(), BadRequest> {
    let unsupported = |node: &Node<'_, '_>, why: String| node.fault("unsupported_parameter", why);
    for (name, instead) in KEPT {
        if let Some(node) = fields.take(name) {
            return Err(unsupported(&node, format!("must be null: {instead}")));
        }
    }
    for (name, why) in [("store", "is kept here"), ("background", "runs on here by itself")] {
        if let Some(node) = fields.take(name).filter(|node| node.raw() != "false") {
            node.boolean()?;
            return Err(unsupported(&node, format!("must be false: nothing {why}")));
        }
    }
    for (name, here) in ELSEWHERE {
        if let Some(node) = fields.take(name) {
            return Err(unsupported(&node, format!("is not of this format: use `{here}`")));
        }
    }
    match fields.take("n").filter(|node| node.raw() != "1") {
        Some(node) => Err(unsupported(&node, "must be 1: a response is one answer".into())),
        None => Ok(()),
    }
}

/// All of the request but its model, and what only this format knows.
fn request(
    fields: &mut Fields<'_, '_>,
    messages: Vec<chat::Message>,
) -> Result<chat::Request, BadRequest> {
    // An answer that is kept is the provider's default.
    let mut extra = vec![("store".to_owned(), "false".to_owned())];
    let reasoning = options::reasoning(fields, &mut extra)?;
    let (response_format, verbosity) = tools::text(fields, &mut extra)?;
    // Bounds what the provider's own tools do; nothing here calls any.
    if let Some(node) = fields.take("max_tool_calls") {
        node.integer::<u32>()?;
        extra.push(("max_tool_calls".to_owned(), node.json()?));
    }
    Ok(chat::Request {
        model: String::new(),
        dialect: DIALECT.to_owned(),
        headers: Vec::new(),
        messages,
        tools: tools::tools(fields)?,
        tool_choice: tools::tool_choice(fields)?,
        parallel_tool_calls: fields.boolean("parallel_tool_calls")?,
        response_format,
        sampling: options::sampling(fields, &mut extra)?,
        choices: 1,
        max_tokens: options::max_tokens(fields)?,
        reasoning,
        modalities: options::modalities(fields)?,
        verbosity,
        service_tier: labels::service_tier(fields)?,
        user: None,
        cache_key: fields.string("prompt_cache_key")?,
        auto_cache: cache_point(fields)?,
        streaming: options::streaming(fields)?,
        extra,
    })
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
