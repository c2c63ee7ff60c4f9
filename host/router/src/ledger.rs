//! The ledger: a row for each request that went to a provider. A request takes a place
//! before anything is done for it, queues an open row as it leaves for a provider, which
//! nobody waits for, and a settled one when it ends, which the last of its answer waits
//! for. One task writes whatever is queued, at once and together.

mod account;
mod detail;
mod keeper;
mod receipt;
mod sharing;
mod writer;

pub(crate) use account::{Account, Presumed};
pub(crate) use detail::{Attempted, Detail, Prices};
pub(crate) use keeper::{keep, restore};
pub(crate) use receipt::Receipt;
pub(crate) use sharing::{follow_others, share};
pub(crate) use writer::Writer;

use crate::config::LedgerConfig;
use crate::error::{Code, Error};
use crate::telemetry::Metrics;
use plugway_store::Store;
use plugway_store::ledger::Entry;
use sharing::Sharing;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// The ledger of this process.
pub struct Ledger {
    store: Store,
    metrics: Arc<Metrics>,
    /// Tells this run of the process from every other one.
    pub(crate) run: i64,
    /// One for each request under way and each settled row that is not written. It bounds
    /// the queue: a request has a few open rows there at most.
    places: Arc<Semaphore>,
    /// How many there are.
    all_places: u32,
    queue: mpsc::UnboundedSender<Message>,
    /// The queue's other end, until somebody writes.
    unread: Mutex<Option<mpsc::UnboundedReceiver<Message>>>,
    /// The last transaction failed.
    is_failing: AtomicBool,
    /// Milliseconds since the Unix epoch, by the database's clock at the last sign of life.
    now_ms: AtomicU64,
    /// What is known of other routers' spending.
    sharing: Sharing,
    /// The file is not where it was opened.
    is_displaced: AtomicBool,
    /// The writer is to write what there is, and end.
    closing: Notify,
}

/// What waits to be written.
struct Message {
    entry: Entry,
    /// Given back when it is written, or lost.
    place: Option<OwnedSemaphorePermit>,
    /// Told once it is written, or could not be.
    told: Option<oneshot::Sender<bool>>,
    /// It only says how far an answer is.
    pending: Option<Pending>,
}

/// A word of how far an answer is waits to be written: as long as it does, there is no other.
struct Pending(Arc<AtomicBool>);

impl Pending {
    /// None where one waits already.
    fn begin(is_pending: &Arc<AtomicBool>) -> Option<Self> {
        (!is_pending.swap(true, Ordering::Relaxed)).then(|| Self(is_pending.clone()))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Ledger {
    /// An empty queue. Nothing is written before a writer is started.
    pub(crate) fn new(config: &LedgerConfig, store: Store, metrics: Arc<Metrics>) -> Self {
        let (queue, unread) = mpsc::unbounded_channel();
        let all_places = u32::try_from(config.queue.clamp(1, Semaphore::MAX_PERMITS));
        let all_places = all_places.unwrap_or(u32::MAX);
        Self {
            store,
            metrics,
            run: rand::random(),
            places: Arc::new(Semaphore::new(all_places as usize)),
            all_places,
            queue,
            unread: Mutex::new(Some(unread)),
            is_failing: AtomicBool::new(false),
            now_ms: AtomicU64::new(0),
            sharing: Sharing::default(),
            is_displaced: AtomicBool::new(false),
            closing: Notify::new(),
        }
    }

    /// A place for a request; none where it is to be served without a row.
    ///
    /// # Errors
    /// When the configuration has requests refused that could not be accounted.
    fn place(&self, config: &LedgerConfig) -> Result<Option<OwnedSemaphorePermit>, Error> {
        let is_failing = self.is_failing();
        if is_failing && config.refuses_when_failing {
            return Err(unwritable());
        }
        match self.places.clone().try_acquire_owned() {
            Ok(place) => Ok(Some(place)),
            Err(_) if is_failing => {
                self.metrics.ledger_lost.inc();
                Ok(None)
            }
            Err(_) => Err(Error::overloaded(
                "More requests are under way, or not yet in the ledger, than accounting.queue \
                 allows; try again soon.",
            )),
        }
    }

    /// Whether the last transaction failed, or the next one would.
    pub(crate) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed) || self.is_displaced.load(Ordering::Relaxed)
    }

    /// For whoever has changed one of them.
    fn show_failing(&self) {
        self.metrics.ledger_failing.set(self.is_failing().into());
    }

    fn send(&self, message: Message) {
        // Its other end goes with the process alone.
        if self.queue.send(message).is_err() {
            self.metrics.ledger_lost.inc();
        }
    }

    /// Returns once no request is under way and all rows are written.
    async fn idle(&self) {
        // Nobody closes it.
        let _ = self.places.acquire_many(self.all_places).await;
    }

    /// What is queued, for the one who writes it.
    fn unread(&self) -> Option<mpsc::UnboundedReceiver<Message>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The request cannot be accounted, and the operator wants none that is not.
fn unwritable() -> Error {
    let message = "The ledger cannot be written now, and requests that cannot be accounted are \
                   refused (accounting.when_failing); try again soon.";
    Error { retry_after: Some(RETRY_PAUSE), ..Error::new(Code::Overloaded, message) }
}

/// What a client is asked to wait while the ledger fails.
const RETRY_PAUSE: std::time::Duration = std::time::Duration::from_secs(5);
