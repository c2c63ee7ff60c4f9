//! From a client's body to a call.

use std::sync::Arc;

use bytes::Bytes;
use plugway_engine::chat;

use super::messages::Messages;
use super::{Completion, DIALECT, options, tools};
use crate::conversation::{Conversation, cache_point};
use crate::json::{self, Fields, Node};
use crate::seal::Sealer;
use crate::{BadRequest, ChatCall, DecodeOptions, labels, openai_completions, routing};

/// Reads the body of a chat completion request. Text is neither copied nor
/// unescaped where it is long enough to be sealed.
///
/// # Errors
/// Where the body is not what the dialect asks for; the first fault is named.
pub fn decode(body: Bytes, options: &DecodeOptions) -> Result<ChatCall, BadRequest> {
    let (text, values) = json::checked(&body)?;
    let root = Node::root(text);
    let mut fields = root.object()?;

    if prompts(&mut fields)? {
        return openai_completions::decode(body, options);
    }
    let sealer = Sealer::new(body.clone(), options.seal_min_bytes);
    let mut reader = Messages::new(Conversation::new(sealer));
    let messages_node = fields.need("messages")?;
    let messages = reader.messages(&messages_node)?;
    let opening = opening(&body, &messages_node, &messages)?;

    let routing = routing::routing(&mut fields)?;
    let labels = Labels::take(&mut fields)?;
    let mut request = request(&mut fields, messages)?;
    request.extra.extend(labels.forwarded);
    let asides = labels::asides(&mut fields, true)?;
    request.extra.extend(fields.rest()?);

    let include_reasoning = request.reasoning.as_ref().is_none_or(|it| !it.hidden);
    let form = Arc::new(Completion { include_reasoning });
    Ok(ChatCall {
        user: labels.user,
        session_id: labels.session_id,
        opening,
        metadata: labels.metadata,
        router_fields: asides.fields,
        preset: asides.preset,
        echo: asides.echo && request.streaming,
        ..ChatCall::new(request, routing, reader.conversation, values, form)
    })
}

/// Whether the body holds a prompt in place of messages, as OpenRouter takes it here too:
/// it is answered as on the route for prompts.
fn prompts(fields: &mut Fields<'_, '_>) -> Result<bool, BadRequest> {
    match (fields.take("prompt"), fields.take("messages")) {
        (None, _) => Ok(false),
        (Some(_), None) => Ok(true),
        (Some(prompt), Some(_)) => Err(prompt.invalid("cannot stand beside `messages`")),
    }
}

/// All of the request but its model. What is left of fields that are modelled in part is
/// in `extra`.
fn request(
    fields: &mut Fields<'_, '_>,
    messages: Vec<chat::Message>,
) -> Result<chat::Request, BadRequest> {
    if let Some((name, node)) =
        fields.left().find(|(name, _)| matches!(*name, "functions" | "function_call"))
    {
        let instead = if name == "functions" { "tools" } else { "tool_choice" };
        return Err(
            node.fault("unsupported_parameter", format!("is no longer served: use `{instead}`"))
        );
    }
    let mut extra = Vec::new();
    Ok(chat::Request {
        model: String::new(),
        dialect: DIALECT.to_owned(),
        headers: Vec::new(),
        messages,
        tools: tools::tools(fields)?,
        tool_choice: tools::tool_choice(fields)?,
        parallel_tool_calls: fields.boolean("parallel_tool_calls")?,
        response_format: tools::response_format(fields, &mut extra)?,
        sampling: options::sampling(fields)?,
        choices: options::choices(fields)?,
        max_tokens: options::max_tokens(fields)?,
        reasoning: options::reasoning(fields, &mut extra)?,
        modalities: fields.strings("modalities")?,
        verbosity: fields.string("verbosity")?,
        service_tier: labels::service_tier(fields)?,
        user: None,
        cache_key: fields.string("prompt_cache_key")?,
        auto_cache: cache_point(fields)?,
        streaming: options::streaming(fields)?,
        extra,
    })
}

/// Whom and what a request is for: the router's business before anybody's.
struct Labels {
    user: Option<String>,
    session_id: Option<String>,
    metadata: Vec<(String, String)>,
    forwarded: Vec<(String, String)>,
}

impl Labels {
    fn take(fields: &mut Fields<'_, '_>) -> Result<Self, BadRequest> {
        let mut labels = Self {
            user: labels::user(fields)?,
            session_id: labels::session_id(fields)?,
            metadata: Vec::new(),
            forwarded: Vec::new(),
        };
        if let Some(node) = fields.take("metadata") {
            labels.metadata = labels::metadata(&node)?;
            // A provider takes labels for answers that it is to store, and no others.
            let stored =
                fields.left().any(|(name, store)| name == "store" && store.raw() == "true");
            if stored {
                let forwarded = ("metadata".to_owned(), node.json()?);
                labels.forwarded.push(forwarded);
            }
        }
        Ok(labels)
    }
}

/// Slices of the body: the first instruction and the first other message.
fn opening(
    body: &Bytes,
    node: &Node<'_, '_>,
    messages: &[chat::Message],
) -> Result<Vec<Bytes>, BadRequest> {
    let instruction = |message: &chat::Message| {
        matches!(message.role, chat::Role::System | chat::Role::Developer)
    };
    let first = messages.iter().position(instruction);
    let other = messages.iter().position(|message| !instruction(message));
    let nodes = node.array()?;
    let slices = first.into_iter().chain(other);
    Ok(slices
        .filter_map(|index| nodes.get(index))
        .map(|node| body.slice_ref(node.raw().as_bytes()))
        .collect())
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
