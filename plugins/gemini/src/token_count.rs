//! `countTokens`: what a request would read, without running it.

use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{UpstreamRequest, UpstreamResponse};
use serde::Deserialize;

use crate::encode::{self, Context};
use crate::options::{Options, Platform};
use crate::path;

pub(crate) fn encode(request: &Request, options: &Options) -> Result<UpstreamRequest, Failure> {
    let context = Context::of(request, options);
    let body = match options.platform {
        // It knows the fields that matter, and refuses the others.
        Platform::Vertex => encode::prompt(request, &context)?,
        Platform::AiStudio => {
            let body = encode::body(request, &context)?;
            if body.is_only("contents") {
                body
            } else {
                // It counts the rest only where it is given a whole request.
                let model = encode::word(path::resource(options, &request.model)?);
                Object::new().with("generateContentRequest", body.with("model", model))
            }
        }
    };
    let path = path::method(options, &request.model, "countTokens")?;
    Ok(UpstreamRequest::post_json(path, Json::from(body).to_bytes()?))
}

pub(crate) fn decode(response: &UpstreamResponse) -> Result<u64, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Counted {
        total_tokens: Option<u64>,
    }
    let counted: Option<Counted> = serde_json::from_slice(&response.body).ok();
    counted
        .and_then(|counted| counted.total_tokens)
        .ok_or_else(|| Failure::unavailable("Google sent a count that cannot be read"))
}
