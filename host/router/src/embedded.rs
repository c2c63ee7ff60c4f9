//! The first-party plugins, built to components by `build.rs`.

use plugway_engine::Embedded;

/// Every plugin that the binary brings along.
pub const PLUGINS: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Those of them that are adapters.
pub(crate) const ADAPTERS: &[&str] = include!(concat!(env!("OUT_DIR"), "/adapters.rs"));
