//! The router as clients and providers see it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic, and print"
)]

mod accounts;
mod billing;
mod chat;
mod client_http;
mod client_http2;
mod client_input;
mod client_leaving;
mod compressed;
mod cors;
mod credentials;
mod dialects;
mod echo;
mod envelopes;
mod failover;
mod formats;
mod goldens;
mod guests;
mod input;
mod leaving;
mod ledger;
mod listings;
mod local_model;
mod matrix;
mod mocked;
mod money;
mod offers;
mod official;
mod ops;
mod plugins;
mod provider_answers;
mod provider_input;
mod relay;
mod reload;
mod resending;
mod routing;
mod seals;
mod setup;
mod shedding;
mod tidy;
mod told;
mod upstream;
mod wire;
