//! Has a provider that fetches nothing: whatever is named by URL it wants as bytes.

use plugway_sdk::chat::{Failure, Media, MediaSource, PartBody, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post_text, texts};

/// Stays at home.
pub struct NeedsBytes;

impl Misbehave for NeedsBytes {
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        let mut said: Vec<String> = texts(request).into_iter().map(str::to_owned).collect();
        for part in request.messages.iter().flat_map(|message| &message.parts) {
            if let PartBody::Media(media) = &part.body {
                said.push(inline(media)?);
            }
        }
        Ok(post_text(request, &said.join("\n")))
    }
}

fn inline(media: &Media) -> Result<String, Failure> {
    match &media.source {
        MediaSource::Uri(uri) => {
            let mut failure = Failure::unsupported("the provider fetches nothing");
            failure.code = Some("fetch".into());
            failure.param = Some(uri.clone());
            Err(failure)
        }
        MediaSource::Base64(data) => {
            Ok(format!("{}:{data}", media.mime.as_deref().unwrap_or_default()))
        }
        _ => Err(Failure::unsupported("neither URL nor bytes")),
    }
}

plugway_sdk::export!(provider: Adapter<NeedsBytes>);
