//! A chat request as the body of a message to be created.

mod blocks;
mod media;
mod messages;
mod output;
mod sampling;
mod tools;
mod tuning;

use plugway_sdk::chat::{
    CachePoint, Failure, Media, MediaSource, PartBody, Request, ResultBody, ResultPart,
};
use plugway_sdk::provider::Endpoint;

use crate::anthropic_messages::model::Model;
use crate::anthropic_messages::{DIALECT, Envelope};
use crate::json::{Json, Object};
use crate::report::must_fetch;
use messages::Conversation;
use output::Thinking;

pub use output::{JSON_INSTRUCTION, wants_reasoning};
pub use tuning::Tuning;

/// The API insists on a limit: tokens, where neither client nor catalogue names one.
const DEFAULT_MAX_TOKENS: u32 = 4096;

/// Native fields that say how to answer, which a question for the number of tokens
/// must not hold.
const UNCOUNTED: [&str; 2] = ["container", "inference_geo"];

/// The beta that file ids belong to.
const FILES_BETA: &str = "files-api-2025-04-14";

pub(super) fn encode(
    request: &Request,
    endpoint: &Endpoint,
    envelope: Envelope<'_>,
) -> Result<Vec<u8>, Failure> {
    refuse(request)?;
    refuse_unfetched(request, envelope)?;
    let model = Model::of(&request.model, endpoint)?;
    let limit = request.max_tokens.or(endpoint.max_output_tokens);
    let thinking = Thinking::of(request, &model, limit, is_native(request))?;
    let stop = sampling::stop_sequences(request)?;
    let sampling = sampling::of(request, &model, thinking.is_on(), is_native(request));
    let max_tokens = thinking.max_tokens;

    let body = prompt(request, &model, thinking, envelope)?
        .with("max_tokens", max_tokens)
        .with_some("temperature", sampling.temperature)
        .with_some("top_p", sampling.top_p)
        .with_some("top_k", sampling.top_k)
        .with_some("stop_sequences", non_empty(stop))
        .with_some("service_tier", output::service_tier(request))
        .with_some("metadata", metadata(request))
        .with_some("stream", (envelope.stream && request.streaming).then_some(true));
    let extra = if is_native(request) { request.extra.as_slice() } else { &[] };
    Json::from(body.with_extra(extra.iter())?).to_bytes()
}

pub(super) fn encode_count(
    request: &Request,
    endpoint: &Endpoint,
    envelope: Envelope<'_>,
) -> Result<Vec<u8>, Failure> {
    refuse_unfetched(request, envelope)?;
    let model = Model::of(&request.model, endpoint)?;
    let limit = request.max_tokens.or(endpoint.max_output_tokens);
    let thinking = Thinking::of(request, &model, limit, is_native(request))?;
    let body = prompt(request, &model, thinking, envelope)?;
    let extra = if is_native(request) { request.extra.as_slice() } else { &[] };
    let counted = extra.iter().filter(|(name, _)| !UNCOUNTED.contains(&name.as_str()));
    Json::from(body.with_extra(counted)?).to_bytes()
}

/// Whether the client speaks this provider's own dialect.
fn is_native(request: &Request) -> bool {
    request.dialect == DIALECT
}

/// Refuses what would change the meaning of the answer if it were dropped.
fn refuse(request: &Request) -> Result<(), Failure> {
    let unsupported = |what| Err(Failure::unsupported(format!("Anthropic has no {what}")));
    if request.choices > 1 {
        return unsupported("way to give several choices");
    }
    if request.sampling.top_logprobs.is_some() {
        return unsupported("log probabilities");
    }
    if request.modalities.iter().any(|kind| kind != "text") {
        return unsupported("output other than text");
    }
    Ok(())
}

/// What is read before the answer begins, and all that bears on how it is read.
fn prompt<'a>(
    request: &'a Request,
    model: &Model,
    thinking: Thinking<'a>,
    envelope: Envelope<'a>,
) -> Result<Object<'a>, Failure> {
    let Conversation { mut system, turns } = messages::conversation(request, model)?;
    system.extend(output::json_instruction(request));
    let tools = tools::tools(request, model)?;
    let tool_choice = if tools.is_empty() { None } else { tools::choice(request)? };
    thinking.check_tool_choice(request, tool_choice.is_some())?;
    let betas = if envelope.betas { betas(request) } else { Vec::new() };
    let betas = betas.into_iter().map(Json::from).collect();
    Ok(Object::new()
        .with_some("anthropic_version", envelope.version)
        .with_some("anthropic_beta", non_empty(betas))
        .with_some("model", envelope.model.then_some(&request.model))
        .with_some("system", non_empty(system))
        .with("messages", turns)
        .with_some("tools", non_empty(tools))
        .with_some("tool_choice", tool_choice)
        .with_some("output_config", output::config(request, model, &thinking)?)
        .with_some("thinking", thinking.into_field())
        .with_some("cache_control", request.auto_cache.as_ref().map(cache_control)))
}

fn metadata(request: &Request) -> Option<Object<'_>> {
    let user = request.user.as_ref()?;
    Some(Object::new().with("user_id", user))
}

/// A breakpoint of the prompt cache. Times to live that the API has not are left to
/// its default.
fn cache_control(point: &CachePoint) -> Object<'_> {
    let ttl = point.ttl.as_deref();
    let known = ttl.filter(|ttl| matches!(*ttl, "5m" | "1h"));
    Object::of_type("ephemeral").with_some("ttl", known)
}

fn non_empty(values: Vec<Json<'_>>) -> Option<Vec<Json<'_>>> {
    (!values.is_empty()).then_some(values)
}

/// The beta features that the client asked for, and those that the request needs.
pub(super) fn betas(request: &Request) -> Vec<&str> {
    let mut betas: Vec<&str> = Vec::new();
    if is_native(request) {
        let headers = request.headers.iter();
        let values = headers.filter(|(name, _)| name == "anthropic-beta");
        betas.extend(values.flat_map(|(_, value)| value.split(',').map(str::trim)));
    }
    if uses_files(request) && !betas.contains(&FILES_BETA) {
        betas.push(FILES_BETA);
    }
    betas
}

fn uses_files(request: &Request) -> bool {
    media(request).any(|media| matches!(media.source, MediaSource::FileId(_)))
}

fn refuse_unfetched(request: &Request, envelope: Envelope<'_>) -> Result<(), Failure> {
    let uri = media(request).find_map(|media| match &media.source {
        MediaSource::Uri(uri) => Some(uri),
        _ => None,
    });
    match uri {
        Some(uri) if !envelope.fetches => Err(must_fetch(uri)),
        _ => Ok(()),
    }
}

/// All media of the conversation, also those that tools returned.
fn media(request: &Request) -> impl Iterator<Item = &Media> {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    parts.flat_map(|part| match &part.body {
        PartBody::Media(media) => vec![media],
        PartBody::ToolResult(result) => result.content.iter().filter_map(result_media).collect(),
        _ => Vec::new(),
    })
}

fn result_media(part: &ResultPart) -> Option<&Media> {
    match &part.body {
        ResultBody::Media(media) => Some(media),
        _ => None,
    }
}
