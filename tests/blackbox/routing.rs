//! Each rule of routing has a test that is named after it.

mod attempt;
mod availability;
mod byok;
mod credentials;
mod eligible;
mod examples;
mod explained;
mod health;
mod hedging;
mod kept;
pub(crate) mod metadata;
mod presets;
mod ranking;
mod rates;
pub(crate) mod recorded;
mod resolve;
mod stickiness;
