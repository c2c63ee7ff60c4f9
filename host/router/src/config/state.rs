//! `state`: where is kept what outlasts a restart.

use plugway_store::Location;
use std::path::PathBuf;

use super::load::Environment;

/// Where is kept what outlasts a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateConfig {
    /// The place.
    pub location: Location,
    /// The operator named it: then no other one will do.
    pub is_chosen: bool,
}

impl StateConfig {
    /// The file that was named, or else one where the system keeps the user's state.
    pub(super) fn new(chosen: Option<PathBuf>, env: Environment<'_>) -> Self {
        let is_chosen = chosen.is_some();
        let usual = || user_state(env).map(|state| state.join("plugway/plugway.db"));
        let location = chosen.or_else(usual).map_or(Location::Memory, Location::File);
        Self { location, is_chosen }
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
