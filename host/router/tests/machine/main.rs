//! The binary on a machine that lets it down: each time a clear message or a
//! clean answer, never a panic.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic, and print"
)]

mod clock;
mod corrupt;
mod descriptors;
mod files;
mod http;
mod killed;
mod load;
mod postgres;
mod process;
mod surroundings;
mod unwritable;
