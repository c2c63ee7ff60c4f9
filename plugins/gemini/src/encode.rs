//! A chat request as the body of `generateContent`.

mod contents;
mod generation;
mod media;
mod parts;
mod results;
mod thinking;
mod tools;

use plugway_formats::json::{Json, Object, raw};
use plugway_sdk::chat::{Extra, Failure, Request};
use plugway_sdk::provider::UpstreamRequest;
use serde_json::value::to_raw_value;

use crate::model::Model;
use crate::options::Options;
use crate::{DIALECT, path};
use contents::Conversation;

/// Vertex takes the tier from headers, not from the body.
const VERTEX_REQUEST_TYPE: &str = "x-vertex-ai-llm-request-type";
const VERTEX_SHARED_TYPE: &str = "x-vertex-ai-llm-shared-request-type";

/// What decides how a part, a tool or a wish is written.
pub(crate) struct Context<'a> {
    pub(crate) options: &'a Options,
    pub(crate) model: Model,
    /// The client speaks this provider's own dialect.
    pub(crate) native: bool,
}

impl<'a> Context<'a> {
    pub(crate) fn of(request: &Request, options: &'a Options) -> Self {
        let model = Model::of(&request.model, options);
        Self { options, model, native: request.dialect == DIALECT }
    }

    /// Native fields, where this provider can read them.
    fn extra<'b>(&self, extra: &'b [Extra]) -> &'b [Extra] {
        if self.native { extra } else { &[] }
    }
}

pub(crate) fn encode(request: &Request, options: &Options) -> Result<UpstreamRequest, Failure> {
    let context = Context::of(request, options);
    let body = Json::from(body(request, &context)?).to_bytes()?;

    let method = if request.streaming { "streamGenerateContent" } else { "generateContent" };
    let mut path = path::method(options, &request.model, method)?;
    if request.streaming {
        path.push_str("?alt=sse");
    }
    let mut upstream = UpstreamRequest::post_json(path, body);
    upstream.headers.extend(headers(request, &context));
    // The decoder must know whether native values may be written.
    upstream.memo.clone_from(&request.dialect);
    Ok(upstream)
}

/// The body of a request.
pub(crate) fn body<'a>(request: &'a Request, context: &Context<'_>) -> Result<Object<'a>, Failure> {
    let tier = tier(request, context).filter(|_| !context.options.is_vertex());
    prompt(request, context)?
        .with_some("toolConfig", tools::config(request, context)?)
        .with_some("serviceTier", tier)
        .with_extra(context.extra(&request.extra))
}

/// What of a request is read, and how much may be written.
pub(crate) fn prompt<'a>(
    request: &'a Request,
    context: &Context<'_>,
) -> Result<Object<'a>, Failure> {
    let Conversation { system, contents } = contents::conversation(request, context)?;
    Ok(Object::new()
        .with_some("systemInstruction", system)
        .with("contents", contents)
        .with_some("tools", non_empty(tools::tools(request, context)?))
        .with_some("generationConfig", generation::config(request, context)?))
}

/// The nearest tier that the API has; none for its default.
fn tier<'a>(request: &'a Request, context: &Context<'_>) -> Option<&'a str> {
    match request.service_tier.as_deref()? {
        tier @ ("flex" | "priority") => Some(tier),
        // Whoever speaks the dialect has said so in the API's own word.
        "default" => context.native.then_some("standard"),
        tier => context.native.then_some(tier),
    }
}

fn headers(request: &Request, context: &Context<'_>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    if let (true, Some(tier)) = (context.options.is_vertex(), tier(request, context)) {
        headers.push((VERTEX_REQUEST_TYPE.into(), "shared".into()));
        headers.push((VERTEX_SHARED_TYPE.into(), tier.into()));
    }
    if context.native {
        let known = |name: &str| name.starts_with("x-vertex-ai-llm-");
        headers.extend(request.headers.iter().filter(|(name, _)| known(name)).cloned());
    }
    headers
}

/// A native value, which only a client of this dialect can have sent.
fn native_value<'a>(json: &'a str, context: &Context<'_>) -> Result<Json<'a>, Failure> {
    if !context.native {
        return Err(Failure::unsupported(
            "Gemini does not read the native values of other providers",
        ));
    }
    Ok(raw(json, "contents")?.into())
}

/// A text of this adapter's making.
pub(crate) fn word(text: impl AsRef<str>) -> Json<'static> {
    to_raw_value(text.as_ref()).map_or(Json::Null, Json::from)
}

/// A number that may be negative.
fn integer(number: i64) -> Json<'static> {
    to_raw_value(&number).map_or(Json::Null, Json::from)
}

fn non_empty(values: Vec<Json<'_>>) -> Option<Vec<Json<'_>>> {
    (!values.is_empty()).then_some(values)
}
