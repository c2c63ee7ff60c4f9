//! A chat request as the body of Converse.

mod blocks;
mod media;
mod output;
mod tools;
mod tuning;
mod turns;

use plugway_formats::anthropic_messages;
use plugway_formats::json::{Json, Object};
use plugway_formats::path::percent_encoded;
use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, Framing, UpstreamRequest};

use crate::DIALECT;
use crate::memo::Memo;
use crate::model::Family;
use crate::options::Options;
use tuning::Tuned;
use turns::Conversation;

pub(crate) fn encode(
    request: &Request,
    endpoint: &Endpoint,
    options: &Options,
) -> Result<UpstreamRequest, Failure> {
    refuse(request)?;
    let tuned = Tuned::of(request, endpoint, options)?;
    let paths = tuned.response_paths();
    let body = Object::new()
        .with_some("inferenceConfig", tuned.inference(request))
        .with_some("outputConfig", output::format(request, &tuned)?)
        .with_some("serviceTier", output::service_tier(request))
        .with_some("performanceConfig", options.latency.as_ref().map(output::performance))
        .with_some("guardrailConfig", options.guardrail.as_deref())
        .with_some("additionalModelResponseFieldPaths", paths);
    let body = prompt(request, options, tuned, body)?;
    let extra = request.extra.iter().filter(|_| is_native(request));
    let body = Json::from(body.with_extra(extra)?).to_bytes()?;

    let method = if request.streaming { "converse-stream" } else { "converse" };
    let mut upstream = post(&request.model, method, body);
    upstream.memo = Memo::new(&request.dialect, options.model.family).to_text();
    Ok(upstream)
}

/// The body with what is read before the answer begins, and all that bears on how it is
/// read.
pub(crate) fn prompt<'a>(
    request: &'a Request,
    options: &Options,
    tuned: Tuned<'a>,
    body: Object<'a>,
) -> Result<Object<'a>, Failure> {
    let Conversation { mut system, turns } = turns::conversation(request, options)?;
    system.extend(output::json_instruction(request));
    Ok(body
        .with_some("system", non_empty(system))
        .with("messages", turns)
        .with_some("toolConfig", tools::config(request, options, &tuned)?)
        .with_some("additionalModelRequestFields", tuned.into_additional()))
}

/// What Converse is told of a prompt that is only counted.
pub(crate) fn counted<'a>(
    request: &'a Request,
    endpoint: &Endpoint,
    options: &Options,
) -> Result<Object<'a>, Failure> {
    let tuned = Tuned::of(request, endpoint, options)?;
    let body = prompt(request, options, tuned, Object::new())?;
    let is_read = |name: &str| matches!(name, "additionalModelRequestFields" | "toolConfig");
    body.with_extra(request.extra.iter().filter(|(name, _)| is_native(request) && is_read(name)))
}

/// A request to one of a model's endpoints.
pub(crate) fn post(model: &str, method: &str, body: Vec<u8>) -> UpstreamRequest {
    let path = format!("/model/{}/{method}", percent_encoded(model));
    UpstreamRequest { framing: Framing::AwsEventStream, ..UpstreamRequest::post_json(path, body) }
}

/// Whether the client speaks Converse.
fn is_native(request: &Request) -> bool {
    request.dialect == DIALECT
}

/// Whether the client speaks the format of the model's own family, so that its values
/// need no adjusting.
fn is_of_family(request: &Request, family: Family) -> bool {
    is_native(request)
        || family == Family::Anthropic && request.dialect == anthropic_messages::DIALECT
}

/// Refuses what would change the meaning of the answer if it were dropped.
fn refuse(request: &Request) -> Result<(), Failure> {
    let unsupported = |what| Err(Failure::unsupported(format!("Bedrock has no {what}")));
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

fn non_empty(values: Vec<Json<'_>>) -> Option<Vec<Json<'_>>> {
    (!values.is_empty()).then_some(values)
}
