//! All keys, workspaces and clients' own provider keys as the database has them, read into
//! memory so that no request waits for it. Whatever changes them counts a revision up,
//! which every router looks at: so a revocation takes effect everywhere within a second.
//!
//! What is counted in memory, spending and rates, belongs to a key or workspace for as
//! long as it exists, and is carried from one snapshot to the next.

use super::Caller;
use super::snapshot::Snapshot;
use super::spending;
use arc_swap::ArcSwap;
use plugway_routing::Clock;
use plugway_store::{Error, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};

/// Between two looks at the revision.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Who may ask, kept up with the database.
pub struct Accounts {
    store: Store,
    clock: Clock,
    now: ArcSwap<Snapshot>,
    /// Held while they are read, so that an older state never replaces a newer one.
    reading: Mutex<()>,
}

impl Accounts {
    /// Nobody yet. Rates are counted in this clock's time.
    pub fn new(store: Store, clock: Clock) -> Self {
        let now = ArcSwap::from_pointee(Snapshot::empty(&clock));
        Self { store, clock, now, reading: Mutex::default() }
    }

    /// As of now. A request asks once and keeps to what it was given.
    pub fn now(&self) -> Arc<Snapshot> {
        self.now.load_full()
    }

    /// Who asks where no key is asked for.
    pub(crate) fn nobody(&self) -> Caller {
        Caller { key: None, workspace: self.now().default_workspace.clone() }
    }

    /// Reads them for the first time, and what was spent before this process. Before it
    /// has succeeded nobody may be served: keys may be asked for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(&self) -> Result<(), Error> {
        self.refresh().await?;
        spending::load(&self.now(), &self.store.spend().await?);
        Ok(())
    }

    /// Reads them anew, for whoever has just changed something.
    ///
    /// # Errors
    /// When the database fails; then all stays as it was, until a later look succeeds.
    pub async fn refresh(&self) -> Result<(), Error> {
        let _turn = self.reading.lock().await;
        let before = self.now();
        let has_keys = before.has_keys || self.store.has_keys().await?;
        let read = self.store.accounts().await?;
        self.now.store(Arc::new(before.followed_by(read, has_keys, &self.clock)));
        Ok(())
    }

    /// Keeps them up with the database for as long as it is polled.
    pub(crate) async fn keep_up(&self) {
        let mut looks = interval(POLL_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_failing = false;
        loop {
            looks.tick().await;
            match self.look().await {
                Ok(()) => is_failing = false,
                // Once, not twice a second.
                Err(error) if !std::mem::replace(&mut is_failing, true) => {
                    tracing::error!(%error, "keys cannot be read; those of before hold");
                }
                Err(_) => {}
            }
        }
    }

    async fn look(&self) -> Result<(), Error> {
        match self.now().revision == Some(self.store.revision().await?) {
            true => Ok(()),
            false => self.refresh().await,
        }
    }
}
