//! All keys, workspaces and clients' own provider keys as the database has them, read into
//! memory so that no request waits for it. Whatever changes them counts a revision up,
//! which every router looks at: so a revocation takes effect everywhere within a second.
//!
//! Provider keys are opened beside that, by whoever has the master key (`vault.rs`).
//!
//! What is counted in memory, spending and rates, belongs to a key or workspace for as
//! long as it exists, and is carried from one snapshot to the next.

use super::brought::BroughtKeys;
use super::snapshot::Snapshot;
use super::vault::Vault;
use super::{Caller, spending};
use crate::config::SecretsConfig;
use crate::upstream::Environment;
use arc_swap::ArcSwap;
use plugway_routing::Clock;
use plugway_store::ledger::Spent;
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
    /// None: provider keys are not used.
    vault: Option<Vault>,
    /// Held while they are read, so that an older state never replaces a newer one.
    reading: Mutex<()>,
}

impl Accounts {
    /// Nobody yet. Rates are counted in this clock's time; provider keys stay sealed.
    pub(crate) fn new(store: Store, clock: Clock) -> Self {
        let now = ArcSwap::from_pointee(Snapshot::empty(&clock));
        Self { store, clock, now, vault: None, reading: Mutex::default() }
    }

    /// The same; provider keys are opened with the master key that is found so.
    pub(crate) fn opening_with(self, secrets: SecretsConfig, env: Arc<Environment>) -> Self {
        let vault = Vault::new(secrets, env, self.clock.clone());
        Self { vault: Some(vault), ..self }
    }

    /// As of now. A request asks once and keeps to what it was given.
    pub fn now(&self) -> Arc<Snapshot> {
        self.now.load_full()
    }

    /// Clients' own provider keys, opened, as of now.
    pub fn brought(&self) -> Arc<BroughtKeys> {
        self.vault.as_ref().map(Vault::now).unwrap_or_default()
    }

    /// The master key is to be found in another way.
    pub(crate) fn find_master_key_by(&self, secrets: &SecretsConfig) {
        if let Some(vault) = &self.vault {
            vault.find_by(secrets);
        }
    }

    /// Who asks where no key is asked for.
    pub(crate) fn nobody(&self) -> Caller {
        Caller::new(self, None, self.now().default_workspace.clone())
    }

    /// Reads them for the first time, and what was spent before this process. Returns both.
    /// Before it has succeeded nobody may be served: keys may be asked for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(&self) -> Result<(Arc<Snapshot>, Vec<Spent>), Error> {
        self.refresh().await?;
        let spent = self.store.spend().await?;
        let accounts = self.now();
        spending::load(&accounts, &spent);
        Ok((accounts, spent))
    }

    /// Reads them anew, for whoever has just changed something, and opens what is new.
    ///
    /// # Errors
    /// When the database fails; then all stays as it was, until a later look succeeds.
    pub async fn refresh(&self) -> Result<(), Error> {
        self.read().await?;
        if let Some(vault) = &self.vault {
            vault.open_new().await;
        }
        Ok(())
    }

    async fn read(&self) -> Result<(), Error> {
        let _turn = self.reading.lock().await;
        let before = self.now();
        let read = self.store.accounts(before.revision).await?;
        // Behind it: of a key that is read there is one at the least.
        let has_keys = before.has_keys || self.store.has_keys().await?;
        let after = before.followed_by(read, has_keys, &self.clock);
        if let Some(vault) = &self.vault {
            vault.follow(&after.byok);
        }
        self.now.store(Arc::new(after));
        Ok(())
    }

    /// Keeps them up with the database for as long as it is polled.
    pub(crate) async fn keep_up(&self) {
        // To find the master key may take a while, and no revocation waits for it.
        match &self.vault {
            Some(vault) => tokio::join!(self.keep_reading(), vault.keep_open()).0,
            None => self.keep_reading().await,
        }
    }

    async fn keep_reading(&self) {
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
            false => self.read().await,
        }
    }
}
