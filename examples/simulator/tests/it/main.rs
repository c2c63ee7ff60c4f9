//! The simulators over a real socket, as a client meets them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod anthropic;
mod client;
mod control;
mod faults;
mod formats;
mod openai;
mod traffic;
