//! Wire formats that several adapters share, and what every adapter needs to read
//! and write JSON and to pass on a provider's complaint. No adapter by itself: each
//! is a small crate beside this one that says what is its own.

pub mod anthropic_messages;
pub mod json;
pub mod path;
pub mod report;
