//! Counting a prompt without running it, for providers that offer it.
//! Implemented beside [`Provider`](crate::provider::Provider), mostly by the same type.

use crate::bindings::token_count::exports::plugway::provider::token_count as exports;
use crate::chat::{Failure, Request};
use crate::export::log_panics;
use crate::provider::{Endpoint, UpstreamRequest, UpstreamResponse};
use std::marker::PhantomData;

/// Counting a prompt without running it, for providers that offer it.
pub trait TokenCount {
    /// Translates a request; the same input gives the same output. Texts may be seals.
    ///
    /// # Errors
    /// Mostly of kind `unsupported`, naming what this provider cannot do.
    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure>;

    /// Reads the number of tokens in a 2xx response.
    ///
    /// # Errors
    /// Of kind `unavailable` where the response cannot be read.
    fn decode(response: UpstreamResponse, memo: String) -> Result<u64, Failure>;
}

/// Proves that a type can be exported.
#[doc(hidden)]
pub const fn exportable<T: TokenCount>() {}

/// A [`TokenCount`] as the generated bindings want it.
#[doc(hidden)]
pub struct Exported<T>(PhantomData<T>);

impl<T: TokenCount> exports::Guest for Exported<T> {
    fn encode(request: Request, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        log_panics();
        T::encode(request, endpoint)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Result<u64, Failure> {
        log_panics();
        T::decode(response, memo)
    }
}
