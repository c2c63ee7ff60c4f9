//! Rows that were left open by a process that is gone.

use super::daily::Changes;
use super::{Row, State};
use crate::sql::{integer, unsigned};
use crate::store::Kind;
use crate::{Error, Store};
use sqlx::AnyConnection;
use std::time::Duration;

/// Rows that are interrupted at a time: whoever waits for the database waits for no more.
const ROWS_AT_ONCE: i64 = 500;

/// A run that was not heard of for so long is forgotten.
const RUN_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

impl Store {
    /// This run of a process is alive. To be called before it writes its first row, and then
    /// several times within the time after which others take it for gone. Returns when that
    /// was, in milliseconds since the Unix epoch: on a server by its clock, which all runs
    /// share, and else by `now_ms`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn beat(&self, run: i64, now_ms: u64) -> Result<u64, Error> {
        self.within(async {
            let mut work = self.ledger_work().await?;
            let now = self.now_of_runs(now_ms, &mut work).await?;
            sqlx::query(BEAT).bind(run).bind(now).execute(&mut *work).await?;
            work.commit().await?;
            Ok(unsigned(now))
        })
        .await
    }

    /// Interrupts the open rows of runs that are gone: they count with what they were
    /// presumed to cost, and are marked as estimated. Returns them as they are then.
    ///
    /// On a server, a run is gone when it was not heard of for so long by the server's clock.
    /// From a file only one process serves at a time: there, all other runs are gone.
    ///
    /// # Errors
    /// When the database fails; what was interrupted before that stays so.
    pub async fn interrupt_orphans(
        &self,
        own_run: i64,
        now_ms: u64,
        silent_for: Duration,
    ) -> Result<Vec<Row>, Error> {
        let now = async {
            let mut connection = self.readers().acquire().await?;
            self.now_of_runs(now_ms, &mut connection).await
        };
        let now = self.within(now).await?;
        let heard_since = match self.kind() {
            Kind::Postgres => before(now, silent_for),
            // Nobody was heard of later than this.
            Kind::Memory | Kind::File => i64::MAX,
        };
        let mut interrupted = Vec::new();
        loop {
            let rows = self.within(self.interrupt_some(own_run, now_ms, heard_since)).await?;
            let is_last = rows.is_empty();
            interrupted.extend(rows);
            if is_last {
                break;
            }
        }
        self.within(self.forget_runs(own_run, before(now, RUN_MAX_AGE))).await?;
        Ok(interrupted)
    }

    async fn forget_runs(&self, own_run: i64, heard_before: i64) -> Result<(), Error> {
        let mut work = self.work().await?;
        let query = sqlx::query("DELETE FROM runs WHERE beat_ms < $1 AND run <> $2");
        query.bind(heard_before).bind(own_run).execute(&mut *work).await?;
        Ok(work.commit().await?)
    }

    /// By the clock that all who write beats share.
    async fn now_of_runs(&self, now_ms: u64, from: &mut AnyConnection) -> Result<i64, Error> {
        match self.kind() {
            Kind::Postgres => Ok(sqlx::query_scalar(SERVER_NOW).fetch_one(from).await?),
            Kind::Memory | Kind::File => Ok(integer(now_ms)),
        }
    }

    async fn interrupt_some(
        &self,
        own_run: i64,
        now_ms: u64,
        heard_since: i64,
    ) -> Result<Vec<Row>, Error> {
        let mut work = self.turn("orphans").await?;
        let interrupt = match self.kind() {
            Kind::Postgres => INTERRUPT_ON_SERVER,
            Kind::Memory | Kind::File => INTERRUPT,
        };
        let found = sqlx::query(interrupt)
            .bind(State::Interrupted.number())
            .bind(integer(now_ms))
            .bind(own_run)
            .bind(heard_since)
            .bind(ROWS_AT_ONCE)
            .fetch_all(&mut *work)
            .await?;
        let rows = found.iter().map(Row::read).collect::<Result<Vec<_>, _>>()?;
        let mut changes = Changes::default();
        rows.iter().for_each(|row| changes.add(row));
        changes.keep(&mut work).await?;
        work.commit().await?;
        Ok(rows)
    }
}

fn before(now_ms: i64, time: Duration) -> i64 {
    now_ms.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

const SERVER_NOW: &str = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";

const BEAT: &str = "INSERT INTO runs (run, beat_ms) VALUES ($1, $2) \
    ON CONFLICT (run) DO UPDATE SET beat_ms = excluded.beat_ms";

/// The condition is said twice: one of these rows may be settled while this waits for it.
macro_rules! interrupt {
    ($locked:literal) => {
        concat!(
            "UPDATE generations SET state = $1, outcome = 'interrupted', is_estimated = 1, \
             ended_ms = $2 WHERE state = 0 AND id IN (SELECT id FROM generations \
             WHERE state = 0 AND run <> $3 \
             AND run NOT IN (SELECT run FROM runs WHERE beat_ms >= $4) ORDER BY id LIMIT $5",
            $locked,
            ") RETURNING *"
        )
    };
}

const INTERRUPT: &str = interrupt!("");

/// In the order in which every writer locks rows, so that none waits in a circle.
const INTERRUPT_ON_SERVER: &str = interrupt!(" FOR UPDATE");
