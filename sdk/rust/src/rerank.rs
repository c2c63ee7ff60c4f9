//! Ordering documents by relevance, for providers that offer it.
//! Implemented beside [`Provider`](crate::provider::Provider), mostly by the same type.

pub use crate::bindings::rerank::exports::plugway::provider::rerank::{
    Ranking, RerankRequest, RerankResponse,
};

use crate::bindings::rerank::exports::plugway::provider::rerank as exports;
use crate::chat::Failure;
use crate::export::log_panics;
use crate::provider::{Endpoint, UpstreamRequest, UpstreamResponse};
use std::marker::PhantomData;

/// Ordering documents by relevance, for providers that offer it.
pub trait Rerank {
    /// Translates a request; the same input gives the same output. Query and documents may be seals.
    ///
    /// # Errors
    /// Mostly of kind `unsupported`, naming what this provider cannot do.
    fn encode(request: RerankRequest, endpoint: Endpoint) -> Result<UpstreamRequest, Failure>;

    /// Translates a 2xx response. The best document comes first.
    ///
    /// # Errors
    /// Of kind `unavailable` where the response cannot be read.
    fn decode(response: UpstreamResponse, memo: String) -> Result<RerankResponse, Failure>;
}

/// Proves that a type can be exported.
#[doc(hidden)]
pub const fn exportable<T: Rerank>() {}

/// A [`Rerank`] as the generated bindings want it.
#[doc(hidden)]
pub struct Exported<T>(PhantomData<T>);

impl<T: Rerank> exports::Guest for Exported<T> {
    fn encode(request: RerankRequest, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        log_panics();
        T::encode(request, endpoint)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Result<RerankResponse, Failure> {
        log_panics();
        T::decode(response, memo)
    }
}
