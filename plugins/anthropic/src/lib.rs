//! Anthropic's Messages API as a Plugway provider: requests become `POST messages`,
//! answers become chat events, whole or streamed; `POST messages/count_tokens` counts a
//! prompt and `GET models` lists the models. The format itself, and what it cannot
//! say, is in `plugway_formats::anthropic_messages`.
//!
//! Options of an endpoint: those of the format, and `version` (of the API, a string).

mod models;

use plugway_formats::anthropic_messages::{
    self, DIALECT, Decoder, Envelope, REASONING_FORMAT, SUPPORTED_PARAMETERS,
};
use plugway_sdk::chat::{Event, Failure, Header, Request};
use plugway_sdk::provider::{
    AuthScheme, Endpoint, Info, Provider, UpstreamRequest, UpstreamResponse,
};
use plugway_sdk::token_count::TokenCount;

/// Of the API; the endpoint's option `version` overrides it.
const API_VERSION: &str = "2023-06-01";

/// All that is not said in the body is said in headers.
const ENVELOPE: Envelope<'_> =
    Envelope { model: true, stream: true, version: None, betas: false, fetches: true };

/// The adapter.
pub struct Anthropic;

impl Provider for Anthropic {
    type Decoder = Decoder;

    fn describe() -> Info {
        Info {
            name: "anthropic".into(),
            default_base_url: Some("https://api.anthropic.com/v1".into()),
            auth: vec![AuthScheme::Header("x-api-key".into()), AuthScheme::Bearer],
            dialects: vec![DIALECT.into()],
            reasoning_formats: vec![REASONING_FORMAT.into()],
            supported_parameters: SUPPORTED_PARAMETERS.map(Into::into).into(),
        }
    }

    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        let body = anthropic_messages::encode(&request, &endpoint, ENVELOPE)?;
        let mut upstream = UpstreamRequest::post_json("messages", body);
        upstream.headers.extend(headers(&request, &endpoint)?);
        // The decoder must know whether native values may be written.
        upstream.memo = request.dialect;
        Ok(upstream)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Vec<Event> {
        anthropic_messages::decode(&response.body, &memo)
    }

    fn explain(response: UpstreamResponse) -> Failure {
        anthropic_messages::explain(&response)
    }
}

impl TokenCount for Anthropic {
    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        let body = anthropic_messages::encode_count(&request, &endpoint, ENVELOPE)?;
        let mut upstream = UpstreamRequest::post_json("messages/count_tokens", body);
        upstream.headers.extend(headers(&request, &endpoint)?);
        Ok(upstream)
    }

    fn decode(response: UpstreamResponse, _: String) -> Result<u64, Failure> {
        anthropic_messages::decode_count(&response.body)
    }
}

fn headers(request: &Request, endpoint: &Endpoint) -> Result<Vec<Header>, Failure> {
    let mut headers = vec![version(endpoint)?];
    let betas = anthropic_messages::betas(request);
    if !betas.is_empty() {
        headers.push(("anthropic-beta".into(), betas.join(",")));
    }
    Ok(headers)
}

fn version(endpoint: &Endpoint) -> Result<Header, Failure> {
    let version: Option<String> = endpoint.option("version")?;
    Ok(("anthropic-version".into(), version.unwrap_or_else(|| API_VERSION.to_owned())))
}

plugway_sdk::export!(provider: Anthropic);
plugway_sdk::export!(token_count: Anthropic);
plugway_sdk::export!(models: Anthropic);
