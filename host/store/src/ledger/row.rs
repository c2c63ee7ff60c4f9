//! One row of the ledger, and its columns.

use crate::Error;
use crate::sql::{integer, name, text, unsigned};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Row as _};

/// Milliseconds in a UTC day.
pub const DAY_MS: i64 = 86_400_000;

/// No request has more tokens of a kind. What a provider counts beyond this is nonsense, and
/// must not overflow the sums of a day.
pub const MAX_TOKENS: u64 = 10_000_000_000;

/// One request that went to a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// As clients see it.
    pub id: String,
    /// The run of the process that wrote it.
    pub run: i64,
    /// How far it is.
    pub state: State,
    /// When it came, milliseconds since the Unix epoch. It belongs to that UTC day.
    pub came_ms: u64,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// Hash of the key; none: no key was asked for.
    pub key: Option<String>,
    /// Id.
    pub workspace: String,
    /// The pattern of its route.
    pub route: String,
    /// As it was asked for.
    pub model: String,
    /// As it was served, author and slug.
    pub served_model: String,
    /// Where.
    pub endpoint: String,
    /// Whose that is.
    pub provider: String,
    /// Which of the provider's keys was used.
    pub credential: String,
    /// That one was brought by the client.
    pub is_byok: bool,
    /// The answer was wanted bit by bit.
    pub streamed: bool,
    /// Not the provider's count.
    pub is_estimated: bool,
    /// `open`, `ok`, `cancelled`, `interrupted`, or an error's name.
    pub outcome: String,
    /// HTTP status that the client was answered.
    pub status: u16,
    /// What it took, at most [`MAX_TOKENS`] each.
    pub tokens: Tokens,
    /// What the client is billed, picodollars; none: no price is known. While it is open:
    /// what it is presumed to cost.
    pub cost: Option<u64>,
    /// What providers charge for all attempts, picodollars.
    pub upstream_cost: Option<u64>,
    /// Of that, what owners of keys that they brought are charged.
    pub byok_cost: Option<u64>,
    /// What the cache saved, picodollars; negative: what it cost more.
    pub cache_discount: Option<i64>,
    /// Part of the cost.
    pub markup: Option<u64>,
    /// From the request to its first content.
    pub first_content_ms: Option<u64>,
    /// From the request to its end.
    pub duration_ms: Option<u64>,
    /// JSON object, which is nothing to the store.
    pub detail: String,
}

/// How far a request is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    /// It has left.
    #[default]
    Open,
    /// It ended.
    Settled,
    /// The process died, or was not heard of for long, before it ended.
    Interrupted,
}

/// Tokens that the provider counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// All that was read.
    pub prompt: u64,
    /// All that was written.
    pub completion: u64,
    /// Read from a cache.
    pub cache_read: u64,
    /// Written to a cache.
    pub cache_write: u64,
    /// Of what was written, reasoning.
    pub reasoning: u64,
}

/// In the order of [`Row::bind`]. The first one is the key.
pub(super) const COLUMNS: [&str; 31] = [
    "id",
    "run",
    "state",
    "came_ms",
    "ended_ms",
    "key_hash",
    "workspace",
    "route",
    "model",
    "served_model",
    "endpoint",
    "provider",
    "credential",
    "is_byok",
    "streamed",
    "is_estimated",
    "outcome",
    "status",
    "prompt",
    "completion",
    "cache_read",
    "cache_write",
    "reasoning",
    "cost",
    "upstream_cost",
    "byok_cost",
    "cache_discount",
    "markup",
    "first_content_ms",
    "duration_ms",
    "detail",
];

impl State {
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Open => 0,
            Self::Settled => 1,
            Self::Interrupted => 2,
        }
    }

    fn from_number(number: i64) -> Result<Self, Error> {
        match number {
            0 => Ok(Self::Open),
            1 => Ok(Self::Settled),
            2 => Ok(Self::Interrupted),
            _ => Err(Error::Value { column: "row's state" }),
        }
    }
}

impl Row {
    /// The UTC day on which it came, since 1970-01-01.
    #[must_use]
    pub fn day(&self) -> i64 {
        integer(self.came_ms).div_euclid(DAY_MS)
    }

