//! What the misbehaving guests in `examples/` have in common: a provider that
//! does as little as one can, but for its `encode`.

use plugway_sdk::chat::{Event, Failure, Request};
use plugway_sdk::provider::{
    AuthScheme, Endpoint, Frame, Info, Provider, ResponseHead, StreamDecoder, UpstreamRequest,
    UpstreamResponse,
};

/// A misbehaviour, shown while encoding.
pub trait Misbehave {
    /// Does it. What is returned becomes the body.
    fn misbehave() -> Vec<u8>;
}

/// Makes a provider of a misbehaviour.
pub struct Guest<M>(std::marker::PhantomData<M>);

impl<M: Misbehave> Provider for Guest<M> {
    type Decoder = Silent;

    fn describe() -> Info {
        info()
    }

    fn encode(_: Request, _: Endpoint) -> Result<UpstreamRequest, Failure> {
        Ok(UpstreamRequest::post_json("/chat", M::misbehave()))
    }

    fn decode(_: UpstreamResponse, _: String) -> Vec<Event> {
        Vec::new()
    }
}

/// Claims that harm nobody.
pub fn info() -> Info {
    Info {
        name: "guest".into(),
        default_base_url: None,
        auth: vec![AuthScheme::None],
        dialects: Vec::new(),
        reasoning_formats: Vec::new(),
        supported_parameters: Vec::new(),
    }
}

/// A decoder that never yields anything.
pub struct Silent;

impl StreamDecoder for Silent {
    fn new(_: ResponseHead, _: String) -> Self {
        Silent
    }

    fn push(&mut self, _: Frame, _: &mut Vec<Event>) {}

    fn end(&mut self, _: &mut Vec<Event>) {}
}
