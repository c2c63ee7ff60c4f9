//! The router as clients and providers see it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and print")]

mod chat;
mod failover;
mod input;
mod leaving;
mod local_model;
mod official;
mod ops;
mod plugins;
mod seals;
mod setup;
mod shedding;
mod tidy;
mod upstream;
