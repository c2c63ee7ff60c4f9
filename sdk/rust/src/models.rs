//! Model discovery, for providers that list their models.
//! Implemented beside [`Provider`](crate::provider::Provider), mostly by the same type.

pub use crate::bindings::models::exports::plugway::provider::models::{Model, Page};

use crate::bindings::models::exports::plugway::provider::models as exports;
use crate::chat::Failure;
use crate::export::log_panics;
use crate::provider::{Endpoint, UpstreamRequest, UpstreamResponse};
use std::marker::PhantomData;

/// Model discovery, for providers that list their models.
pub trait Models {
    /// Asks for the first page, or for the one that the cursor of the former names.
    ///
    /// # Errors
    /// Mostly of kind `unsupported`, naming what this provider cannot do.
    fn encode(cursor: Option<String>, endpoint: Endpoint) -> Result<UpstreamRequest, Failure>;

    /// Reads one page in a 2xx response.
    ///
    /// # Errors
    /// Of kind `unavailable` where the response cannot be read.
    fn decode(response: UpstreamResponse, memo: String) -> Result<Page, Failure>;
}

/// Proves that a type can be exported.
#[doc(hidden)]
pub const fn exportable<T: Models>() {}

/// A [`Models`] as the generated bindings want it.
#[doc(hidden)]
pub struct Exported<T>(PhantomData<T>);

impl<T: Models> exports::Guest for Exported<T> {
    fn encode(cursor: Option<String>, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        log_panics();
        T::encode(cursor, endpoint)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Result<Page, Failure> {
        log_panics();
        T::decode(response, memo)
    }
}
