//! Changes the number of the seal that it carries.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post_text, texts};

/// Guesses at other people's words.
pub struct SealForged;

impl Misbehave for SealForged {
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        let mut text = texts(request).join("\n");
        text.pop();
        Ok(post_text(request, &format!("{text}9")))
    }
}

plugway_sdk::export!(provider: Adapter<SealForged>);
