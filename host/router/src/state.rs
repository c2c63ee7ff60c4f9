//! What outlasts a restart, opened.

use crate::config::StateConfig;
use plugway_store::{Error, Location, Store};
use std::io::ErrorKind;

/// Opens the database that the configuration names. Where it names none, and at the usual
/// place nothing is or can be made, this process's memory has to do. What is there and
/// cannot be used is not passed over: it may hold the keys that clients need.
///
/// # Errors
/// When what the operator named, or what is there, cannot be used.
pub async fn open(state: &StateConfig) -> Result<Store, Error> {
    match Store::open(&state.location).await {
        Err(error) if !state.is_chosen && !is_there(&state.location) => {
            tracing::warn!(%error, "nothing will outlast a restart; `state` names another file");
            Store::open(&Location::Memory).await
        }
        opened => opened,
    }
}

fn is_there(location: &Location) -> bool {
    let Location::File(path) = location else { return false };
    match path.try_exists() {
        Ok(is_there) => is_there,
        // What cannot be looked at may be there.
        Err(error) => error.kind() != ErrorKind::NotADirectory,
    }
}
