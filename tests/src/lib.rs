//! The black-box tests' three nouns: a [`Client`], a [`TestRouter`], and
//! upstreams, which are `plugway_simulator`'s. [`RawClient`] and [`RawUpstream`]
//! are the first and the last with bad manners.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "this crate exists for tests")]

mod binary;
mod client;
pub mod corpus;
mod log;
mod node;
mod process;
mod program;
mod python;
mod raw_client;
mod raw_upstream;
pub mod replay;
mod router;
mod shared;

pub use binary::binary;
pub use client::{Answer, Client, Streamed};
pub use log::LogLines;
pub use node::Node;
pub use process::RouterProcess;
pub use program::Program;
pub use python::Python;
pub use raw_client::{RawAnswer, RawClient};
pub use raw_upstream::{Play, RawUpstream};
pub use router::{ID, KEY, KEYS, TestRouter, guest};
pub use shared::Shared;

/// Whether a test whose tools are missing must fail instead of being skipped.
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}
