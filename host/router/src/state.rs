//! What outlasts a restart, opened.

use crate::config::{Config, StateConfig};
use plugway_store::{Error, Location, Options, ServingLock, Store};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use tokio::time::sleep;

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

/// Waits for a database that another process has for now, or that is only just starting, and
/// says so once.
pub(crate) struct Patience {
    begun: Instant,
    is_told: bool,
}

/// How long a start waits in all.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// Between two tries. A try waits for a lock by itself.
const START_PAUSE: Duration = Duration::from_millis(500);

impl Patience {
    /// From now on.
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), is_told: false }
    }

    /// Returns once it may be tried again.
    ///
    /// # Errors
    /// What it was given, if that does not pass by itself, or has not in time.
    pub(crate) async fn wait(&mut self, error: Error) -> Result<(), Error> {
        if !error.is_passing() || self.begun.elapsed() >= START_PATIENCE {
            return Err(error);
        }
        if !std::mem::replace(&mut self.is_told, true) {
            tracing::warn!(%error, "the start waits for the state database");
        }
        sleep(START_PAUSE).await;
        Ok(())
    }
}

async fn take(config: &Config) -> Result<(Store, ServingLock), Error> {
    let mut patience = Patience::new();
    loop {
        match try_to_take(config).await {
            Err(error) => patience.wait(error).await?,
            opened => return opened,
        }
    }
}

async fn try_to_take(config: &Config) -> Result<(Store, ServingLock), Error> {
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
