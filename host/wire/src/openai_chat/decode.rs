//! From a client's body to a call.

use std::fmt;

use bytes::Bytes;
use plugway_engine::chat;

use super::messages::Conversation;
use super::{DIALECT, Routing, needs, options, routing, tools};
use crate::BadRequest;
use crate::json::{self, Fields, Node};
use crate::seal::{Sealer, Seals};

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

/// Pairs that `metadata` may have, and characters of their names and values.
const MAX_METADATA: (usize, usize, usize) = (16, 64, 512);

/// How to decode.
#[derive(Clone, Copy, Debug)]
pub struct DecodeOptions {
    /// Text of at most so many bytes, as it stands in the body, is not sealed.
    pub seal_min_bytes: usize,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self { seal_min_bytes: 64 }
    }
}

/// What a client asks for. `Debug` shows no content.
#[derive(Clone)]
pub struct ChatCall {
    /// With seals. The model is the client's word for it, empty where it named none;
    /// `user` is not set: see [`ChatCall::user`].
    pub request: chat::Request,
    /// Behind the request's tokens.
    pub seals: Seals,
    /// Where the client would like it served.
    pub routing: Routing,
    /// What the request makes use of: `tools`, `freeform-tools`, `native-tools`,
    /// `images`, `documents`, `audio`, `video`, `json`, `json-schema`, `reasoning`,
    /// `logprobs`, `several-choices`, `streaming`, `image-output`, `audio-output`.
    pub needs: Vec<&'static str>,
    /// OpenAI's names of the parameters that are set.
    pub parameters: Vec<&'static str>,
    /// The request holds a `native` case, which only this dialect's family reads.
    pub native: bool,
    /// Who can read the conversation's signatures and encrypted reasoning.
    pub reasoning_formats: Vec<String>,
    /// The answer is to show its reasoning.
    pub include_reasoning: bool,
    /// The raw id of the end user, to be made a pseudonym of and never forwarded.
    pub user: Option<String>,
    /// Groups requests for the same endpoint; beats the header of that name.
    pub session_id: Option<String>,
    /// What a conversation begins with and keeps: the first instruction and the
    /// first other message, as raw JSON. To be hashed into a conversation's key.
    pub opening: Vec<Bytes>,
    /// The client's own labels.
    pub metadata: Vec<(String, String)>,
    /// Name and JSON of the fields that speak to the router: `plugins`, `preset`,
    /// `transforms`, `trace`, `debug` and others. Not interpreted here.
    pub router_fields: Vec<(String, String)>,
    /// Bytes of text in messages, reasoning, calls and tools; for an estimate.
    pub approx_prompt_bytes: usize,
    /// Media in the messages.
    pub media: u32,
    /// JSON values in the body: beside its bytes, what the call takes grows with them.
    pub values: usize,
}

impl fmt::Debug for ChatCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatCall")
            .field("routing", &self.routing)
            .field("needs", &self.needs)
            .field("messages", &self.request.messages.len())
            .field("approx_prompt_bytes", &self.approx_prompt_bytes)
            .finish_non_exhaustive()
    }
}

/// Reads the body of a chat completion request. Text is neither copied nor
/// unescaped where it is long enough to be sealed.
///
/// # Errors
/// Where the body is not what the dialect asks for; the first fault is named.
pub fn decode(body: Bytes, options: &DecodeOptions) -> Result<ChatCall, BadRequest> {
    let whole = |message: String| BadRequest::at(String::new(), "invalid_json", message);
    let text = std::str::from_utf8(&body).map_err(|_| whole("is not valid UTF-8".to_owned()))?;
    let values = json::check(text).map_err(|flaw| whole(flaw.to_string()))?;
    let root = Node::root(text);
    let mut fields = root.object()?;

    let sealer = Sealer::new(body.clone(), options.seal_min_bytes);
    let mut conversation = Conversation::new(sealer);
    let messages_node = fields.need("messages")?;
    let messages = conversation.messages(&messages_node)?;
    let opening = opening(&body, &messages_node, &messages)?;

    let routing = routing::routing(&mut fields)?;
    let reasoning = options::reasoning(&mut fields)?;
    let labels = Labels::take(&mut fields)?;
    let mut request = request(&mut fields, messages)?;
    request.model = routing.models.first().cloned().unwrap_or_default();
    request.reasoning = reasoning;
    request.extra = labels.forwarded;
    let (router_fields, extra) =
        fields.rest()?.into_iter().partition(|(name, _)| ROUTER_FIELDS.contains(&name.as_str()));
    request.extra.extend::<Vec<_>>(extra);

    let needs = needs::needs(&request);
    Ok(ChatCall {
        needs,
        parameters: needs::parameters(&request),
        native: conversation.native || needs::native(&request),
        reasoning_formats: needs::reasoning_formats(&request.messages),
        include_reasoning: request.reasoning.as_ref().is_none_or(|it| !it.hidden),
        user: labels.user,
        session_id: labels.session_id,
        opening,
        metadata: labels.metadata,
        router_fields,
        approx_prompt_bytes: conversation.text_bytes + needs::tool_bytes(&request.tools),
        media: conversation.media,
        values,
        seals: conversation.finish(),
        routing,
        request,
    })
}

/// All of the request but model, reasoning and what is native.
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
    Ok(chat::Request {
        model: String::new(),
        dialect: DIALECT.to_owned(),
        headers: Vec::new(),
        messages,
        tools: tools::tools(fields)?,
        tool_choice: tools::tool_choice(fields)?,
        parallel_tool_calls: fields.boolean("parallel_tool_calls")?,
        response_format: tools::response_format(fields)?,
        sampling: options::sampling(fields)?,
        choices: options::choices(fields)?,
        max_tokens: options::max_tokens(fields)?,
        reasoning: None,
        modalities: fields.strings("modalities")?,
        verbosity: fields.string("verbosity")?,
        service_tier: options::service_tier(fields)?,
        user: None,
        cache_key: fields.string("prompt_cache_key")?,
        auto_cache: options::cache_point(fields)?,
        streaming: options::streaming(fields)?,
        extra: Vec::new(),
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
        let user = fields.string("user")?;
        // The newer name for the same thing.
        let safety_identifier = fields.string("safety_identifier")?;
        let session = fields.take("session_id");
        let session_id = session.map(|node| node.string()).transpose()?;
        if let (Some(node), Some(id)) = (session, &session_id)
            && id.chars().count() > MAX_SESSION_ID
        {
            let message = format!("must have at most {MAX_SESSION_ID} characters");
            return Err(node.invalid(message));
        }
        let mut labels = Self {
            user: user.or(safety_identifier),
            session_id,
            metadata: Vec::new(),
            forwarded: Vec::new(),
        };
        if let Some(node) = fields.take("metadata") {
            labels.metadata = metadata(&node)?;
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

fn metadata(node: &Node<'_, '_>) -> Result<Vec<(String, String)>, BadRequest> {
    let (pairs, name_length, value_length) = MAX_METADATA;
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
    if metadata.len() > pairs {
        return Err(node.invalid(format!("must have at most {pairs} fields")));
    }
    Ok(metadata)
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
