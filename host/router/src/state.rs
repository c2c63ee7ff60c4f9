//! What outlasts a restart, opened.

use crate::config::Config;
use plugway_store::{Error, Location, Options, ServingLock, Store};

/// Opens the database that the configuration names, for a router that serves: as the only
/// one, where it is a file. Where none is named, and the usual place cannot be used, this
/// process's memory has to do.
///
/// # Errors
/// When what the operator named cannot be used, or another router serves from the file.
pub async fn open(config: &mut Config) -> Result<(Store, ServingLock), Error> {
    match take(config).await {
        // Two routers would each bill, and limit, half of what is asked.
        Err(error) if config.state.is_chosen || matches!(error, Error::InUse { .. }) => Err(error),
        Err(error) => {
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
