//! Embeddings, for providers that have them.
//! Implemented beside [`Provider`](crate::provider::Provider), mostly by the same type.

pub use crate::bindings::embeddings::exports::plugway::provider::embeddings::{
    EmbedInput, EmbedRequest, EmbedResponse,
};

use crate::bindings::embeddings::exports::plugway::provider::embeddings as exports;
use crate::chat::Failure;
use crate::export::log_panics;
use crate::provider::{Endpoint, UpstreamRequest, UpstreamResponse};
use std::marker::PhantomData;

/// Embeddings, for providers that have them.
pub trait Embeddings {
    /// Translates a request; the same input gives the same output. Texts may be seals.
    ///
    /// # Errors
    /// Mostly of kind `unsupported`, naming what this provider cannot do.
    fn encode(request: EmbedRequest, endpoint: Endpoint) -> Result<UpstreamRequest, Failure>;

    /// Translates a 2xx response. Vectors come in the order of the input.
    ///
    /// # Errors
    /// Of kind `unavailable` where the response cannot be read.
    fn decode(response: UpstreamResponse, memo: String) -> Result<EmbedResponse, Failure>;
}

/// Proves that a type can be exported.
#[doc(hidden)]
pub const fn exportable<T: Embeddings>() {}

/// A [`Embeddings`] as the generated bindings want it.
#[doc(hidden)]
pub struct Exported<T>(PhantomData<T>);

impl<T: Embeddings> exports::Guest for Exported<T> {
    fn encode(request: EmbedRequest, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        log_panics();
        T::encode(request, endpoint)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Result<EmbedResponse, Failure> {
        log_panics();
        T::decode(response, memo)
    }
}
