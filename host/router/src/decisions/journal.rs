//! Where requests hand in what they were, and where it is found again: at once, whether it
//! has been written or still waits for that.

use super::{Entry, SNAPSHOT_FORMAT};
use crate::config::DecisionsConfig;
use crate::telemetry::Metrics;
use plugway_routing::health::Snapshot;
use plugway_store::decisions::Record;
use plugway_store::{Error, Store};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, mpsc};

/// The records of this router. Handing in never waits.
pub struct Journal {
    store: Store,
    metrics: Arc<Metrics>,
    /// None: nothing is kept.
    queue: Option<mpsc::Sender<Arc<Entry>>>,
    /// The queue's other end, until somebody writes.
    unread: Mutex<Option<mpsc::Receiver<Arc<Entry>>>>,
    /// What is not written yet, by id: at most what the queue holds and one batch.
    pending: Mutex<HashMap<String, Arc<Entry>>>,
    /// The writer is to write what there is, and end.
    pub(super) closing: Notify,
}

impl Journal {
    /// An empty one. Nothing is written before a writer is started.
    pub(crate) fn new(config: &DecisionsConfig, store: Store, metrics: Arc<Metrics>) -> Self {
        let (sender, receiver) = mpsc::channel(config.queue.clamp(1, MAX_QUEUE));
        let (queue, unread) = match config.enabled {
            true => (Some(sender), Some(receiver)),
            false => (None, None),
        };
        Self {
            store,
            metrics,
            queue,
            unread: Mutex::new(unread),
            pending: Mutex::default(),
            closing: Notify::new(),
        }
    }

    /// Takes what is to be kept, or drops and counts it where there is no room.
    pub(crate) fn hand_in(&self, entry: Entry) {
        let Some(queue) = &self.queue else { return };
        let Ok(place) = queue.try_reserve() else {
            self.metrics.decisions_dropped.inc();
            return;
        };
        let entry = Arc::new(entry);
        // Before it can be written, or nobody would take it out again.
        self.pending().insert(entry.record.id.clone(), entry.clone());
        place.send(entry);
    }

    /// What is kept of a request, by its public id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, id: &str) -> Result<Option<Record>, Error> {
        let pending = self.pending().get(id).cloned();
        match pending {
            Some(entry) => Ok(Some(entry.record())),
            None => self.store.decision(id).await,
        }
    }

    /// The health that a record rests on, by the id that the record has of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn snapshot(&self, id: u64) -> Result<Option<Arc<Snapshot>>, Error> {
        let of_id = |entry: &Arc<Entry>| entry.snapshot().filter(|it| it.id == id).cloned();
        let pending = self.pending().values().find_map(of_id);
        match pending {
            Some(snapshot) => Ok(Some(snapshot)),
            None => Ok(self.store.snapshot(SNAPSHOT_FORMAT, id).await?.map(Arc::new)),
        }
    }

    /// What is handed in, for the one who writes it.
    pub(super) fn unread(&self) -> Option<mpsc::Receiver<Arc<Entry>>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// These are written, or lost.
    pub(super) fn settle(&self, batch: &[Arc<Entry>]) {
        let mut pending = self.pending();
        for entry in batch {
            pending.remove(&entry.record.id);
        }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Entry>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More than this would be a leak with a name.
const MAX_QUEUE: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decisions::Weighed;
    use plugway_store::Location;
    use plugway_store::decisions::{Outcome, Request};

    fn entry(id: &str) -> Entry {
        let record = Record {
            id: id.to_owned(),
            came_ms: 1,
            request: Request::default(),
            excluded: Vec::new(),
            decision: None,
            attempts: Vec::new(),
            outcome: Outcome::default(),
        };
        Entry { record, weighed: Weighed::Nothing }
    }

    #[tokio::test]
    async fn what_does_not_fit_is_dropped_and_counted_and_nobody_waits() {
        let store = Store::open(&Location::Memory).await.unwrap();
        let metrics = Arc::new(Metrics::new());
        let config = DecisionsConfig { queue: 2, ..DecisionsConfig::default() };
        // Nobody writes.
        let journal = Journal::new(&config, store, metrics.clone());
        for id in ["a", "b", "c", "d"] {
            journal.hand_in(entry(id));
        }
        assert_eq!(metrics.decisions_dropped.get(), 2);
        for (id, is_kept) in [("a", true), ("b", true), ("c", false), ("d", false)] {
            assert_eq!(journal.find(id).await.unwrap().is_some(), is_kept, "{id}");
        }
        // Where one was taken, there is room for another.
        let taken = journal.unread().unwrap().recv().await.unwrap();
        journal.settle(&[taken]);
        assert!(journal.find("a").await.unwrap().is_none());
    }
}
