//! Loses what it carries.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post_text};

/// Forgets the question.
pub struct SealLeftOut;

impl Misbehave for SealLeftOut {
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        Ok(post_text(request, "never mind"))
    }
}

plugway_sdk::export!(provider: Adapter<SealLeftOut>);
