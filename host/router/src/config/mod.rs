//! The configuration: TOML as it was typed in, [`Config`] as it is used. Every
//! mistake of a file is reported at once, with its place and its remedy.
//!
//! Each section is a type, its defaults, and one table of fields that the
//! reader, the list of near misses and the reference are all made from.

mod accounts;
mod aliases;
mod cors;
mod credential;
mod decisions;
mod diagnostic;
mod field;
mod identity;
mod ledger;
mod load;
mod log;
mod media;
mod models;
mod options;
mod plugins;
mod prices;
mod providers;
mod rates;
mod reader;
mod reference;
mod routing;
mod secrets;
mod server;
mod state;
mod summary;
mod template;
mod typed;
mod units;
mod upstream;

#[cfg(test)]
mod catalog_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::catalog::Catalog;

pub use cors::CorsConfig;
pub use decisions::DecisionsConfig;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use ledger::LedgerConfig;
pub use load::{
    Environment, default_file, load, load_file, load_for_state, load_str, load_text, read_file,
};
pub use log::{LogConfig, LogFormat, LogLevel};
pub use media::MediaConfig;
pub use plugins::PluginsConfig;
pub use reference::reference;
pub use routing::{Ceiling, RoutingConfig};
pub use secrets::SecretsConfig;
pub use server::ServerConfig;
pub use state::StateConfig;
pub use summary::summary;
pub use upstream::UpstreamConfig;

/// All that the router is told. Made by [`load`], [`load_file`] or [`load_str`];
/// what those return is consistent and need not be checked again.
#[derive(Clone, Debug)]
pub struct Config {
    /// Clients' side.
    pub server: ServerConfig,
    /// Providers' side.
    pub upstream: UpstreamConfig,
    /// What clients name by URL.
    pub media: MediaConfig,
    /// Plugins.
    pub plugins: PluginsConfig,
    /// The way from a request to an endpoint.
    pub routing: RoutingConfig,
    /// What is kept of decisions.
    pub decisions: DecisionsConfig,
    /// How requests are accounted.
    pub ledger: LedgerConfig,
    /// What provider keys of clients are encrypted with.
    pub secrets: SecretsConfig,
    /// Log lines.
    pub log: LogConfig,
    /// Where is kept what outlasts a restart.
    pub state: StateConfig,
    /// Providers, models and prices.
    pub catalog: Arc<Catalog>,
    /// What is doubtful but no mistake.
    pub warnings: Diagnostics,
}
