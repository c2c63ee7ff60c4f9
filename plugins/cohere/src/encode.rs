//! A chat request as the body of `POST chat`.

mod assistant;
mod citations;
pub(crate) mod media;
mod messages;
mod sampling;
mod tools;

use plugway_formats::json::{Json, Object, raw};
use plugway_sdk::chat::{Failure, ReasoningOptions, Request, ResponseFormat};
use plugway_sdk::provider::UpstreamRequest;

use crate::DIALECT;
pub(crate) use citations::SOURCE;

pub(crate) fn encode(request: &Request) -> Result<UpstreamRequest, Failure> {
    refuse(request)?;
    let body = body(request)?;
    let mut upstream = UpstreamRequest::post_json("chat", Json::from(body).to_bytes()?);
    if is_native(request) {
        upstream.headers.extend(request.headers.iter().cloned());
    }
    // The decoder must know whether native values may be written.
    upstream.memo.clone_from(&request.dialect);
    Ok(upstream)
}

/// Whether the client speaks this provider's own dialect.
fn is_native(request: &Request) -> bool {
    request.dialect == DIALECT
}

/// Refuses what would change the meaning of the answer if it were dropped.
fn refuse(request: &Request) -> Result<(), Failure> {
    let unsupported = |what| Err(Failure::unsupported(format!("Cohere has no {what}")));
    if request.choices > 1 {
        return unsupported("way to give several choices");
    }
    if request.sampling.top_logprobs.is_some_and(|alternatives| alternatives > 0) {
        return unsupported("alternatives per token");
    }
    if request.modalities.iter().any(|kind| kind != "text") {
        return unsupported("output other than text");
    }
    Ok(())
}

fn body(request: &Request) -> Result<Object<'_>, Failure> {
    let tools = tools::tools(request)?;
    let tool_choice = if tools.is_empty() { None } else { tools::choice(request)? };
    let strict = tools::strict(request);
    let body = Object::new()
        .with("model", &request.model)
        .with("messages", messages::messages(request)?)
        .with_some("tools", (!tools.is_empty()).then_some(tools))
        .with_some("strict_tools", strict)
        .with_some("tool_choice", tool_choice)
        .with_some("response_format", response_format(request)?)
        .with_some("thinking", request.reasoning.as_ref().and_then(thinking))
        .with_some("max_tokens", request.max_tokens);
    let body = sampling::add(body, request)?.with("stream", request.streaming);
    if is_native(request) {
        return body.with_extra(&request.extra);
    }
    Ok(body)
}

/// A native value, which only a client of this dialect can have sent.
fn native_value(json: &str, is_native: bool) -> Result<Json<'_>, Failure> {
    if !is_native {
        return Err(Failure::unsupported(
            "Cohere does not read the native values of other providers",
        ));
    }
    Ok(raw(json, "messages")?.into())
}

fn response_format(request: &Request) -> Result<Option<Json<'_>>, Failure> {
    let format = match &request.response_format {
        None => return Ok(None),
        Some(ResponseFormat::Native(json)) => {
            return native_value(json, is_native(request)).map(Some);
        }
        Some(ResponseFormat::Text) => Object::of_type("text"),
        Some(ResponseFormat::JsonObject) => Object::of_type("json_object"),
        Some(ResponseFormat::JsonSchema(format)) => {
            let schema = raw(&format.schema, "response_format.json_schema.schema")?;
            Object::of_type("json_object").with("json_schema", schema)
        }
    };
    Ok(Some(format.into()))
}

/// None where the model is to decide.
fn thinking(options: &ReasoningOptions) -> Option<Object<'static>> {
    let off = options.enabled == Some(false) || options.effort.as_deref() == Some("none");
    if off {
        return Some(Object::of_type("disabled"));
    }
    let on =
        options.enabled == Some(true) || options.effort.is_some() || options.max_tokens.is_some();
    on.then(|| Object::of_type("enabled").with_some("token_budget", options.max_tokens))
}
