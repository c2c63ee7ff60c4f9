//! Write Plugway plugins in Rust.
//!
//! A plugin is a WebAssembly component that exports one interface of the contract:
//! a [provider](provider::Provider) translates chat requests into one provider's
//! wire format and back; a [strategy](strategy::Strategy) orders the endpoints
//! that could serve a request. Implement the trait and name the type once:
//!
//! ```
//! use plugway_sdk::strategy::{Candidate, Plan, Query, Refusal, Setup, Strategy};
//!
//! struct AsGiven;
//!
//! impl Strategy for AsGiven {
//!     fn open(_: Setup) -> Result<Self, String> {
//!         Ok(AsGiven)
//!     }
//!     fn route(&self, _: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
//!         Ok(Plan::in_order(0..candidates.len(), "as the catalogue lists them"))
//!     }
//! }
//!
//! plugway_sdk::export!(strategy: AsGiven);
//! # fn main() {}
//! ```
//!
//! Build it with `cargo build --release --target wasm32-wasip2` as a `cdylib` and
//! drop the `.wasm` file into the router's plugins directory. [`export!`] exports
//! nothing on other targets, so the same crate, built as an `rlib` too, is tested
//! natively: see [`testing`].
//!
//! Guests have no clock, files, network or randomness of their own. What the
//! standard library answers is inert and the same on every run; take the time and
//! the seed from the call's arguments.

#[doc(hidden)]
pub mod bindings;
pub mod chat;
pub mod embeddings;
mod export;
pub mod log;
pub mod models;
pub mod provider;
pub mod rerank;
pub mod strategy;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod token_count;
