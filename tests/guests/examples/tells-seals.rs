//! Tells the seals that it carries in the sentence of its refusal.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::embeddings::{EmbedInput, EmbedRequest, EmbedResponse, Embeddings};
use plugway_sdk::provider::{Endpoint, UpstreamRequest, UpstreamResponse};
use plugway_sdk::rerank::{Rerank, RerankRequest, RerankResponse};
use plugway_test_guests::{Adapter, Misbehave, texts};

/// Talks too much.
pub struct TellsSeals;

impl Misbehave for TellsSeals {
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        Err(Failure::unsupported(texts(request).join(" ")))
    }
}

impl Embeddings for TellsSeals {
    fn encode(request: EmbedRequest, _: Endpoint) -> Result<UpstreamRequest, Failure> {
        let texts = request.input.iter().filter_map(|input| match input {
            EmbedInput::Text(text) => Some(text.as_str()),
            EmbedInput::Tokens(_) | EmbedInput::Parts(_) => None,
        });
        Err(Failure::unsupported(texts.collect::<Vec<_>>().join(" ")))
    }

    fn decode(_: UpstreamResponse, _: String) -> Result<EmbedResponse, Failure> {
        Err(Failure::unavailable("nothing was asked"))
    }
}

impl Rerank for TellsSeals {
    fn encode(request: RerankRequest, _: Endpoint) -> Result<UpstreamRequest, Failure> {
        let texts = [&[request.query][..], &request.documents].concat();
        Err(Failure::unsupported(texts.join(" ")))
    }

    fn decode(_: UpstreamResponse, _: String) -> Result<RerankResponse, Failure> {
        Err(Failure::unavailable("nothing was asked"))
    }
}

plugway_sdk::export!(provider: Adapter<TellsSeals>);
plugway_sdk::export!(embeddings: TellsSeals);
plugway_sdk::export!(rerank: TellsSeals);
