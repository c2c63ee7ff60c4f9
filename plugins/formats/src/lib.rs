//! Wire formats that several adapters share, and what every adapter needs to read
//! and write JSON and to pass on a provider's complaint. No adapter by itself: each
//! is a small crate beside this one that says what is its own.

#![allow(missing_docs, reason = "fields and variants that their names say all of")]

pub mod anthropic_messages;
pub mod json;
pub mod node;
pub mod openai_chat;
pub mod openai_embeddings;
pub mod openai_models;
pub mod openai_responses;
pub mod path;
pub mod report;
pub mod rerank;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod usage;
