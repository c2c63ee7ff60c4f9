//! Where requests hand in what they were, and where it is found again: at once, whether it
//! has been written or still waits for that.

use super::Entry;
use crate::config::DecisionsConfig;
use crate::telemetry::Metrics;
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
