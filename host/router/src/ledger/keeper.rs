//! What the ledger needs beside rows: signs of life of this run, an end for the rows of
//! those that died, checkpoints, room where rows are too old, and an eye on its file.

use super::Ledger;
use crate::Router;
use crate::state::Patience;
use plugway_routing::Clock;
use plugway_store::{Error, Location, Store};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Between signs of life.
const BEAT: Duration = Duration::from_secs(10);

/// A run that gave no sign for so long is dead, where several may live.
const SILENT_FOR: Duration = Duration::from_secs(60);

/// Between checkpoints.
const CHECKPOINT: Duration = Duration::from_secs(1);

/// How often what is too old is looked for.
const PRUNING: Duration = Duration::from_secs(60);

/// A clock that is wrong as the machine starts is put right before anything is removed.
const CLOCK_PATIENCE: Duration = Duration::from_secs(600);

/// How often rows in memory are counted.
const TRIMMING: Duration = Duration::from_secs(10);

/// How often the state file is looked for.
const LOOKING: Duration = Duration::from_secs(1);

/// Rows that are kept where they take memory instead of disk.
const ROWS_IN_MEMORY: u32 = 20_000;

/// Rows that are removed at once: a commit that comes meanwhile waits for no more.
const PRUNED: u32 = 500;

/// Ends what runs before this one left open, once, before anything is served. On a server
/// they may live: see [`Series`].
pub(crate) async fn restore(router: &Router) -> Result<(), Error> {
    let mut patience = Patience::new();
    while let Err(error) = try_to_restore(router).await {
        patience.wait(error).await?;
    }
    Ok(())
}

async fn try_to_restore(router: &Router) -> Result<(), Error> {
    beat(router).await?;
    match is_shared(router) {
        true => Ok(()),
        // A file has one process that serves: whoever else is named there is dead.
        false => interrupt(router, Duration::ZERO).await,
    }
}

/// A sign of life, and the time as whoever keeps the books has it.
async fn beat(router: &Router) -> Result<u64, Error> {
    let now_ms = router.store.beat(router.ledger.run, router.clock.unix_ms()).await?;
    router.ledger.now_ms.store(now_ms, Ordering::Relaxed);
    Ok(now_ms)
}

