//! The one task that writes records down: whatever waits, at once and together. It also
//! removes what is too old or too much.

use super::{Entry, Journal, SNAPSHOT_FORMAT};
use crate::Router;
use plugway_store::decisions::Snapshots;
use plugway_store::{Error, Location, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

/// Records of one transaction.
const MAX_BATCH: usize = 256;

/// How often what is too old is looked for.
const PRUNING_INTERVAL: Duration = Duration::from_secs(60);

/// How long the end of the process waits for what is to be written.
const CLOSING_PATIENCE: Duration = Duration::from_secs(5);

/// All records where they take memory instead of disk, in bytes.
const MAX_BYTES_IN_MEMORY: u64 = 16 << 20;

/// Where there is too much, a sixteenth more than that goes, so that it is not one row
/// at a time from then on.
const SLACK: u64 = 16;

/// The running task.
pub(crate) struct Writer {
    journal: Arc<Journal>,
    task: Option<JoinHandle<()>>,
}

impl Writer {
    /// Begins to write what is handed in to this router's journal.
    pub(crate) fn start(router: &Arc<Router>) -> Self {
        let journal = router.journal.clone();
        let unread = journal.unread();
        let task = unread.map(|queue| tokio::spawn(write(router.clone(), queue)));
        Self { journal, task }
    }

    /// Returns once all is written that was handed in before, or after a while.
    pub(crate) async fn finish(self) {
        let Some(mut task) = self.task else { return };
        self.journal.closing.notify_one();
        if timeout_at(Instant::now() + CLOSING_PATIENCE, &mut task).await.is_err() {
            task.abort();
            tracing::warn!("some records of decisions were not written before the end");
        }
    }
}

async fn write(router: Arc<Router>, mut queue: Receiver<Arc<Entry>>) {
    let mut shelf = Shelf { router: router.clone(), bytes: None, is_failing: false };
    let mut pruning = interval(PRUNING_INTERVAL);
    pruning.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(MAX_BATCH);
    loop {
        tokio::select! {
            biased;
            // The first tick comes at once.
            _ = pruning.tick() => shelf.prune().await,
            count = queue.recv_many(&mut batch, MAX_BATCH) => {
                if count == 0 {
                    break;
                }
                shelf.keep(&batch).await;
                router.journal.settle(&batch);
                batch.clear();
            }
            // Last: it is heard only when nothing waits.
            () = router.journal.closing.notified() => break,
        }
    }
}

/// The tables of records and snapshots, and how much is in them.
struct Shelf {
    router: Arc<Router>,
    /// Unknown until it was measured.
    bytes: Option<u64>,
    is_failing: bool,
}

impl Shelf {
    async fn keep(&mut self, batch: &[Arc<Entry>]) {
        let records: Vec<_> = batch.iter().map(|entry| entry.record()).collect();
        let snapshots = batch.iter().filter_map(|entry| entry.snapshot());
        let by_id = snapshots.map(|it| (it.id, &**it)).collect();
        let snapshots = Snapshots { format: SNAPSHOT_FORMAT, by_id };
        let kept = self.store().keep_decisions(&records, &snapshots).await;
        let Some(bytes) = self.note(kept) else {
            self.router.metrics.decisions_dropped.inc_by(batch.len() as u64);
            return;
        };
        self.router.metrics.decisions_kept.inc_by(batch.len() as u64);
        self.bytes = self.bytes.map(|all| all.saturating_add(bytes));
        let most = self.max_bytes();
        if let Some(excess) = self.bytes.and_then(|all| all.checked_sub(most)).filter(|it| *it > 0)
        {
            self.remove_oldest(excess.saturating_add(most / SLACK)).await;
        }
    }

    async fn prune(&mut self) {
        if self.bytes.is_none() {
            let measured = self.store().decisions_bytes().await;
            self.bytes = self.note(measured);
        }
        let age = self.router.settings().config.decisions.keep_for;
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let moment = self.router.clock.unix_ms().saturating_sub(age);
        let gone = self.store().remove_decisions_before(moment).await;
        let gone = self.note(gone).unwrap_or(0);
        self.bytes = self.bytes.map(|all| all.saturating_sub(gone));
        if let Some(excess) = self.bytes.and_then(|all| all.checked_sub(self.max_bytes())) {
            self.remove_oldest(excess).await;
        }
    }

    async fn remove_oldest(&mut self, bytes: u64) {
        let gone = self.store().remove_oldest_decisions(bytes).await;
        let gone = self.note(gone).unwrap_or(0);
        self.bytes = self.bytes.map(|all| all.saturating_sub(gone));
    }

    fn max_bytes(&self) -> u64 {
        let config = &self.router.settings().config;
        let most = config.decisions.max_bytes as u64;
        match config.state.location {
            Location::Memory => most.min(MAX_BYTES_IN_MEMORY),
            Location::File(_) | Location::Postgres(_) => most,
        }
    }

    fn store(&self) -> &Store {
        &self.router.store
    }

    /// Tells a failure once, until something succeeds again.
    fn note<T>(&mut self, outcome: Result<T, Error>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.is_failing = false;
                Some(value)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::error!(%error, "records of decisions are lost");
                }
                None
            }
        }
    }
}
