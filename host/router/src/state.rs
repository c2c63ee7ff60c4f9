//! What outlasts a restart, opened.

use crate::config::StateConfig;
use plugway_store::{Error, Location, Store};

/// Opens the database that the configuration names. Where it names none, and the usual
/// place cannot be used, this process's memory has to do.
///
/// # Errors
/// When the file that the operator named cannot be used.
pub async fn open(state: &StateConfig) -> Result<Store, Error> {
    match Store::open(&state.location).await {
        Err(error) if !state.is_chosen => {
            tracing::warn!(%error, "nothing will outlast a restart; `state` names another file");
            Store::open(&Location::Memory).await
        }
        opened => opened,
    }
}
