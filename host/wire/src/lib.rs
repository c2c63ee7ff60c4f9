//! Wire formats without a wire: what clients and providers send, as values.
//!
//! A dialect turns a client's body into a [`plugway_engine::chat::Request`] and events into the
//! client's own format ([`openai_chat`]); [`framing`] cuts a provider's stream
//! into frames; [`seal`] keeps content out of the sandbox and puts it back as the
//! body leaves; [`answer`] folds events and counts them. No I/O, no clock, no log.

pub mod answer;
mod bad_request;
mod base64;
#[cfg(test)]
mod events;
pub mod framing;
mod json;
pub mod openai_chat;
pub mod seal;

pub use bad_request::BadRequest;
