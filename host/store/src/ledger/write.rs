//! Writing: the hot path. A batch is one transaction, of few statements that were prepared
//! before.

use super::daily::Changes;
use super::row::COLUMNS;
use super::{Row, State};
use crate::sql::{Chunked, name};
use crate::{Error, Store};
use sqlx::{AnyConnection, Row as _};
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

/// What is written of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It leaves; with what it is presumed to cost.
    Open(Row),
    /// It ended.
    Settled(Row),
}

/// What a batch has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows that were settled, and had not been before.
    pub settled: u64,
    /// Ids of those that had been: they are as they were, and count once.
    pub repeated: Vec<String>,
    /// Rows that had been interrupted, and were settled after all. Their former selves were
    /// taken out of the sums again.
    pub corrected: Vec<Corrected>,
}

/// A row that had been interrupted, and was settled after all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrected {
    /// What counted until now.
    pub before: Row,
    /// What counts.
    pub after: Row,
}

impl Store {
    /// Writes a batch: all, or nothing. A batch of which it is not known whether it was
    /// written may be written again.
    ///
    /// Where one request comes twice in it, what settles it counts, and else the last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_ledger(&self, batch: &[Entry]) -> Result<Written, Error> {
        let rows = one_each(batch);
        match rows.is_empty() {
            true => Ok(Written::default()),
            false => self.within(self.write_rows(&rows)).await,
        }
    }

    async fn write_rows(&self, rows: &[Row]) -> Result<Written, Error> {
        let mut work = self.ledger_work().await?;
        let taken = put(rows, &mut work).await?;
        let (mut written, mut changes) = (Written::default(), Changes::default());
        for row in rows.iter().filter(|row| row.state == State::Settled) {
            if taken.contains(&row.id) {
                written.settled += 1;
                changes.add(row);
            } else if let Some(before) = correct(row, &mut work).await? {
                changes.remove(&before);
                changes.add(row);
                written.corrected.push(Corrected { before, after: row.clone() });
            } else {
                written.repeated.push(row.id.clone());
            }
        }
        changes.keep(&mut work).await?;
        work.commit().await?;
        Ok(written)
    }
}

/// One row for each request, as it will be read again; by id, which is the order in which
/// every writer locks them.
fn one_each(batch: &[Entry]) -> Vec<Row> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for entry in batch {
        let (row, state) = match entry {
            Entry::Open(row) => (row, State::Open),
            Entry::Settled(row) => (row, State::Settled),
        };
        let is_settled = |row: &Row| row.state == State::Settled;
        if !rows.get(&name(&row.id)).is_some_and(is_settled) {
            let row = row.fitted(state);
            rows.insert(row.id.clone(), row);
        }
    }
    rows.into_values().collect()
}

/// Writes rows that are not there, or are open. Returns the ids of those that were written.
/// The database decides, row by row, so that of two that settle the same one only one has.
async fn put(rows: &[Row], to: &mut AnyConnection) -> Result<HashSet<String>, Error> {
    let (mut rest, mut taken) = (rows, HashSet::with_capacity(rows.len()));
    while let Some((statement, chunk)) = PUT.first(to, &mut rest) {
        let query = chunk.iter().fold(sqlx::query(statement), |query, row| row.bind(query));
        for row in query.fetch_all(&mut *to).await? {
            taken.insert(row.try_get(0)?);
        }
    }
    Ok(taken)
}

static PUT: LazyLock<Chunked> = LazyLock::new(|| {
    let columns = COLUMNS.join(", ");
    let taken = COLUMNS.map(|column| format!("{column} = excluded.{column}"));
    let tail = format!(
        "ON CONFLICT (id) DO UPDATE SET {} WHERE generations.state = 0 RETURNING id",
        taken.get(1..).unwrap_or_default().join(", ")
    );
    Chunked::new(&format!("INSERT INTO generations ({columns})"), COLUMNS.len(), &tail)
});

/// Settles a row that was interrupted. Returns what it was; none where it was settled.
async fn correct(row: &Row, to: &mut AnyConnection) -> Result<Option<Row>, Error> {
    // It says what it was, and nobody else changes it until the end.
    let hold = "UPDATE generations SET state = state WHERE id = $1 AND state = 2 RETURNING *";
    let held = sqlx::query(hold).bind(row.id.clone()).fetch_optional(&mut *to).await?;
    let Some(before) = held.as_ref().map(Row::read).transpose()? else { return Ok(None) };
    row.bind(sqlx::query(CORRECT.as_str())).execute(to).await?;
    Ok(Some(before))
}

static CORRECT: LazyLock<String> = LazyLock::new(|| {
    let columns = COLUMNS.iter().zip(1..).skip(1);
    let set: Vec<_> = columns.map(|(column, place)| format!("{column} = ${place}")).collect();
    format!("UPDATE generations SET {} WHERE id = $1", set.join(", "))
});
