//! Anthropic's models on Vertex: the Messages API behind `rawPredict`, with the model in
//! the path and the version of the API in the body.

use plugway_formats::anthropic_messages::{self, Envelope};
use plugway_formats::json::Fields;
use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};

use crate::options::Options;
use crate::path;

/// What Vertex calls its version of the API.
const VERSION: &str = "vertex-2023-10-16";

/// Stands in a path where a model would, to count tokens.
const COUNTER: &str = "count-tokens";

/// Begins the memo of requests in this format; the client's dialect follows.
const MEMO: &str = "anthropic ";

const ENVELOPE: Envelope<'_> =
    Envelope { model: false, stream: true, version: Some(VERSION), betas: false, fetches: false };

pub(crate) fn encode(
    request: &Request,
    endpoint: &Endpoint,
    options: &Options,
) -> Result<UpstreamRequest, Failure> {
    let method = if request.streaming { "streamRawPredict" } else { "rawPredict" };
    let path = path::method(options, &request.model, method)?;
    let body = anthropic_messages::encode(request, endpoint, ENVELOPE)?;
    Ok(upstream(request, path, body))
}

pub(crate) fn encode_count(
    request: &Request,
    endpoint: &Endpoint,
    options: &Options,
) -> Result<UpstreamRequest, Failure> {
    let path = path::method(options, COUNTER, "rawPredict")?;
    let envelope = Envelope { model: true, stream: false, ..ENVELOPE };
    let body = anthropic_messages::encode_count(request, endpoint, envelope)?;
    Ok(upstream(request, path, body))
}

/// The dialect of the client, where the memo is of a request in this format.
pub(crate) fn dialect(memo: &str) -> Option<&str> {
    memo.strip_prefix(MEMO)
}

/// Whether a body is an error of this format, not one of Google's.
pub(crate) fn is_error(body: &[u8]) -> bool {
    let body = std::str::from_utf8(body).ok().and_then(Fields::read);
    body.is_some_and(|body| body.text("type").as_deref() == Some("error"))
}

fn upstream(request: &Request, path: String, body: Vec<u8>) -> UpstreamRequest {
    let mut upstream = UpstreamRequest::post_json(path, body);
    let betas = anthropic_messages::betas(request);
    if !betas.is_empty() {
        upstream.headers.push(("anthropic-beta".into(), betas.join(",")));
    }
    upstream.memo = format!("{MEMO}{}", request.dialect);
    upstream
}
