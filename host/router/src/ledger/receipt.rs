//! What the last of an answer waits for.

use super::unwritable;
use crate::config::LedgerConfig;
use crate::error::Error;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A row that is handed in, and not yet known to be written.
#[must_use = "the last of an answer waits for its row"]
pub(crate) struct Receipt(Option<Waiting>);

struct Waiting {
    told: oneshot::Receiver<bool>,
    patience: Duration,
    refuses: bool,
}

impl Receipt {
    /// Of what is not to be waited for.
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    /// Of a row whose writer tells.
    pub(super) fn of(told: oneshot::Receiver<bool>, config: &LedgerConfig) -> Self {
        let (patience, refuses) = (config.commit_timeout, config.refuses_when_failing);
        Self(Some(Waiting { told, patience, refuses }))
    }

    /// Returns once the row is committed.
    ///
    /// # Errors
    /// When it could not be in time, and the operator wants no answer to end without.
    pub(crate) async fn committed(self) -> Result<(), Error> {
        let Some(Waiting { told, patience, refuses }) = self.0 else { return Ok(()) };
        let is_written = matches!(timeout(patience, told).await, Ok(Ok(true)));
        if is_written || !refuses { Ok(()) } else { Err(unwritable()) }
    }
}
