//! Wire formats without a wire: what clients and providers send, as values.
//!
//! A [`Dialect`] turns a client's body into a [`ChatCall`], whose [`Form`] turns events
//! into the client's own format; each is a folder, such as [`openai_chat`]. What is asked for
//! beside chats has [`openai_embeddings`] and [`rerank`]. [`framing`]
//! cuts a provider's stream into frames; [`seal`] keeps content out of the sandbox and
//! puts it back as the body leaves; [`answer`] folds events and counts them. No I/O, no
//! clock, no log.

pub mod answer;
pub mod anthropic_messages;
mod bad_request;
mod base64;
mod bill;
mod call;
mod conversation;
mod dialect;
mod error_body;
#[cfg(test)]
mod events;
mod form;
pub mod framing;
pub mod gemini;
mod json;
mod labels;
mod media_type;
mod needs;
mod offers;
pub mod ollama;
pub mod openai_chat;
pub mod openai_completions;
pub mod openai_embeddings;
pub mod openai_responses;
pub mod rerank;
mod routed;
mod routing;
pub mod seal;

pub use bad_request::BadRequest;
pub use bill::Bill;
pub use call::{ChatCall, DecodeOptions};
pub use dialect::Dialect;
pub use error_body::ErrorBody;
pub use form::{Form, Head, StreamEncoder};
pub use offers::{EmbedCall, RerankCall};
pub use routing::{MaxPrice, Partition, Routing, Sort};
