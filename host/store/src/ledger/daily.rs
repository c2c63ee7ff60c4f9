//! Sums by day. They are added up in memory for a batch, and then added to those that there
//! are.

use super::Row;
use crate::sql::{Chunked, integer, joined, name, split, unsigned};
use crate::{Error, Store};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, Row as _};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Days on which something was spent that are told one by one: no budget looks back for
/// longer than a month. They are counted by days that there are, so that a clock that was
/// ahead for a while hides none of them.
const DAYS_APART: i64 = 62;

/// What was used on one day by one key of one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Daily {
    /// Since 1970-01-01, UTC: the day on which the requests came.
    pub day: i64,
    /// Id.
    pub workspace: String,
    /// Hash; none: no key was asked for.
    pub key: Option<String>,
    /// As it was served, author and slug.
    pub model: String,
    /// Where.
    pub endpoint: String,
    /// Whose that is.
    pub provider: String,
    /// With a key that the client brought.
    pub is_byok: bool,
    /// All.
    pub requests: u64,
    /// Of these, those that failed; who left or was interrupted did not.
    pub errors: u64,
    /// Of these, those that the provider did not count.
    pub estimated: u64,
    /// Of these, those without a price.
    pub unpriced: u64,
    /// Tokens that were read.
    pub prompt: u64,
    /// Tokens that were written.
    pub completion: u64,
    /// Tokens from a cache.
    pub cache_read: u64,
    /// Tokens to a cache.
    pub cache_write: u64,
    /// Tokens of reasoning.
    pub reasoning: u64,
    /// What clients are billed, picodollars.
    pub cost: u128,
    /// What providers charge, picodollars: those who are paid with clients' keys too.
    pub upstream_cost: u128,
    /// Of that, what is paid with clients' keys.
    pub byok_upstream: u128,
}

/// Which days, and what of them. By default: all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayFilter {
    /// From this day on.
    pub from_day: Option<i64>,
    /// To this day, which is included.
    pub to_day: Option<i64>,
    /// Of this key, by its hash.
    pub key: Option<String>,
    /// Of this workspace, by its id.
    pub workspace: Option<String>,
    /// Of this model, as it was served.
    pub model: Option<String>,
    /// Of this provider.
    pub provider: Option<String>,
}

/// What was spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Hash; none: without a key.
    pub key: Option<String>,
    /// Id.
    pub workspace: String,
    /// On which day; [`i64::MIN`]: before all those that are told.
    pub day: i64,
    /// What is billed, picodollars.
    pub cost: u128,
    /// What is paid with keys that clients brought, picodollars.
    pub byok_cost: u128,
}

impl Store {
    /// Sums by day, of what has settled or was interrupted, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn daily(&self, filter: &DayFilter) -> Result<Vec<Daily>, Error> {
        self.within(async {
            let rows = sqlx::query(SELECT)
                .bind(filter.from_day.unwrap_or(i64::MIN))
                .bind(filter.to_day.unwrap_or(i64::MAX))
                .bind(filter.key.as_deref().map(name))
                .bind(filter.workspace.as_deref().map(name))
                .bind(filter.model.as_deref().map(name))
                .bind(filter.provider.as_deref().map(name))
                .fetch_all(self.readers())
                .await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// What each key and each workspace has spent: by day for the last 62 days on which
    /// anything was, and all that was before as one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spend(&self) -> Result<Vec<Spent>, Error> {
        self.within(async {
            let mut view = self.view().await?;
            let query = "SELECT DISTINCT day FROM daily ORDER BY day DESC LIMIT $1";
            let days: Vec<i64> =
                sqlx::query_scalar(query).bind(DAYS_APART).fetch_all(&mut *view).await?;
            let first = days.last().copied().unwrap_or(i64::MIN);
            let query = sqlx::query(SPENT).bind(first).bind(i64::MIN);
            let rows = query.fetch_all(&mut *view).await?;
            view.commit().await?;
            rows.iter().map(read_spent).collect()
        })
        .await
    }

    /// The same from one day on, day by day.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spend_since(&self, day: i64) -> Result<Vec<Spent>, Error> {
        self.within(async {
            let query = sqlx::query(SPENT_SINCE).bind(day);
            query.fetch_all(self.readers()).await?.iter().map(read_spent).collect()
        })
        .await
    }
}

