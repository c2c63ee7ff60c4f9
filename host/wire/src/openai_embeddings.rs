//! The dialect of OpenAI's embeddings, with OpenRouter's additions.
//!
//! [`decode`] reads a client's body, [`encode`] writes the vectors.

mod decode;
mod encode;

pub use decode::{Embeddings, decode};
pub use encode::encode;

/// How a client wants its vectors written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As numbers.
    #[default]
    Float,
    /// As little-endian 32-bit floats in base64.
    Base64,
}
