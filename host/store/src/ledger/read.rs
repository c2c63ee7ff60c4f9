//! Reading rows: one by its id, or page after page; and removing what is old.

use super::{Row, State};
use crate::sql::{integer, name};
use crate::{Error, Store};

/// Rows of a page at most.
pub const MAX_PAGE: u32 = 10_000;

/// Which rows. By default: all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those that came from then on, milliseconds since the Unix epoch.
    pub from_ms: Option<u64>,
    /// Those that came before.
    pub to_ms: Option<u64>,
    /// Of this key, by its hash.
    pub key: Option<String>,
    /// Of this workspace, by its id.
    pub workspace: Option<String>,
    /// Of this provider.
    pub provider: Option<String>,
    /// Of this model, as it was served.
    pub model: Option<String>,
    /// Only so far.
    pub state: Option<State>,
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// When the last row came.
    pub came_ms: u64,
    /// Its id.
    pub id: String,
}

impl From<&Row> for Cursor {
    fn from(row: &Row) -> Self {
        Self { came_ms: row.came_ms, id: row.id.clone() }
    }
}

impl Store {
    /// The row with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn generation(&self, id: &str) -> Result<Option<Row>, Error> {
        self.within(async {
            let query = sqlx::query("SELECT * FROM generations WHERE id = $1").bind(name(id));
            query.fetch_optional(self.readers()).await?.as_ref().map(Row::read).transpose()
        })
        .await
    }

    /// Rows in the order in which they came, after the last one of the page before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn generations(
        &self,
        filter: &Filter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<Row>, Error> {
        self.within(async {
            let after = after.map_or((-1, String::new()), |it| (integer(it.came_ms), name(&it.id)));
            let rows = sqlx::query(PAGE)
                .bind(filter.from_ms.map_or(0, integer))
                .bind(filter.to_ms.map_or(i64::MAX, integer))
                .bind(after.0)
                .bind(after.1)
                .bind(filter.key.as_deref().map(name))
                .bind(filter.workspace.as_deref().map(name))
                .bind(filter.provider.as_deref().map(name))
                .bind(filter.model.as_deref().map(name))
                .bind(filter.state.map(State::number))
                .bind(i64::from(limit.min(MAX_PAGE)))
                .fetch_all(self.readers())
                .await?;
            rows.iter().map(Row::read).collect()
        })
        .await
    }

    /// Removes rows that came before this moment, the oldest first and at most so many, and
    /// returns how many. What is open stays, and so do the sums of the days.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_ledger(&self, before_ms: u64, limit: u32) -> Result<u64, Error> {
        self.within(async {
            let mut work = self.work().await?;
            let query = sqlx::query(PRUNE).bind(integer(before_ms)).bind(i64::from(limit));
            let gone = query.execute(&mut *work).await?.rows_affected();
            work.commit().await?;
            Ok(gone)
        })
        .await
    }

    /// The same of all rows but the newest `count` at most: of those that came in the same
    /// millisecond as the first of the rest, none stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_ledger_to(&self, count: u32) -> Result<u64, Error> {
        self.within(async {
            let mut work = self.work().await?;
            let query = sqlx::query(PRUNE_TO).bind(i64::from(count));
            let gone = query.execute(&mut *work).await?.rows_affected();
            work.commit().await?;
            Ok(gone)
        })
        .await
    }
}

/// The last moment there is would belong to no page if the end were not included there.
const PAGE: &str = "SELECT * FROM generations WHERE came_ms >= $1 \
    AND (came_ms < $2 OR $2 = 9223372036854775807) AND (came_ms, id) > ($3, $4) \
    AND ($5 IS NULL OR key_hash = $5) AND ($6 IS NULL OR workspace = $6) \
    AND ($7 IS NULL OR provider = $7) AND ($8 IS NULL OR served_model = $8) \
    AND ($9 IS NULL OR state = $9) ORDER BY came_ms, id LIMIT $10";

const PRUNE_TO: &str = "DELETE FROM generations WHERE state <> 0 AND came_ms <= \
    (SELECT came_ms FROM generations ORDER BY came_ms DESC, id DESC LIMIT 1 OFFSET $1)";

const PRUNE: &str = "DELETE FROM generations WHERE id IN (SELECT id FROM generations \
    WHERE came_ms < $1 AND state <> 0 ORDER BY came_ms, id LIMIT $2)";
