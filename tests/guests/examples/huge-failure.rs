//! Refuses with a sentence, a code and a field name of a megabyte each.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave};

/// Says no, at length.
pub struct HugeFailure;

impl Misbehave for HugeFailure {
    fn encode(_: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        let huge = "n\no ".repeat(1 << 18);
        Err(Failure {
            code: Some(huge.clone()),
            param: Some(huge.clone()),
            ..Failure::unsupported(huge)
        })
    }
}

plugway_sdk::export!(provider: Adapter<HugeFailure>);
