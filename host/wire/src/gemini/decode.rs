//! From a client's body to a call.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use plugway_engine::chat;

use super::contents::Contents;
use super::generation::{self, Wishes};
use super::names::items;
use super::{DIALECT, Generation, Method, Target, tools};
use crate::conversation::Conversation;
use crate::json::{self, Fields, Node, inside};
use crate::seal::Sealer;
use crate::{BadRequest, ChatCall, DecodeOptions, Routing, labels};

/// Labels that a request may have, as Google bounds them.
const MAX_LABELS: usize = 64;

/// Reads a request for an answer, whole or streamed; the path says of which model.
/// Text is neither copied nor unescaped where it is long enough to be sealed.
///
/// # Errors
/// Where it is not what the dialect asks for; the first fault is named.
pub fn decode(head: &Parts, body: Bytes, options: &DecodeOptions) -> Result<ChatCall, BadRequest> {
    let target = Target::of(&head.uri)?;
    let (text, values) = json::checked(&body)?;
    call(&Node::root(text), &body, target, values, options)
}

/// Reads a request to count what an answer would read: the contents alone, or a whole
/// request in `generateContentRequest`.
///
/// # Errors
/// Where it is not what the dialect asks for; the first fault is named.
pub fn decode_count(
    head: &Parts,
    body: Bytes,
    options: &DecodeOptions,
) -> Result<ChatCall, BadRequest> {
    let target = Target::of(&head.uri)?;
    let (text, values) = json::checked(&body)?;
    let root = Node::root(text);
    let mut fields = root.object()?;
    let Some(whole) = fields.either("generateContentRequest", "generate_content_request")? else {
        return call(&root, &body, target, values, options);
    };
    if let Some((_, other)) = fields.left().next() {
        return Err(other.invalid("must not stand beside `generateContentRequest`"));
    }
    call(&whole, &body, target, values, options)
}

fn call(
    root: &Node<'_, '_>,
    body: &Bytes,
    target: Target,
    values: usize,
    options: &DecodeOptions,
) -> Result<ChatCall, BadRequest> {
    let mut fields = root.object()?;
    // The path has said it.
    fields.take("model");
    let sealer = Sealer::new(body.clone(), options.seal_min_bytes);
    let mut reader = Contents::new(Conversation::new(sealer));
    let instruction = fields.either("systemInstruction", "system_instruction")?;
    let contents = fields.need("contents")?;
    let messages = reader.messages(instruction.as_ref(), &contents)?;
    let opening = opening(body, instruction.as_ref(), &contents)?;

    let wishes = Wishes::take(fields.either("generationConfig", "generation_config")?.as_ref())?;
    let form =
        Arc::new(Generation { include_thoughts: wishes.include_thoughts, framing: target.framing });
    let metadata = metadata(&fields)?;
    // What it holds is part of the conversation, and nobody else's to read.
    let cached = |name: &str| matches!(name, "cachedContent" | "cached_content");
    if let Some((_, node)) = fields.left().find(|(name, _)| cached(name)) {
        reader.conversation.holds_native(&node);
    }
    let asides = labels::asides(&mut fields, false)?;
    let streaming = target.method == Method::StreamGenerateContent;
    let request = request(&mut fields, messages, wishes, streaming)?;
    let routing = Routing { models: vec![target.model], ..Routing::default() };
    Ok(ChatCall {
        opening,
        metadata,
        router_fields: asides.fields,
        preset: asides.preset,
        ..ChatCall::new(request, routing, reader.conversation, values, form)
    })
}

fn request(
    fields: &mut Fields<'_, '_>,
    messages: Vec<chat::Message>,
    wishes: Wishes,
    streaming: bool,
) -> Result<chat::Request, BadRequest> {
    let (tool_choice, calling) = tools::choice(fields)?;
    Ok(chat::Request {
        model: String::new(),
        dialect: DIALECT.to_owned(),
        headers: Vec::new(),
        messages,
        tools: tools::tools(fields)?,
        tool_choice,
        parallel_tool_calls: None,
        response_format: wishes.response_format,
        sampling: wishes.sampling,
        choices: wishes.choices,
        max_tokens: wishes.max_tokens,
        reasoning: wishes.reasoning,
        modalities: wishes.modalities,
        verbosity: None,
        service_tier: generation::service_tier(fields)?,
        user: None,
        cache_key: None,
        auto_cache: None,
        streaming,
        extra: inside("toolConfig", calling)
            .into_iter()
            .chain(inside("generationConfig", wishes.left))
            .chain(fields.rest()?)
            .collect(),
    })
}

/// The client's labels, which go on to the provider too.
fn metadata(fields: &Fields<'_, '_>) -> Result<Vec<(String, String)>, BadRequest> {
    let mut left = fields.left();
    match left.find(|(name, _)| *name == "labels") {
        Some((_, node)) => labels::pairs(&node, MAX_LABELS),
        None => Ok(Vec::new()),
    }
}

/// Slices of the body: the instruction and the first content.
fn opening(
    body: &Bytes,
    instruction: Option<&Node<'_, '_>>,
    contents: &Node<'_, '_>,
) -> Result<Vec<Bytes>, BadRequest> {
    let contents = items(contents)?;
    let slices = instruction.into_iter().chain(contents.first());
    Ok(slices.map(|node| body.slice_ref(node.raw().as_bytes())).collect())
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
