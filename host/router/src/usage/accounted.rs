//! What a provider charges by the ledger, per model and day: for every attempt at it, also
//! those that failed or were overtaken, whoever served in the end.

use super::period::Period;
use crate::catalog::Catalog;
use crate::ledger::Detail;
use plugway_accounts::calendar::{Day, day_of};
use plugway_store::ledger::{Cursor, Daily, DayFilter, Filter, Row};
use plugway_store::{Error, Store};
use std::collections::{BTreeMap, BTreeSet};

/// Rows that are read at a time.
const PAGE: u32 = 1_000;

/// What attempts come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Accounted {
    pub(super) attempts: u64,
    /// Of these, those whose tokens are a guess.
    pub(super) estimated: u64,
    /// Of these, those whose price nobody knows.
    pub(super) unpriced: u64,
    /// Picodollars.
    pub(super) cost: u128,
}

/// By day and by the provider's own name for the model.
pub(super) type ByDayAndModel = BTreeMap<(Day, String), Accounted>;

/// Whose provider is meant, and which of its accounts.
pub(super) struct Charged<'a> {
    /// Its slug.
    pub(super) provider: &'a str,
    /// Also what was paid with accounts of clients' or a team's own.
    pub(super) with_byok: bool,
    /// What knows its models.
    pub(super) catalog: &'a Catalog,
}

/// The ledger of a provider.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) by: ByDayAndModel,
    /// Days whose rows are there no more, not all of them: there the daily sums stand in,
    /// in which each request counts in whole to the provider that served it.
    pub(super) pruned: BTreeSet<Day>,
}

/// Reads it.
///
/// # Errors
/// When the database fails.
pub(super) async fn of_provider(
    store: &Store,
    charged: &Charged<'_>,
    period: Period,
) -> Result<Ledger, Error> {
    // Before the rows: what ends meanwhile then has a row and is in no sum, and not the
    // other way round.
    let filter = DayFilter { from_day: period.from, to_day: period.to, ..DayFilter::default() };
    let days = store.daily(&filter).await?;
    let mut ledger = Ledger::default();
    let mut rows_by_day: BTreeMap<Day, u64> = BTreeMap::new();
    let filter = Filter { from_ms: period.begin_ms(), to_ms: period.end_ms(), ..Filter::default() };
    let mut after = None;
    loop {
        let rows = store.generations(&filter, after, PAGE).await?;
        after = rows.last().map(Cursor::from);
        for row in &rows {
            *rows_by_day.entry(day_of(row.came_ms)).or_default() += 1;
            ledger.add(row, charged);
        }
        if rows.len() < PAGE as usize {
            break;
        }
    }
    let mut counted_by_day: BTreeMap<Day, u64> = BTreeMap::new();
    for daily in &days {
        *counted_by_day.entry(daily.day).or_default() += daily.requests;
    }
    counted_by_day.retain(|day, count| rows_by_day.get(day).copied().unwrap_or(0) < *count);
    ledger.stand_in(counted_by_day.into_keys().collect(), &days, charged);
    Ok(ledger)
}

impl Ledger {
    /// The daily sums take the place of rows on these days.
    fn stand_in(&mut self, pruned: BTreeSet<Day>, days: &[Daily], charged: &Charged<'_>) {
        self.by.retain(|(day, _), _| !pruned.contains(day));
        let is_wanted = |it: &Daily| charged.with_byok || !it.is_byok;
        let stands_in = |it: &&Daily| {
            it.provider == charged.provider && pruned.contains(&it.day) && is_wanted(it)
        };
        for daily in days.iter().filter(stands_in) {
            let model = charged.upstream_name(&daily.endpoint).to_owned();
            let byok = if charged.with_byok { 0 } else { daily.byok_upstream };
            let sum = self.by.entry((daily.day, model)).or_default();
            sum.attempts += daily.requests;
            sum.estimated += daily.estimated;
            sum.unpriced += daily.unpriced;
            sum.cost = sum.cost.saturating_add(daily.upstream_cost.saturating_sub(byok));
        }
        self.pruned = pruned;
    }

    fn add(&mut self, row: &Row, charged: &Charged<'_>) {
        let day = day_of(row.came_ms);
        let detail = Detail::read(&row.detail);
        let mut add = |endpoint: &str, cost: Option<u64>, is_estimated: bool| {
            let model = charged.upstream_name(endpoint).to_owned();
            let sum = self.by.entry((day, model)).or_default();
            sum.attempts += 1;
            sum.estimated += u64::from(is_estimated);
            sum.unpriced += u64::from(cost.is_none());
            sum.cost = sum.cost.saturating_add(cost.unwrap_or(0).into());
        };
        // Of what is under way, or was when its process died, only the last is known.
        let is_meant = |provider: &str, is_byok: bool| {
            provider == charged.provider && (charged.with_byok || !is_byok)
        };
        if detail.attempts.is_empty() && is_meant(&row.provider, row.is_byok) {
            add(&row.endpoint, row.upstream_cost, row.is_estimated);
        }
        for attempt in detail.attempts.iter().filter(|it| is_meant(&it.provider, it.is_byok)) {
            // What a provider refused it does not charge for.
            if attempt.outcome == "ok" || attempt.upstream_cost.is_some() {
                add(&attempt.endpoint, attempt.upstream_cost, attempt.is_estimated);
            }
        }
    }
}

impl Charged<'_> {
    /// What the provider calls the model of an endpoint.
    fn upstream_name<'a>(&'a self, endpoint: &'a str) -> &'a str {
        let known = self.catalog.known(endpoint).map(|model| &model.endpoints);
        let found = known.into_iter().flatten().find(|it| it.id == endpoint);
        match found {
            Some(endpoint) => &endpoint.upstream_model,
            None => {
                let rest = endpoint.strip_prefix(self.provider).and_then(|it| it.strip_prefix('/'));
                rest.unwrap_or(endpoint)
            }
        }
    }
}
