//! Ordering documents: the shape that Cohere began and OpenRouter took over.
//!
//! [`decode`] reads a client's body, [`encode`] writes the ranking.

mod decode;
mod encode;

pub use decode::{Version, decode};
pub use encode::encode;