    /// As it will be read again: numbers within their bounds, text without NUL.
    pub(super) fn fitted(&self, state: State) -> Self {
        let clamped = |number: u64| number.min(i64::MAX.cast_unsigned());
        let tokens = |count: u64| count.min(MAX_TOKENS);
        Self {
            id: name(&self.id),
            run: self.run,
            state,
            came_ms: clamped(self.came_ms),
            ended_ms: self.ended_ms.map(clamped),
            key: self.key.as_deref().map(name),
            workspace: name(&self.workspace),
            route: text(&self.route),
            model: text(&self.model),
            served_model: name(&self.served_model),
            endpoint: name(&self.endpoint),
            provider: name(&self.provider),
            credential: text(&self.credential),
            is_byok: self.is_byok,
            streamed: self.streamed,
            is_estimated: self.is_estimated,
            outcome: text(&self.outcome),
            status: self.status,
            tokens: Tokens {
                prompt: tokens(self.tokens.prompt),
                completion: tokens(self.tokens.completion),
                cache_read: tokens(self.tokens.cache_read),
                cache_write: tokens(self.tokens.cache_write),
                reasoning: tokens(self.tokens.reasoning),
            },
            cost: self.cost.map(clamped),
            upstream_cost: self.upstream_cost.map(clamped),
            byok_cost: self.byok_cost.map(clamped),
            cache_discount: self.cache_discount,
            markup: self.markup.map(clamped),
            first_content_ms: self.first_content_ms.map(clamped),
            duration_ms: self.duration_ms.map(clamped),
            detail: text(&self.detail),
        }
    }

    /// Binds its columns, which fit.
    pub(super) fn bind<'q>(
        &self,
        query: Query<'q, Any, AnyArguments>,
    ) -> Query<'q, Any, AnyArguments> {
        query
            .bind(self.id.clone())
            .bind(self.run)
            .bind(self.state.number())
            .bind(integer(self.came_ms))
            .bind(self.ended_ms.map(integer))
            .bind(self.key.clone())
            .bind(self.workspace.clone())
            .bind(self.route.clone())
            .bind(self.model.clone())
            .bind(self.served_model.clone())
            .bind(self.endpoint.clone())
            .bind(self.provider.clone())
            .bind(self.credential.clone())
            .bind(i64::from(self.is_byok))
            .bind(i64::from(self.streamed))
            .bind(i64::from(self.is_estimated))
            .bind(self.outcome.clone())
            .bind(i64::from(self.status))
            .bind(integer(self.tokens.prompt))
            .bind(integer(self.tokens.completion))
            .bind(integer(self.tokens.cache_read))
            .bind(integer(self.tokens.cache_write))
            .bind(integer(self.tokens.reasoning))
            .bind(self.cost.map(integer))
            .bind(self.upstream_cost.map(integer))
            .bind(self.byok_cost.map(integer))
            .bind(self.cache_discount)
            .bind(self.markup.map(integer))
            .bind(self.first_content_ms.map(integer))
            .bind(self.duration_ms.map(integer))
            .bind(self.detail.clone())
    }

    /// Reads what [`Row::bind`] has bound.
    pub(super) fn read(row: &AnyRow) -> Result<Self, Error> {
        let number = |column| Ok::<_, Error>(unsigned(row.try_get(column)?));
        let maybe = |column| Ok::<_, Error>(row.try_get::<Option<i64>, _>(column)?.map(unsigned));
        let text = |column| row.try_get::<String, _>(column);
        Ok(Self {
            id: text("id")?,
            run: row.try_get("run")?,
            state: State::from_number(row.try_get("state")?)?,
            came_ms: number("came_ms")?,
            ended_ms: maybe("ended_ms")?,
            key: row.try_get("key_hash")?,
            workspace: text("workspace")?,
            route: text("route")?,
            model: text("model")?,
            served_model: text("served_model")?,
            endpoint: text("endpoint")?,
            provider: text("provider")?,
            credential: text("credential")?,
            is_byok: number("is_byok")? != 0,
            streamed: number("streamed")? != 0,
            is_estimated: number("is_estimated")? != 0,
            outcome: text("outcome")?,
            status: u16::try_from(number("status")?).unwrap_or(u16::MAX),
            tokens: Tokens {
                prompt: number("prompt")?,
                completion: number("completion")?,
                cache_read: number("cache_read")?,
                cache_write: number("cache_write")?,
                reasoning: number("reasoning")?,
            },
            cost: maybe("cost")?,
            upstream_cost: maybe("upstream_cost")?,
            byok_cost: maybe("byok_cost")?,
            cache_discount: row.try_get("cache_discount")?,
            markup: maybe("markup")?,
            first_content_ms: maybe("first_content_ms")?,
            duration_ms: maybe("duration_ms")?,
            detail: text("detail")?,
        })
    }
}
