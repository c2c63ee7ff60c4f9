//! Tells the seal that it carries in the sentence of its refusal.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, texts};

/// Talks too much.
pub struct TellsSeals;

impl Misbehave for TellsSeals {
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        Err(Failure::unsupported(texts(request).join(" ")))
    }
}

plugway_sdk::export!(provider: Adapter<TellsSeals>);
