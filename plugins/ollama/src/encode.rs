//! A chat request as the body of `POST api/chat`.

mod assistant;
mod media;
mod messages;
mod tools;

use plugway_formats::json::{Json, Object, raw};
use plugway_sdk::chat::{Failure, ReasoningOptions, Request, ResponseFormat};
use plugway_sdk::provider::{Endpoint, Framing, UpstreamRequest};
use serde_json::value::to_raw_value;

use crate::DIALECT;

/// In names of models whose thinking has levels.
const LEVELED: &str = "gpt-oss";

pub(crate) fn encode(request: &Request, endpoint: &Endpoint) -> Result<UpstreamRequest, Failure> {
    refuse(request)?;
    let body = body(request, endpoint)?;
    let mut upstream = UpstreamRequest::post_json("api/chat", Json::from(body).to_bytes()?);
    if is_native(request) {
        upstream.headers.extend(request.headers.iter().cloned());
    }
    upstream.framing = Framing::Ndjson;
    // The decoder must know whether native values may be written.
    upstream.memo.clone_from(&request.dialect);
    Ok(upstream)
}

/// Whether the client speaks this server's own dialect.
fn is_native(request: &Request) -> bool {
    request.dialect == DIALECT
}

/// Refuses what would change the meaning of the answer if it were dropped.
fn refuse(request: &Request) -> Result<(), Failure> {
    let unsupported = |what| Err(Failure::unsupported(format!("Ollama has no {what}")));
    if request.choices > 1 {
        return unsupported("way to give several choices");
    }
    if request.modalities.iter().any(|kind| kind != "text") {
        return unsupported("output other than text");
    }
    Ok(())
}

fn body<'a>(request: &'a Request, endpoint: &Endpoint) -> Result<Object<'a>, Failure> {
    let tools = tools::tools(request)?;
    let options = options(request);
    let alternatives = request.sampling.top_logprobs;
    let body = Object::new()
        .with("model", &request.model)
        .with("messages", messages::messages(request)?)
        .with_some("tools", (!tools.is_empty()).then_some(tools))
        .with_some("format", format(request)?)
        .with_some("think", think(request, endpoint)?)
        .with_some("options", (!options.is_empty()).then_some(options))
        .with_some("logprobs", alternatives.map(|_| true))
        .with_some("top_logprobs", alternatives.filter(|it| *it > 0).map(u32::from))
        // Its default is to stream.
        .with("stream", request.streaming);
    if is_native(request) {
        return body.with_extra(&request.extra);
    }
    Ok(body)
}

/// A native value, which only a client of this dialect can have sent.
fn native_value(json: &str, is_native: bool) -> Result<Json<'_>, Failure> {
    if !is_native {
        return Err(Failure::unsupported(
            "Ollama does not read the native values of other providers",
        ));
    }
    Ok(raw(json, "messages")?.into())
}

fn options(request: &Request) -> Object<'_> {
    let asked = &request.sampling;
    let stop: Vec<Json<'_>> = asked.stop.iter().map(Json::from).collect();
    Object::new()
        .with_some("num_predict", request.max_tokens)
        .with_some("temperature", asked.temperature)
        .with_some("top_k", asked.top_k)
        .with_some("top_p", asked.top_p)
        .with_some("min_p", asked.min_p)
        .with_some("repeat_penalty", asked.repetition_penalty)
        .with_some("presence_penalty", asked.presence_penalty)
        .with_some("frequency_penalty", asked.frequency_penalty)
        .with_some("seed", asked.seed.and_then(|seed| to_raw_value(&seed).ok()))
        .with_some("stop", (!stop.is_empty()).then_some(stop))
}

fn format(request: &Request) -> Result<Option<Json<'_>>, Failure> {
    Ok(match &request.response_format {
        None | Some(ResponseFormat::Text) => None,
        Some(ResponseFormat::JsonObject) => Some("json".into()),
        Some(ResponseFormat::JsonSchema(format)) => {
            Some(raw(&format.schema, "response_format.json_schema.schema")?.into())
        }
        Some(ResponseFormat::Native(json)) => Some(native_value(json, is_native(request))?),
    })
}

/// Whether, and in some models how hard, to think; none for the model's default.
fn think<'a>(request: &'a Request, endpoint: &Endpoint) -> Result<Option<Json<'a>>, Failure> {
    let Some(options) = &request.reasoning else {
        return Ok(None);
    };
    let effort = options.effort.as_deref();
    if options.enabled == Some(false) || effort == Some("none") {
        return Ok(Some(false.into()));
    }
    if let (true, Some(level)) = (is_native(request), effort) {
        return Ok(Some(level.into()));
    }
    let leveled = endpoint.option("think_levels")?;
    let leveled = leveled.unwrap_or_else(|| request.model.contains(LEVELED));
    Ok(match level(options) {
        Some(level) if leveled => Some(level.into()),
        Some(_) => Some(true.into()),
        None => options.enabled.map(Json::from),
    })
}

/// The nearest level to what is wanted; none where the client leaves that open.
fn level(options: &ReasoningOptions) -> Option<&'static str> {
    match (options.effort.as_deref(), options.max_tokens) {
        (Some("minimal" | "low"), _) => Some("low"),
        (Some("high" | "xhigh" | "max"), _) => Some("high"),
        (Some(_), _) => Some("medium"),
        // What mostly stays within such a budget.
        (None, Some(0..=4096)) => Some("low"),
        (None, Some(4097..=16_384)) => Some("medium"),
        (None, Some(_)) => Some("high"),
        (None, None) => None,
    }
}
