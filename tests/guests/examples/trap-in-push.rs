//! Panics in the middle of a stream.

use plugway_sdk::chat::{Event, Failure, Request};
use plugway_sdk::provider::{
    Endpoint, Frame, Info, Provider, ResponseHead, StreamDecoder, UpstreamRequest, UpstreamResponse,
};

/// Encodes, but cannot read.
pub struct TrapInPush;

impl Provider for TrapInPush {
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

/// Of a stream that it cannot read.
pub struct Decoder;

impl StreamDecoder for Decoder {
    fn new(_: ResponseHead, _: String) -> Self {
        Decoder
    }

    fn push(&mut self, _: Frame, _: &mut Vec<Event>) {
        panic!("this guest cannot read frames");
    }

    fn end(&mut self, _: &mut Vec<Event>) {}
}

plugway_sdk::export!(provider: TrapInPush);