/// What a batch adds to the sums, or takes away.
#[derive(Default)]
pub(super) struct Changes(BTreeMap<Key, Sums>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    day: i64,
    workspace: String,
    key: String,
    model: String,
    endpoint: String,
    provider: String,
    is_byok: bool,
}

#[derive(Default)]
struct Sums {
    requests: i64,
    errors: i64,
    estimated: i64,
    unpriced: i64,
    prompt: i64,
    completion: i64,
    cache_read: i64,
    cache_write: i64,
    reasoning: i64,
    cost: i128,
    upstream: i128,
    byok_upstream: i128,
}

impl Changes {
    /// A row counts from now on.
    pub(super) fn add(&mut self, row: &Row) {
        self.count(row, 1);
    }

    /// A row that has counted does so no more.
    pub(super) fn remove(&mut self, row: &Row) {
        self.count(row, -1);
    }

    fn count(&mut self, row: &Row, sign: i64) {
        let key = Key {
            day: row.day(),
            workspace: row.workspace.clone(),
            key: row.key.clone().unwrap_or_default(),
            model: row.served_model.clone(),
            endpoint: row.endpoint.clone(),
            provider: row.provider.clone(),
            is_byok: row.is_byok,
        };
        let sums = self.0.entry(key).or_default();
        // Within their bounds, no number of rows that has room in memory overflows these.
        let add = |sum: &mut i64, value: u64| *sum = sum.saturating_add(sign * integer(value));
        add(&mut sums.requests, 1);
        add(&mut sums.errors, is_error(row).into());
        add(&mut sums.estimated, row.is_estimated.into());
        add(&mut sums.unpriced, row.cost.is_none().into());
        add(&mut sums.prompt, row.tokens.prompt);
        add(&mut sums.completion, row.tokens.completion);
        add(&mut sums.cache_read, row.tokens.cache_read);
        add(&mut sums.cache_write, row.tokens.cache_write);
        add(&mut sums.reasoning, row.tokens.reasoning);
        let amount = |money: Option<u64>| i128::from(money.unwrap_or(0)) * i128::from(sign);
        sums.cost += amount(row.cost);
        sums.upstream += amount(row.upstream_cost);
        sums.byok_upstream += amount(row.byok_cost);
    }

    /// Adds them to those that there are, in one order: of two that write at a time, one
    /// waits for the other, and none in a circle.
    pub(super) async fn keep(self, to: &mut AnyConnection) -> Result<(), Error> {
        let changes: Vec<_> = self.0.into_iter().collect();
        let mut rest = &changes[..];
        while let Some((statement, chunk)) = ADD.first(to, &mut rest) {
            let query = chunk.iter().fold(sqlx::query(statement), bind);
            query.execute(&mut *to).await?;
        }
        Ok(())
    }
}

fn is_error(row: &Row) -> bool {
    !matches!(&*row.outcome, "ok" | "cancelled" | "interrupted")
}

const KEYS: &str = "day, workspace, key_hash, model, endpoint, provider, is_byok";

/// In the order of [`bind`].
const SUMS: [&str; 15] = [
    "requests",
    "errors",
    "estimated",
    "unpriced",
    "prompt",
    "completion",
    "cache_read",
    "cache_write",
    "reasoning",
    "cost_hi",
    "cost_lo",
    "upstream_hi",
    "upstream_lo",
    "byok_upstream_hi",
    "byok_upstream_lo",
];

static ADD: LazyLock<Chunked> = LazyLock::new(|| {
    let columns = KEYS.split(", ").count() + SUMS.len();
    let added = SUMS.map(|sum| format!("{sum} = daily.{sum} + excluded.{sum}")).join(", ");
    let head = format!("INSERT INTO daily ({KEYS}, {})", SUMS.join(", "));
    Chunked::new(&head, columns, &format!("ON CONFLICT ({KEYS}) DO UPDATE SET {added}"))
});

