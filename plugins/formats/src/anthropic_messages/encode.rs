//! A chat request as the body of a message to be created.

mod blocks;
mod media;
mod messages;
mod output;
mod sampling;
mod tools;

use plugway_sdk::chat::{CachePoint, Failure, MediaSource, PartBody, Request, ResultBody};
use plugway_sdk::provider::Endpoint;

use crate::anthropic_messages::model::Model;
use crate::anthropic_messages::{DIALECT, Envelope};
use crate::json::{Json, Object};
use messages::Conversation;
use output::Thinking;

/// The API insists on a limit: tokens, where neither client nor catalogue names one.
const DEFAULT_MAX_TOKENS: u32 = 4096;

/// The beta that file ids belong to.
const FILES_BETA: &str = "files-api-2025-04-14";

pub(super) fn encode(
    request: &Request,
    endpoint: &Endpoint,
    envelope: Envelope<'_>,
) -> Result<Vec<u8>, Failure> {
    refuse(request)?;
    let model = Model::of(&request.model, endpoint)?;
    let body = body(request, endpoint, &model, envelope)?;
    Json::from(body).to_bytes()
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

fn body<'a>(
    request: &'a Request,
    endpoint: &Endpoint,
    model: &Model,
    envelope: Envelope<'a>,
) -> Result<Object<'a>, Failure> {
    let native = is_native(request);
    let Conversation { mut system, turns } = messages::conversation(request, model)?;
    system.extend(output::json_instruction(request));
    let limit = request.max_tokens.or(endpoint.max_output_tokens);
    let thinking = Thinking::of(request, model, limit)?;
    let tools = tools::tools(request, model)?;
    let sampling = sampling::of(request, model, thinking.is_on());
    let stop = sampling::stop_sequences(request)?;
    let tool_choice = if tools.is_empty() { None } else { tools::choice(request)? };
    thinking.check_tool_choice(request, tool_choice.is_some())?;

    let betas = if envelope.betas { betas(request) } else { Vec::new() };
    let betas = betas.into_iter().map(Json::from).collect();
    let body = Object::new()
        .with_some("anthropic_version", envelope.version)
        .with_some("anthropic_beta", non_empty(betas))
        .with_some("model", envelope.model.then_some(&request.model))
        .with("max_tokens", thinking.max_tokens)
        .with_some("system", non_empty(system))
        .with("messages", turns)
        .with_some("tools", non_empty(tools))
        .with_some("tool_choice", tool_choice)
        .with_some("output_config", output::config(request, model, &thinking)?)
        .with_some("thinking", thinking.into_field())
        .with_some("temperature", sampling.temperature)
        .with_some("top_p", sampling.top_p)
        .with_some("top_k", sampling.top_k)
        .with_some("stop_sequences", non_empty(stop))
        .with_some("service_tier", output::service_tier(request))
        .with_some("metadata", metadata(request))
        .with_some("cache_control", request.auto_cache.as_ref().map(cache_control))
        .with_some("stream", (envelope.stream && request.streaming).then_some(true));
    if native {
        return body.with_extra(&request.extra);
    }
    Ok(body)
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
    let is_file = |source: &MediaSource| matches!(source, MediaSource::FileId(_));
    let mut parts = request.messages.iter().flat_map(|message| &message.parts);
    parts.any(|part| match &part.body {
        PartBody::Media(media) => is_file(&media.source),
        PartBody::ToolResult(result) => result.content.iter().any(|part| match &part.body {
            ResultBody::Media(media) => is_file(&media.source),
            _ => false,
        }),
        _ => false,
    })
}
