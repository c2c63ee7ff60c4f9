//! What the ledger needs beside rows: a sign of life of this run, an end for the rows of
//! those that died, checkpoints, and room where rows are too old.

use crate::Router;
use plugway_store::{Error, Location};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Between signs of life.
const BEAT: Duration = Duration::from_secs(10);

/// A run that gave no sign for so long is dead, where several may live.
const SILENT_FOR: Duration = Duration::from_secs(60);

/// Between checkpoints.
const CHECKPOINT: Duration = Duration::from_secs(1);

/// How often what is too old is looked for.
const PRUNING: Duration = Duration::from_secs(60);

/// Rows that are kept where they take memory instead of disk.
const ROWS_IN_MEMORY: u32 = 20_000;

/// Rows that are removed at once.
const PRUNED: u32 = 10_000;

/// Ends what runs before this one left open, once, before anything is served.
pub(crate) async fn restore(router: &Router) -> Result<(), Error> {
    // A file has one process that serves: whoever else is named there is dead.
    let silent_for = match router.settings().config.state.location {
        Location::Postgres(_) => SILENT_FOR,
        _ => Duration::ZERO,
    };
    router.store.beat(router.ledger.run, router.clock.unix_ms()).await?;
    interrupt(router, silent_for).await
}

async fn interrupt(router: &Router, silent_for: Duration) -> Result<(), Error> {
    let (run, now) = (router.ledger.run, router.clock.unix_ms());
    let rows = router.store.interrupt_orphans(run, now, silent_for).await?;
    if !rows.is_empty() {
        router.metrics.ledger_interrupted.inc_by(rows.len() as u64);
        tracing::warn!(
            rows = rows.len(),
            "requests that a router died under are in the ledger as interrupted, with what they \
             are presumed to have cost"
        );
    }
    Ok(())
}

/// Keeps the ledger until it is cancelled.
pub(crate) async fn keep(router: &Router) {
    let every = |period| {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    let (mut beat, mut checkpoint, mut pruning) = (every(BEAT), every(CHECKPOINT), every(PRUNING));
    // One of them may succeed where another does not.
    let [mut beating, mut moving, mut removing] = [Trouble::default(); 3];
    loop {
        tokio::select! {
            _ = beat.tick() => beating.note(alive(router).await),
            _ = checkpoint.tick() => moving.note(router.store.checkpoint().await),
            _ = pruning.tick() => removing.note(prune(router).await),
        }
    }
}

async fn alive(router: &Router) -> Result<(), Error> {
    router.store.beat(router.ledger.run, router.clock.unix_ms()).await?;
    match router.settings().config.state.location {
        Location::Postgres(_) => interrupt(router, SILENT_FOR).await,
        Location::Memory => router.store.prune_ledger_to(ROWS_IN_MEMORY).await.map(drop),
        Location::File(_) => Ok(()),
    }
}

async fn prune(router: &Router) -> Result<(), Error> {
    let age = router.settings().config.ledger.keep_for;
    let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    let before = router.clock.unix_ms().saturating_sub(age);
    while router.store.prune_ledger(before, PRUNED).await? >= u64::from(PRUNED) {}
    Ok(())
}

/// Tells a failure once, until something succeeds again.
#[derive(Clone, Copy, Default)]
struct Trouble(bool);

impl Trouble {
    fn note(&mut self, outcome: Result<(), Error>) {
        match outcome {
            Ok(()) => self.0 = false,
            Err(error) if !std::mem::replace(&mut self.0, true) => {
                tracing::error!(%error, "the ledger cannot be kept in order");
            }
            Err(_) => {}
        }
    }
}
