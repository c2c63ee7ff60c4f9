//! The number of tokens of a prompt. It is asked for in Converse's words for either
//! API: Invoke's would hold the prompt as base64, in which sealed texts cannot travel.

use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, Framing, UpstreamRequest, UpstreamResponse};
use plugway_sdk::token_count::TokenCount;
use serde::Deserialize;

use crate::decode::unreadable;
use crate::options::Options;
use crate::{Bedrock, encode};

impl TokenCount for Bedrock {
    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        let options = Options::of(&request.model, &endpoint)?;
        let prompt = encode::counted(&request, &endpoint, &options)?;
        let body = Object::new().with("input", Object::new().with("converse", prompt));
        let body = Json::from(body).to_bytes()?;
        let upstream = encode::post(&request.model, "count-tokens", body);
        Ok(UpstreamRequest { framing: Framing::Raw, ..upstream })
    }

    fn decode(response: UpstreamResponse, _: String) -> Result<u64, Failure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Count {
            input_tokens: u64,
        }
        let count: Result<Count, _> = serde_json::from_slice(&response.body);
        count.map(|count| count.input_tokens).map_err(|_| unreadable())
    }
}
