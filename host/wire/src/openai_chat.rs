//! The dialect of OpenAI's chat completions, with OpenRouter's additions.
//!
//! [`decode`] reads a client's body. [`encode_whole`] writes a finished answer,
//! [`StreamEncoder`] one that is still being told, [`encode_error`] a refusal.

mod bill;
mod decode;
mod errors;
mod messages;
mod needs;
mod options;
mod parts;
mod pieces;
mod reasoning;
mod routing;
mod stream;
mod tools;
mod whole;

pub use bill::Bill;
pub use decode::{ChatCall, DecodeOptions, decode};
pub use errors::{ErrorBody, encode_error};
pub use routing::{MaxPrice, Partition, Routing, Sort};
pub use stream::{KEEP_ALIVE, StreamEncoder};
pub use whole::encode_whole;

/// What `request.dialect` says of native values in this format.
pub const DIALECT: &str = "openai-chat";

/// What stands at the head of an answer, whole or streamed.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The router's id of this generation, `gen-...`.
    pub id: String,
    /// Seconds since the Unix epoch.
    pub created: u64,
    /// The model that answers.
    pub model: String,
    /// Display name of the provider that answers.
    pub provider: String,
}
