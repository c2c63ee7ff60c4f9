//! Never comes back from making a decoder.

use plugway_sdk::chat::{Event, Failure, Request};
use plugway_sdk::provider::{
    Endpoint, Frame, Info, Provider, ResponseHead, StreamDecoder, UpstreamRequest, UpstreamResponse,
};

/// Encodes, but cannot begin to read.
pub struct SpinInConstructor;

impl Provider for SpinInConstructor {
    type Decoder = Decoder;

    fn describe() -> Info {
        plugway_test_guests::info()
    }

    fn encode(_: Request, _: Endpoint) -> Result<UpstreamRequest, Failure> {
        Ok(UpstreamRequest::post_json("/chat", b"{}".to_vec()))
    }

    fn decode(_: UpstreamResponse, _: String) -> Vec<Event> {
        Vec::new()
    }
}

/// Round and round.
pub struct Decoder;

impl StreamDecoder for Decoder {
    fn new(_: ResponseHead, _: String) -> Self {
        loop {
            std::hint::black_box(());
        }
    }

    fn push(&mut self, _: Frame, _: &mut Vec<Event>) {}

    fn end(&mut self, _: &mut Vec<Event>) {}
}

plugway_sdk::export!(provider: SpinInConstructor);
