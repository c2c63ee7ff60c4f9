//! Sets the header that its endpoint's options spell.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post, told};

/// Speaks for the host.
pub struct OddHeader;

impl Misbehave for OddHeader {
    fn encode(request: &Request, endpoint: &Endpoint) -> Result<UpstreamRequest, Failure> {
        let header = (told(endpoint, "name"), told(endpoint, "value"));
        Ok(UpstreamRequest { headers: vec![header], ..post(request) })
    }
}

plugway_sdk::export!(provider: Adapter<OddHeader>);