fn is_shared(router: &Router) -> bool {
    matches!(router.settings().config.state.location, Location::Postgres(_))
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

/// Keeps the ledger until it is cancelled. Signs of life wait for nothing else.
pub(crate) async fn keep(router: &Router) {
    let may_judge = Notify::new();
    tokio::join!(
        stay_alive(router, &may_judge),
        bury(router, &may_judge),
        clean(router),
        look(router)
    );
}

/// Tells with each sign of life whether others may be taken for dead.
async fn stay_alive(router: &Router, may_judge: &Notify) {
    let mut beats = every(BEAT);
    let (mut series, mut trouble) = (Series::default(), Trouble::default());
    loop {
        beats.tick().await;
        trouble.note(match beat(router).await {
            Ok(now_ms) => {
                if series.beaten(now_ms) >= SILENT_FOR && is_shared(router) {
                    may_judge.notify_one();
                }
                Ok(())
            }
            Err(error) => {
                series.end();
                Err(error)
            }
        });
    }
}

/// Ends what routers left open that have died meanwhile.
async fn bury(router: &Router, may_judge: &Notify) {
    let mut trouble = Trouble::default();
    loop {
        may_judge.notified().await;
        trouble.note(interrupt(router, SILENT_FOR).await);
    }
}

/// Signs of life of this run without a gap, by the server's clock. Only who has seen others
/// have the time to give theirs may take them for dead: as a server comes back, or its clock
/// is put ahead, all are silent but the first.
#[derive(Default)]
struct Series(Option<(u64, u64)>);

impl Series {
    /// One more, and how long they have lasted.
    fn beaten(&mut self, now_ms: u64) -> Duration {
        let goes_on = |last: u64| {
            now_ms.checked_sub(last).is_some_and(|gap| Duration::from_millis(gap) < SILENT_FOR / 2)
        };
        let first = match self.0 {
            Some((first, last)) if goes_on(last) => first,
            _ => now_ms,
        };
        self.0 = Some((first, now_ms));
        Duration::from_millis(now_ms - first)
    }

    fn end(&mut self) {
        self.0 = None;
    }
}

async fn clean(router: &Router) {
    let (mut checkpoint, mut pruning, mut trimming) =
        (every(CHECKPOINT), every(PRUNING), every(TRIMMING));
    pruning.reset_after(CLOCK_PATIENCE);
    // One of them may succeed where another does not.
    let [mut moving, mut removing] = [Trouble::default(); 2];
    loop {
        tokio::select! {
            _ = checkpoint.tick() => moving.note(router.store.checkpoint().await),
            _ = pruning.tick() => {
                let keep_for = router.settings().config.ledger.keep_for;
                removing.note(prune(&router.store, &router.clock, keep_for).await);
            }
            _ = trimming.tick() => removing.note(trim(router).await),
        }
    }
}

async fn trim(router: &Router) -> Result<(), Error> {
    match router.settings().config.state.location {
        Location::Memory => router.store.prune_ledger_to(ROWS_IN_MEMORY).await.map(drop),
        _ => Ok(()),
    }
}

/// Removes what is old by either reckoning: a clock that is put ahead by years removes
/// nothing, nor does one that was ahead as this process started and has been put right.
async fn prune(store: &Store, clock: &Clock, keep_for: Duration) -> Result<(), Error> {
    let whole = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let now = clock.wall_ms().min(whole(clock.date()));
    let before = now.saturating_sub(whole(keep_for));
    while store.prune_ledger(before, PRUNED).await? >= u64::from(PRUNED) {
        yield_now().await;
    }
    Ok(())
}

/// A file that is gone is noticed though nothing is written, and so is its return.
async fn look(router: &Router) {
    let mut looks = every(LOOKING);
    loop {
        looks.tick().await;
        note_place(&router.ledger, router.store.look_for_file());
    }
}

fn note_place(ledger: &Ledger, found: Result<(), Error>) {
    let was = ledger.is_displaced.swap(found.is_err(), Ordering::Relaxed);
    match found {
        Err(error) if !was => tracing::error!(%error, "the ledger cannot be written"),
        Ok(()) if was => tracing::info!("the state file is back"),
        _ => {}
    }
    ledger.show_failing();
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
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

#[cfg(test)]
mod tests {
    use super::*;
    use plugway_store::ledger::{Entry, Filter, Row};

    #[test]
    fn only_an_unbroken_series_of_signs_of_life_counts() {
        let mut series = Series::default();
        let lasted = |series: &mut Series, now| series.beaten(now).as_secs();
        assert_eq!(lasted(&mut series, 1_000_000), 0);
        assert_eq!(lasted(&mut series, 1_010_000), 10);
        assert_eq!(lasted(&mut series, 1_035_000), 35);
        // A gap, or a clock that was put ahead; and one that was put back.
        assert_eq!(lasted(&mut series, 1_065_000), 0);
        assert_eq!(lasted(&mut series, 1_075_000), 10);
        assert_eq!(lasted(&mut series, 1_000_000), 0);
        assert_eq!(lasted(&mut series, 1_010_000), 10);
        // One that failed.
        series.end();
        assert_eq!(lasted(&mut series, 1_020_000), 0);
        for beat in 1..=6 {
            assert_eq!(lasted(&mut series, 1_020_000 + beat * 10_000), beat * 10);
        }
        assert!(series.beaten(1_081_000) >= SILENT_FOR);
    }

    #[tokio::test]
    async fn a_clock_that_is_ahead_by_years_removes_no_rows() {
        const YEAR_MS: i64 = 365 * 86_400_000;
        let keep_for = Duration::from_secs(90 * 86_400);
        let began = Duration::from_secs(20_000 * 86_400);
        let clock = Clock::stopped(began);
        let store = Store::open(&Location::Memory).await.unwrap();
        let now = clock.wall_ms();
        let old = now - 91 * 86_400_000;
        let row = |n: u64| Row { id: format!("gen-{n}"), came_ms: now, ..Row::default() };
        let old_row = |n: u64| Row { id: format!("old-{n}"), came_ms: old, ..Row::default() };
        let count =
            async || store.generations(&Filter::default(), None, 9_999).await.unwrap().len();
        let rows: Vec<_> = (0..10).map(|n| Entry::Settled(row(n))).collect();
        store.write_ledger(&rows).await.unwrap();

        clock.step_wall(5 * YEAR_MS);
        prune(&store, &clock, keep_for).await.unwrap();
        assert_eq!(count().await, 10);
        // Ahead as the process started, and put right.
        let late = Clock::stopped(began + Duration::from_secs(5 * 365 * 86_400));
        late.step_wall(-5 * YEAR_MS);
        prune(&store, &late, keep_for).await.unwrap();
        assert_eq!(count().await, 10);

        // What is old goes all the same, however many rows that are.
        let rows: Vec<_> = (0..2 * u64::from(PRUNED)).map(|n| Entry::Settled(old_row(n))).collect();
        store.write_ledger(&rows).await.unwrap();
        prune(&store, &clock, keep_for).await.unwrap();
        assert_eq!(count().await, 10);
    }
}
