//! Asks with the method that its endpoint's options spell.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post, told};

/// Neither gets nor posts.
pub struct OddMethod;

impl Misbehave for OddMethod {
    fn encode(request: &Request, endpoint: &Endpoint) -> Result<UpstreamRequest, Failure> {
        Ok(UpstreamRequest { method: told(endpoint, "method"), ..post(request) })
    }
}

plugway_sdk::export!(provider: Adapter<OddMethod>);
