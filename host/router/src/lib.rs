//! Plugway's router: one endpoint in front of every model provider.
//!
//! This crate owns sockets, TLS, time, money and secrets. What differs from
//! provider to provider, and which endpoint gets a request, is decided by
//! sandboxed components that `plugway-engine` runs.

#![deny(unsafe_code)]

pub mod account;
mod admission;
pub mod api;
mod buffer;
mod capacity;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod decisions;
pub mod demo;
mod digest;
pub mod discovery;
mod embedded;
pub mod error;
pub mod exchange;
pub mod explain;
pub mod ledger;
pub mod presets;
pub mod record;
pub mod reload;
pub mod route;
mod router;
pub mod server;
pub mod state;
pub mod telemetry;
pub mod upstream;
pub mod usage;

pub use embedded::PLUGINS as FIRST_PARTY;
pub use router::{Router, Settings, StartError};
