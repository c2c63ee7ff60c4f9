//! Invoke, for Anthropic's models: their own format, with the model and the wish for a
//! stream in the path.

use plugway_formats::anthropic_messages::{self, Envelope};
use plugway_sdk::chat::{Failure, Header, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};

use crate::encode::post;
use crate::memo::Memo;
use crate::model::Family;
use crate::options::Options;

/// Of Anthropic's API, as the service has it.
const VERSION: &str = "bedrock-2023-05-31";

pub(crate) fn encode(
    request: &Request,
    endpoint: &Endpoint,
    options: &Options,
) -> Result<UpstreamRequest, Failure> {
    let envelope = Envelope {
        model: false,
        stream: false,
        version: Some(VERSION),
        betas: true,
        fetches: false,
    };
    let body = anthropic_messages::encode(request, endpoint, envelope)?;
    let method = if request.streaming { "invoke-with-response-stream" } else { "invoke" };
    let mut upstream = post(&request.model, method, body);
    upstream.headers.extend(headers(options)?);
    upstream.memo = Memo::new(&request.dialect, Family::Anthropic).to_text();
    Ok(upstream)
}

/// What Converse says in its body.
fn headers(options: &Options) -> Result<Vec<Header>, Failure> {
    let mut headers = Vec::new();
    if let Some(latency) = &options.latency {
        headers.push(("x-amzn-bedrock-performanceconfig-latency".into(), latency.clone()));
    }
    if let Some(guardrail) = options.guardrail()? {
        headers.push(("x-amzn-bedrock-guardrailidentifier".into(), guardrail.identifier));
        headers.push(("x-amzn-bedrock-guardrailversion".into(), guardrail.version));
        headers.extend(guardrail.trace.map(|trace| ("x-amzn-bedrock-trace".into(), trace)));
    }
    Ok(headers)
}
