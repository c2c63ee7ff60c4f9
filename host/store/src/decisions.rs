//! The tables of decisions and of the health that they rest on: written in batches by one
//! writer, read by id, and kept within an age and a size.

mod decision;
mod digest;
mod record;
mod snapshot;

pub use decision::{
    Candidate, Cutoffs, Decision, Import, Objective, Plan, Price, Query, Ruling, Setting, Step,
    Strategy,
};
pub use digest::Digest;
pub use record::{Attempt, Exclusion, Outcome, Record, Request, Served, Service, Tokens};
pub use snapshot::Snapshots;

use crate::sql::{integer, text};
use crate::{Error, Store};
use serde::Serialize;
use std::collections::BTreeMap;

/// Rows that are removed at a time: whoever waits for the database waits for no more.
const ROWS_AT_ONCE: i64 = 1000;

/// Beyond this, a list is for other tools.
const MAX_LISTED: u32 = 1000;

impl Store {
    /// Keeps records and the snapshots that they refer to, all or none. Returns how many
    /// bytes that takes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_decisions<T: Serialize + Sync>(
        &self,
        records: &[Record],
        snapshots: &Snapshots<'_, T>,
    ) -> Result<u64, Error> {
        self.within(self.keep(records, snapshots)).await
    }

    async fn keep<T: Serialize + Sync>(
        &self,
        records: &[Record],
        snapshots: &Snapshots<'_, T>,
    ) -> Result<u64, Error> {
        let mut transaction = self.work().await?;
        let mut bytes = 0;
        // The last record that refers to each.
        let mut referred = BTreeMap::new();
        for record in records {
            let encoded = record.encode()?;
            bytes += encoded.len() as u64;
            let id = text(&record.id);
            // What is kept again comes last again.
            let former = sqlx::query("DELETE FROM decisions WHERE id = $1").bind(&id);
            former.execute(&mut *transaction).await?;
            let sequence: i64 = sqlx::query_scalar(KEEP)
                .bind(&id)
                .bind(integer(record.came_ms))
                .bind(encoded)
                .fetch_one(&mut *transaction)
                .await?;
            if let Some(decision) = &record.decision {
                referred.insert(decision.snapshot, sequence);
            }
        }
        for (id, sequence) in referred {
            bytes += snapshots.keep(id, sequence, &mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(bytes)
    }

    /// The record of a request, by its public id.
    ///
    /// # Errors
    /// When the database fails, or holds a record that cannot be read.
    pub async fn decision(&self, id: &str) -> Result<Option<Record>, Error> {
        let query = sqlx::query_scalar("SELECT record FROM decisions WHERE id = $1");
        let query = query.bind(text(id));
        let found: Option<Vec<u8>> =
            self.within(async { Ok(query.fetch_optional(self.readers()).await?) }).await?;
        found.map(|bytes| Record::decode(&bytes)).transpose()
    }

    /// The records of the requests that ended last, the newest first; what cannot be read
    /// is left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_decisions(&self, count: u32) -> Result<Vec<Record>, Error> {
        let query = "SELECT record FROM decisions ORDER BY sequence DESC LIMIT $1";
        let query = sqlx::query_scalar(query).bind(i64::from(count.min(MAX_LISTED)));
        let found: Vec<Vec<u8>> =
            self.within(async { Ok(query.fetch_all(self.readers()).await?) }).await?;
        Ok(found.iter().filter_map(|bytes| Record::decode(bytes).ok()).collect())
    }

    /// Bytes of all records and snapshots. Looks at each of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decisions_bytes(&self) -> Result<u64, Error> {
        let query = sqlx::query_scalar(BYTES);
        let bytes: i64 = self.within(async { Ok(query.fetch_one(self.readers()).await?) }).await?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    /// Removes what came before this moment, milliseconds since the Unix epoch, and the
    /// snapshots that nothing refers to any more. Returns how many bytes went.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_decisions_before(&self, moment_ms: u64) -> Result<u64, Error> {
        let moment_ms = i64::try_from(moment_ms).unwrap_or(i64::MAX);
        let mut bytes = 0;
        loop {
            let gone = self.within(self.remove(BEFORE, moment_ms)).await?;
            if gone == 0 {
                return Ok(bytes);
            }
            bytes += gone;
        }
    }

    /// Removes the oldest records, so many that they and the snapshots that go with them
    /// have at least this many bytes. Returns how many bytes went.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_oldest_decisions(&self, excess_bytes: u64) -> Result<u64, Error> {
        let mut bytes = 0;
        while bytes < excess_bytes {
            let rest = i64::try_from(excess_bytes - bytes).unwrap_or(i64::MAX);
            match self.within(self.remove(OLDEST, rest)).await? {
                0 => break,
                gone => bytes += gone,
            }
        }
        Ok(bytes)
    }

    async fn remove(&self, statement: &'static str, bound: i64) -> Result<u64, Error> {
        let query = sqlx::query_scalar(statement).bind(ROWS_AT_ONCE).bind(bound);
        let mut transaction = self.work().await?;
        let mut gone: Vec<i64> = query.fetch_all(&mut *transaction).await?;
        gone.extend(snapshot::remove_unused(&mut transaction).await?);
        transaction.commit().await?;
        Ok(gone.into_iter().filter_map(|bytes| u64::try_from(bytes).ok()).sum())
    }
}

const KEEP: &str =
    "INSERT INTO decisions (id, came_ms, record) VALUES ($1, $2, $3) RETURNING sequence";

/// What [`Store::decisions_bytes`] adds up.
const BYTES: &str = "SELECT (SELECT coalesce(sum(length(record)), 0) FROM decisions) + \
    (SELECT coalesce(sum(length(snapshot)), 0) FROM snapshots)";

/// Rows that came before a moment, wherever they stand: the clock may have been ahead.
const BEFORE: &str = "DELETE FROM decisions WHERE sequence IN \
    (SELECT sequence FROM decisions WHERE came_ms < $2 ORDER BY came_ms LIMIT $1) \
    RETURNING length(record)";

/// The oldest rows, as many as it takes to make up so many bytes. A snapshot's count with
/// the last row that refers to it.
const OLDEST: &str = "DELETE FROM decisions WHERE sequence IN (SELECT sequence FROM \
    (SELECT sequence, sum(bytes) OVER (ORDER BY sequence) - bytes AS before FROM \
     (SELECT sequence, length(record) + (SELECT coalesce(sum(length(snapshot)), 0) \
      FROM snapshots WHERE last_sequence = sequence) AS bytes \
      FROM decisions ORDER BY sequence LIMIT $1) AS each_one) AS summed \
    WHERE before < $2) RETURNING length(record)";

#[cfg(test)]
mod tests;
