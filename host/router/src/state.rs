//! What outlasts a restart, opened.

use crate::config::{Config, StateConfig};
use plugway_store::{Error, Location, Options, ServingLock, Store};
use std::io::ErrorKind;

/// Opens the database that the configuration names, for a router that serves: as the only
/// one, where it is a file. Where none is named, and at the usual place nothing is or can be
/// made, this process's memory has to do. What is there and cannot be used is not passed
/// over: it may hold the keys that clients need.
///
/// # Errors
/// When what the operator named, or what is there, cannot be used, or another router serves
/// from it.
pub async fn open(config: &mut Config) -> Result<(Store, ServingLock), Error> {
    match take(config).await {
        Err(error) if can_do_without(&config.state, &error) => {
            tracing::warn!(%error, "nothing will outlast a restart; `state` names another file");
            config.state.location = Location::Memory;
            take(config).await
        }
        opened => opened,
    }
}

async fn take(config: &Config) -> Result<(Store, ServingLock), Error> {
    let location = &config.state.location;
    let lock = Store::lock(location)?;
    let options = Options { durability: config.ledger.durability, ..Options::default() };
    Ok((Store::open_with(location, &options).await?, lock))
}

/// Two routers on one file would each limit half of what is asked.
fn can_do_without(state: &StateConfig, error: &Error) -> bool {
    !state.is_chosen && !is_there(&state.location) && !matches!(error, Error::InUse { .. })
}

fn is_there(location: &Location) -> bool {
    let Location::File(path) = location else { return false };
    match path.try_exists() {
        Ok(is_there) => is_there,
        // What cannot be looked at may be there.
        Err(error) => error.kind() != ErrorKind::NotADirectory,
    }
}
