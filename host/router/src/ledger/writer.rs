//! The one task that writes the ledger: whatever is queued, at once and together, again
//! and again until it is written. What the database does not take is tried row by row, so
//! that no row takes others with it.

use super::{Ledger, Message};
use plugway_store::Error;
use plugway_store::ledger::{Entry, Row, State};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;
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
    let mut batch = Vec::with_capacity(MAX_BATCH);
    loop {
        tokio::select! {
            biased;
            count = queue.recv_many(&mut batch, MAX_BATCH) => {
                if count == 0 {
                    break;
                }
                commit(&ledger, &mut batch).await;
            }
            // Last: it is heard only when nothing waits.
            () = ledger.closing.notified() => break,
        }
    }
}

/// Writes the batch, whatever it takes.
async fn commit(ledger: &Ledger, batch: &mut Vec<Message>) {
    leave_out_overtaken(batch);
    let [mut pause, longest] = PAUSES;
    let mut may_have_met = true;
    loop {
        let entries: Vec<Entry> = batch.iter().map(|message| message.entry.clone()).collect();
        let begun = Instant::now();
        match ledger.store.write_ledger(&entries).await {
            Ok(_) => break,
            // Two that met in a circle, of which the other has gone on: nobody needs to know.
            Err(Error::Busy(_)) if may_have_met && begun.elapsed() < MEETING => {
                may_have_met = false;
                continue;
            }
            // It may come back, a full disk have room again, a password be set right.
            Err(error) if !error.is_of_what_was_written() => fails(ledger, batch, &error),
            Err(error) if batch.len() == 1 => {
                lose(ledger, batch, &error);
                return;
            }
            Err(_) => return Box::pin(one_by_one(ledger, batch)).await,
        }
        sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
    answers(ledger);
    ledger.metrics.ledger_written.inc_by(batch.len() as u64);
    for Message { entry, told, place } in batch.drain(..) {
        if let Entry::Settled(row) = &entry {
            ledger.sharing.wrote(row);
        }
        tell(told, true);
        drop(place);
    }
}

async fn one_by_one(ledger: &Ledger, batch: &mut Vec<Message>) {
    for message in std::mem::take(batch) {
        commit(ledger, &mut vec![message]).await;
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
fn fails(ledger: &Ledger, batch: &mut [Message], error: &Error) {
    if !ledger.is_failing.swap(true, Ordering::Relaxed) {
        tracing::error!(%error, "the ledger cannot be written; it is tried again until it can");
    }
    ledger.show_failing();
    for message in batch {
        tell(message.told.take(), false);
    }
}

fn lose(ledger: &Ledger, batch: &mut Vec<Message>, error: &Error) {
    // Or nothing would be let in that could show that others are written.
    answers(ledger);
    ledger.metrics.ledger_lost.inc_by(batch.len() as u64);
    for Message { entry, told, .. } in batch.drain(..) {
        let id = &row(&entry).id;
        tracing::error!(%error, id, "a row of the ledger cannot be written, and is lost");
        tell(told, false);
    }
}

fn row(entry: &Entry) -> &Row {
    match entry {
        Entry::Open(row) | Entry::Settled(row) => row,
    }
}

fn tell(told: Option<tokio::sync::oneshot::Sender<bool>>, is_written: bool) {
    // Whoever waited may have left.
    let _ = told.map(|told| told.send(is_written));
}

/// An open row whose request has ended since says nothing any more.
fn leave_out_overtaken(batch: &mut Vec<Message>) {
    let ended: HashSet<String> = batch
        .iter()
        .filter(|message| row(&message.entry).state != State::Open)
        .map(|message| row(&message.entry).id.clone())
        .collect();
    batch.retain(|message| {
        let row = row(&message.entry);
        row.state != State::Open || !ended.contains(&row.id)
    });
}
