//! Rows that were left open by a process that is gone.

use super::daily::Changes;
use super::{Row, State};
use crate::sql::integer;
use crate::store::Kind;
use crate::{Error, Store};
use std::time::Duration;

/// Rows that are interrupted at a time: whoever waits for the database waits for no more.
const ROWS_AT_ONCE: i64 = 500;

/// A run that was not heard of for so long is forgotten.
const RUN_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

impl Store {
    /// This run of a process is alive. To be called before it writes its first row, and then
    /// several times within the time after which others take it for gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn beat(&self, run: i64, now_ms: u64) -> Result<(), Error> {
        self.within(async {
            let mut work = self.work().await?;
            let query = sqlx::query(BEAT).bind(run).bind(integer(now_ms));
            query.execute(&mut *work).await?;
            work.commit().await?;
            Ok(())
        })
        .await
    }

    /// Interrupts the open rows of runs that are gone: they count with what they were
    /// presumed to cost, and are marked as estimated. Returns them as they are then.
    ///
    /// On a server, a run is gone when it was not heard of for so long. From a file only one
    /// process serves at a time: there, all other runs are gone.
    ///
    /// # Errors
    /// When the database fails; what was interrupted before that stays so.
    pub async fn interrupt_orphans(
        &self,
        own_run: i64,
        now_ms: u64,
        silent_for: Duration,
    ) -> Result<Vec<Row>, Error> {
        let ago = |time: Duration| {
            integer(now_ms.saturating_sub(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
        };
        let heard_since = match self.kind() {
            Kind::Postgres => ago(silent_for),
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
        let mut work = self.work().await?;
        let query = sqlx::query("DELETE FROM runs WHERE beat_ms < $1 AND run <> $2");
        query.bind(ago(RUN_MAX_AGE)).bind(own_run).execute(&mut *work).await?;
        work.commit().await?;
        Ok(interrupted)
    }

    async fn interrupt_some(
        &self,
        own_run: i64,
        now_ms: u64,
        heard_since: i64,
    ) -> Result<Vec<Row>, Error> {
        let mut work = self.turn("orphans").await?;
        let found = sqlx::query(INTERRUPT)
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

const BEAT: &str = "INSERT INTO runs (run, beat_ms) VALUES ($1, $2) \
    ON CONFLICT (run) DO UPDATE SET beat_ms = excluded.beat_ms";

/// The condition is said twice: one of these rows may be settled while this waits for it.
const INTERRUPT: &str = "UPDATE generations SET state = $1, outcome = 'interrupted', \
    is_estimated = 1, ended_ms = $2 WHERE state = 0 AND id IN (SELECT id FROM generations \
    WHERE state = 0 AND run <> $3 \
    AND run NOT IN (SELECT run FROM runs WHERE beat_ms >= $4) ORDER BY id LIMIT $5) \
    RETURNING *";
