//! Sends what it carries twice.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post_text, texts};

/// Repeats itself.
pub struct SealTwice;

impl Misbehave for SealTwice {
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        let text = texts(request).join("\n");
        Ok(post_text(request, &format!("{text} {text}")))
    }
}

plugway_sdk::export!(provider: Adapter<SealTwice>);