/// What a correction has left nothing of is not told.
const SELECT: &str = "SELECT * FROM daily WHERE day BETWEEN $1 AND $2 AND requests <> 0 \
    AND ($3 IS NULL OR key_hash = $3) AND ($4 IS NULL OR workspace = $4) \
    AND ($5 IS NULL OR model = $5) AND ($6 IS NULL OR provider = $6) \
    ORDER BY day, workspace, key_hash, model, endpoint, provider, is_byok";

/// What was spent on each of these `days`, as [`read_spent`] reads it.
macro_rules! spent {
    ($days:literal) => {
        concat!(
            "SELECT key_hash, workspace, since, \
             CAST(sum(cost_hi) AS BIGINT) AS cost_hi, CAST(sum(cost_lo) AS BIGINT) AS cost_lo, \
             CAST(sum(byok_upstream_hi) AS BIGINT) AS byok_hi, \
             CAST(sum(byok_upstream_lo) AS BIGINT) AS byok_lo FROM (",
            $days,
            ") AS days GROUP BY key_hash, workspace, since ORDER BY key_hash, workspace, since"
        )
    };
}

const SPENT: &str =
    spent!("SELECT daily.*, CASE WHEN day < $1 THEN $2 ELSE day END AS since FROM daily");

const SPENT_SINCE: &str = spent!("SELECT daily.*, day AS since FROM daily WHERE day >= $1");

fn bind<'q>(
    query: Query<'q, Any, AnyArguments>,
    (key, sums): &(Key, Sums),
) -> Query<'q, Any, AnyArguments> {
    let mut query = query
        .bind(key.day)
        .bind(key.workspace.clone())
        .bind(key.key.clone())
        .bind(key.model.clone())
        .bind(key.endpoint.clone())
        .bind(key.provider.clone())
        .bind(i64::from(key.is_byok))
        .bind(sums.requests)
        .bind(sums.errors)
        .bind(sums.estimated)
        .bind(sums.unpriced)
        .bind(sums.prompt)
        .bind(sums.completion)
        .bind(sums.cache_read)
        .bind(sums.cache_write)
        .bind(sums.reasoning);
    for amount in [sums.cost, sums.upstream, sums.byok_upstream] {
        let (hi, lo) = split(amount);
        query = query.bind(hi).bind(lo);
    }
    query
}

fn read(row: &AnyRow) -> Result<Daily, Error> {
    let number = |column| Ok::<_, Error>(unsigned(row.try_get(column)?));
    let money = |hi, lo| Ok::<_, Error>(joined(row.try_get(hi)?, row.try_get(lo)?));
    Ok(Daily {
        day: row.try_get("day")?,
        workspace: row.try_get("workspace")?,
        key: some_key(row)?,
        model: row.try_get("model")?,
        endpoint: row.try_get("endpoint")?,
        provider: row.try_get("provider")?,
        is_byok: number("is_byok")? != 0,
        requests: number("requests")?,
        errors: number("errors")?,
        estimated: number("estimated")?,
        unpriced: number("unpriced")?,
        prompt: number("prompt")?,
        completion: number("completion")?,
        cache_read: number("cache_read")?,
        cache_write: number("cache_write")?,
        reasoning: number("reasoning")?,
        cost: money("cost_hi", "cost_lo")?,
        upstream_cost: money("upstream_hi", "upstream_lo")?,
        byok_upstream: money("byok_upstream_hi", "byok_upstream_lo")?,
    })
}

fn read_spent(row: &AnyRow) -> Result<Spent, Error> {
    Ok(Spent {
        key: some_key(row)?,
        workspace: row.try_get("workspace")?,
        day: row.try_get("since")?,
        cost: joined(row.try_get("cost_hi")?, row.try_get("cost_lo")?),
        byok_cost: joined(row.try_get("byok_hi")?, row.try_get("byok_lo")?),
    })
}

/// No part of a primary key may be null in every database.
fn some_key(row: &AnyRow) -> Result<Option<String>, Error> {
    let key: String = row.try_get("key_hash")?;
    Ok(Some(key).filter(|key| !key.is_empty()))
}
