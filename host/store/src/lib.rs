//! What the router keeps: presets, decisions, and what it knows of endpoints' health
//! over a restart. One SQLite file, or the memory of this process.

pub mod decisions;
mod error;
mod health;
mod presets;
mod store;

pub use error::Error;
pub use health::HealthRow;
pub use presets::{MAX_PRESETS, MAX_VERSIONS, PresetVersion, Settings};
pub use store::{Location, Store};
