//! The one task that writes the ledger: whatever is queued, at once and together, again
//! and again until it is written. What the database does not take is tried row by row, so
//! that no row takes others with it.

use super::{Ledger, Message, Pending};
use plugway_store::Error;
use plugway_store::ledger::{Entry, Row, State};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Rows of one transaction.
const MAX_BATCH: usize = 256;

/// Between trials to write what could not be written: at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// Whoever fails so soon has not waited for another's lock in vain.
const MEETING: Duration = Duration::from_secs(2);

/// How long the end of the process waits for what is to be written.
const CLOSING_PATIENCE: Duration = Duration::from_secs(10);

/// The running task.
pub(crate) struct Writer {
    ledger: Arc<Ledger>,
    task: Option<JoinHandle<()>>,
}

impl Writer {
    /// Begins to write what is queued.
    pub(crate) fn start(ledger: &Arc<Ledger>) -> Self {
        let unread = ledger.unread();
        let task = unread.map(|queue| tokio::spawn(write(ledger.clone(), queue)));
        Self { ledger: ledger.clone(), task }
    }

    /// Returns once every request has ended and its row is written, or after a while.
    pub(crate) async fn finish(self) {
        let Some(mut task) = self.task else { return };
        let end = async {
            self.ledger.idle().await;
            self.ledger.closing.notify_one();
            // It has nothing to tell but that it ended.
            let _ = (&mut task).await;
        };
        if timeout(CLOSING_PATIENCE, end).await.is_err() {
            task.abort();
            tracing::error!("some rows of the ledger were not written before the end");
        }
    }
}

async fn write(ledger: Arc<Ledger>, mut queue: UnboundedReceiver<Message>) {
    let mut messages = Vec::with_capacity(MAX_BATCH);
    loop {
        tokio::select! {
            biased;
            count = queue.recv_many(&mut messages, MAX_BATCH) => {
                if count == 0 {
                    break;
                }
                commit(&ledger, Batch::of(&mut messages)).await;
            }
            // Last: it is heard only when nothing waits.
            () = ledger.closing.notified() => break,
        }
    }
}

/// What is written together, and who waits for it, in one order.
struct Batch {
    entries: Vec<Entry>,
    waiting: Vec<Waiting>,
}

/// What a row holds until it is written.
struct Waiting {
    told: Option<oneshot::Sender<bool>>,
    _place: Option<OwnedSemaphorePermit>,
    _pending: Option<Pending>,
}

impl Batch {
    /// Of what came from the queue.
    fn of(messages: &mut Vec<Message>) -> Self {
        leave_out_overtaken(messages);
        let parts = messages.drain(..).map(|Message { entry, told, place, pending }| {
            (entry, Waiting { told, _place: place, _pending: pending })
        });
        let (entries, waiting) = parts.unzip();
        Self { entries, waiting }
    }
}

/// Writes the batch, whatever it takes.
async fn commit(ledger: &Ledger, mut batch: Batch) {
    let [mut pause, longest] = PAUSES;
    let mut may_have_met = true;
    loop {
        let begun = Instant::now();
        match ledger.store.write_ledger(&batch.entries).await {
            Ok(_) => break,
            // Two that met in a circle, of which the other has gone on: nobody needs to know.
            Err(Error::Busy(_)) if may_have_met && begun.elapsed() < MEETING => {
                may_have_met = false;
                continue;
            }
            // It may come back, a full disk have room again, a password be set right.
            Err(error) if !error.is_of_what_was_written() => fails(ledger, &mut batch, &error),
            Err(error) if batch.entries.len() == 1 => {
                lose(ledger, batch, &error);
                return;
            }
            Err(_) => return Box::pin(one_by_one(ledger, batch)).await,
        }
        sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
    answers(ledger);
    ledger.metrics.ledger_written.inc_by(batch.entries.len() as u64);
    for entry in &batch.entries {
        if let Entry::Settled(row) = entry {
            ledger.sharing.wrote(row);
        }
    }
    for waiting in batch.waiting {
        tell(waiting.told, true);
    }
}

async fn one_by_one(ledger: &Ledger, batch: Batch) {
    for (entry, waiting) in batch.entries.into_iter().zip(batch.waiting) {
        commit(ledger, Batch { entries: vec![entry], waiting: vec![waiting] }).await;
    }
}

/// The database does what it is told, or says what it does not take.
fn answers(ledger: &Ledger) {
    if ledger.is_failing.swap(false, Ordering::Relaxed) {
        tracing::info!("the ledger is written again");
    }
    ledger.show_failing();
}

/// Nobody waits for what is not written at the first trial; it is tried again.
fn fails(ledger: &Ledger, batch: &mut Batch, error: &Error) {
    if !ledger.is_failing.swap(true, Ordering::Relaxed) {
        tracing::error!(%error, "the ledger cannot be written; it is tried again until it can");
    }
    ledger.show_failing();
    for waiting in &mut batch.waiting {
        tell(waiting.told.take(), false);
    }
}

fn lose(ledger: &Ledger, batch: Batch, error: &Error) {
    // Or nothing would be let in that could show that others are written.
    answers(ledger);
    ledger.metrics.ledger_lost.inc_by(batch.entries.len() as u64);
    for (entry, waiting) in batch.entries.iter().zip(batch.waiting) {
        let id = &row(entry).id;
        tracing::error!(%error, id, "a row of the ledger cannot be written, and is lost");
        tell(waiting.told, false);
    }
}

fn row(entry: &Entry) -> &Row {
    match entry {
        Entry::Open(row) | Entry::Settled(row) => row,
    }
}

fn tell(told: Option<oneshot::Sender<bool>>, is_written: bool) {
    // Whoever waited may have left.
    let _ = told.map(|told| told.send(is_written));
}

/// An open row whose request has ended since says nothing any more.
fn leave_out_overtaken(messages: &mut Vec<Message>) {
    let ended: HashSet<String> = messages
        .iter()
        .filter(|message| row(&message.entry).state != State::Open)
        .map(|message| row(&message.entry).id.clone())
        .collect();
    messages.retain(|message| {
        let row = row(&message.entry);
        row.state != State::Open || !ended.contains(&row.id)
    });
}
