//! What the registry tells of itself: to whoever looks, and to whoever had it
//! scan.

use std::path::PathBuf;
use std::time::Duration;

use crate::grants::PluginKind;

/// Where a plugin came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Part of the program.
    Embedded,
    /// This file of the plugins directory.
    File(PathBuf),
}

/// Whether a plugin serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginState {
    /// The newest one serves.
    Serving,
    /// The last good one serves; what was put in its place was refused.
    Outdated,
    /// None serves.
    Failed,
}

/// What there is to know about one plugin.
#[derive(Clone, Debug)]
pub struct PluginStatus {
    /// Its file stem.
    pub id: String,
    /// None where it never loaded.
    pub kind: Option<PluginKind>,
    /// Of what serves, or else of what was refused.
    pub source: Source,
    /// Counts what has served under this id, from 1; 0: nothing did.
    pub generation: u64,
    /// SHA-256 in hexadecimal of what serves; empty where none does.
    pub digest: String,
    /// From the first byte read to the moment it served; zero of an embedded one.
    pub load_time: Duration,
    /// What it passed over in answers since it was loaded, by its own count.
    pub skipped: u64,
    /// Whether it serves.
    pub state: PluginState,
    /// What was put in its place and does not serve.
    pub refused: Option<RefusedFile>,
}

/// A file that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedFile {
    /// In the plugins directory.
    pub file: PathBuf,
    /// SHA-256 in hexadecimal; none where it could not be read.
    pub digest: Option<String>,
    /// Why, and what to do.
    pub reason: String,
    /// This machine was at fault: it is tried again by itself.
    pub is_passing: bool,
}

/// What one scan changed. Ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Now serving.
    pub loaded: Vec<String>,
    /// Refused, with the reason.
    pub failed: Vec<(String, String)>,
    /// File gone: unloaded, or the embedded one restored.
    pub removed: Vec<String>,
    /// Still being written; another scan is due soon.
    pub unsettled: Vec<String>,
    /// Why the directory could not be looked through, or not whole.
    pub trouble: Option<String>,
}
