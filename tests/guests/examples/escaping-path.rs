//! Asks for the path that its endpoint's options spell.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post, told};

/// Wants out.
pub struct EscapingPath;

impl Misbehave for EscapingPath {
    fn encode(request: &Request, endpoint: &Endpoint) -> Result<UpstreamRequest, Failure> {
        Ok(UpstreamRequest { path: told(endpoint, "path"), ..post(request) })
    }
}

plugway_sdk::export!(provider: Adapter<EscapingPath>);
