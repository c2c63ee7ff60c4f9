//! Lines for the operator's log. They carry the plugin's id and digest, are rate
//! limited and cut at 4 KiB by the router. Never log prompts, answers or tool
//! arguments: the log outlives the request.
//!
//! Natively, in tests, lines go to standard error.

pub use crate::bindings::provider::plugway::host::log::Level;

/// Writes one line at the given level.
pub fn write(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::provider::plugway::host::log::write(level, message);
    #[cfg(not(target_family = "wasm"))]
    eprintln!("{level:?}: {message}");
}

/// Counts something of an answer that was passed over though it may mean something,
/// e.g. an event of an unknown type: a metric of the plugin, and a line at level debug.
/// Never quote content.
pub fn skipped(what: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::provider::plugway::host::log::skipped(what);
    #[cfg(not(target_family = "wasm"))]
    eprintln!("Debug: skipped {what}");
}

/// For following one call step by step.
pub fn trace(message: &str) {
    write(Level::Trace, message);
}

/// For whoever writes the plugin.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// For the operator, of interest in normal service.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// For the operator: served, though not as it should be.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// For the operator: failed.
pub fn error(message: &str) {
    write(Level::Error, message);
}
