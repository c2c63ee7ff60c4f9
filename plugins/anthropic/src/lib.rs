//! Anthropic's Messages API as a Plugway provider: requests become `POST messages`,
//! answers become chat events, whole or streamed. The format itself, and what it
//! cannot say, is in `plugway_formats::anthropic_messages`.
//!
//! Options of an endpoint: those of the format, and `version` (of the API, a string).

use plugway_formats::anthropic_messages::{
    self, DIALECT, Decoder, Envelope, REASONING_FORMAT, SUPPORTED_PARAMETERS,
};
use plugway_sdk::chat::{Event, Failure, Header, Request};
use plugway_sdk::provider::{
    AuthScheme, Endpoint, Info, Provider, UpstreamRequest, UpstreamResponse,
};

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

fn headers(request: &Request, endpoint: &Endpoint) -> Result<Vec<Header>, Failure> {
    let version: Option<String> = endpoint.option("version")?;
    let version = version.unwrap_or_else(|| API_VERSION.to_owned());
    let mut headers = vec![("anthropic-version".into(), version)];
    let betas = anthropic_messages::betas(request);
    if !betas.is_empty() {
        headers.push(("anthropic-beta".into(), betas.join(",")));
    }
    Ok(headers)
}

plugway_sdk::export!(provider: Anthropic);
