//! `state`: where is kept what outlasts a restart.

use plugway_store::Location;
use std::path::PathBuf;

use super::load::Environment;
use super::reader::Entry;

/// Where is kept what outlasts a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateConfig {
    /// The place.
    pub location: Location,
    /// The operator named it: then no other one will do.
    pub is_chosen: bool,
}

impl StateConfig {
    /// What was named, or else a file where the system keeps the user's state.
    pub(super) fn new(chosen: Option<Location>, env: Environment<'_>) -> Self {
        let is_chosen = chosen.is_some();
        let usual = || user_state(env).map(|state| state.join("plugway/plugway.db"));
        let location = chosen.or_else(|| usual().map(Location::File)).unwrap_or(Location::Memory);
        Self { location, is_chosen }
    }
}

/// A file or a database. What looks like a URL is never shown: it may hold a password.
pub(super) fn read(entry: &Entry<'_>) -> Option<Location> {
    let text = entry.text()?;
    if text.is_empty() {
        entry.error("is empty", "write a value, or leave the key out");
        return None;
    }
    match text.split_once("://") {
        None => Some(Location::File(entry.resolve_path(text))),
        Some(("postgres" | "postgresql", _)) => Some(Location::Postgres(text.to_owned())),
        Some(_) => {
            const REMEDY: &str = "write `postgres://USER@HOST:PORT/DATABASE`, or a path";
            entry.error("is the URL of no database that is known here", REMEDY);
            None
        }
    }
}

/// Where the system keeps what programs remember of a user.
fn user_state(env: Environment<'_>) -> Option<PathBuf> {
    let set = |name| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_home =
        if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/state" };
    let in_home = || set("HOME").map(|home| home.join(of_home));
    set("XDG_STATE_HOME").or_else(in_home).or_else(|| set("LOCALAPPDATA"))
}
