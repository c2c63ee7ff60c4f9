//! Puts the seal that it carries where its endpoint's options say.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post, texts, told};

/// Delivers to the wrong door.
pub struct SealMisplaced;

impl Misbehave for SealMisplaced {
    fn encode(request: &Request, endpoint: &Endpoint) -> Result<UpstreamRequest, Failure> {
        let text = texts(request).join("\n");
        let mut sent = post(request);
        match told(endpoint, "place").as_str() {
            "bare" => sent.body = format!("{{\"messages\":{text}}}").into_bytes(),
            "path" => sent.path = format!("/chat/completions?q={text}"),
            "header" => sent.headers.push(("x-text".to_owned(), text)),
            _ => sent.memo = text,
        }
        Ok(sent)
    }
}

plugway_sdk::export!(provider: Adapter<SealMisplaced>);
