//! Hands the host 100 megabytes.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave};

/// Much ado about nothing.
pub struct HugeOutput;

impl Misbehave for HugeOutput {
    fn encode(_: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        Ok(UpstreamRequest::post_json("/chat", vec![b' '; 100_000_000]))
    }
}

plugway_sdk::export!(provider: Adapter<HugeOutput>);
