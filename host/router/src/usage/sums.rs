//! The ledger's sums by day, added up by whatever is asked for.

use super::cell::Cell;
use super::table::Table;
use clap::ValueEnum;
use plugway_accounts::calendar::{Day, write_day};
use plugway_store::ledger::Daily;
use std::collections::BTreeMap;

/// What sums are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Dimension {
    /// UTC day.
    Day,
    /// Model that served.
    Model,
    /// Endpoint that served.
    Endpoint,
    /// Provider that served.
    Provider,
    /// Key, by its hash.
    Key,
    /// Workspace.
    Workspace,
}

/// What a sum is of: whatever it is told apart by.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    pub(crate) day: Option<Day>,
    pub(crate) model: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) provider: Option<String>,
    /// Empty: no key was asked for.
    pub(crate) key: Option<String>,
    pub(crate) workspace: Option<String>,
}

/// What requests took and cost. Money is in picodollars.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) requests: u64,
    /// Of these, those that failed.
    pub(crate) errors: u64,
    /// Of these, those whose tokens are a guess.
    pub(crate) estimated: u64,
    /// Of these, those whose price nobody knows.
    pub(crate) unpriced: u64,
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    pub(crate) reasoning: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_write: u64,
    /// Billed.
    pub(crate) cost: u128,
    /// What providers charge, with what nobody is billed.
    pub(crate) upstream_cost: u128,
    /// Of that, to accounts of the teams' own.
    pub(crate) byok_upstream_cost: u128,
}

/// Adds up, for each combination of what is told apart that occurs.
pub(crate) fn sum_by(days: &[Daily], by: &[Dimension]) -> BTreeMap<Group, Sum> {
    let mut sums: BTreeMap<Group, Sum> = BTreeMap::new();
    for daily in days {
        sums.entry(Group::of(daily, by)).or_default().add(daily);
    }
    sums
}

/// The sums as a table, with a line for all of them.
pub(crate) fn table(sums: &BTreeMap<Group, Sum>, by: &[Dimension]) -> Table {
    let mut by = by.to_vec();
    by.sort_unstable();
    by.dedup();
    let row = |group: &Group, sum: &Sum| {
        by.iter().map(|it| group.cell(*it)).chain(sum.cells()).collect::<Vec<Cell>>()
    };
    let mut all = Sum::default();
    sums.values().for_each(|sum| all.join(sum));
    let mut total = row(&Group::default(), &all);
    if let Some(first) = total.first_mut().filter(|_| !by.is_empty()) {
        *first = Cell::text("total");
    }
    Table {
        columns: by.iter().map(|it| it.column()).chain(Sum::COLUMNS).collect(),
        rows: sums.iter().map(|(group, sum)| row(group, sum)).collect(),
        total,
    }
}

impl Dimension {
    fn column(self) -> &'static str {
        match self {
            Self::Day => "date",
            Self::Model => "model",
            Self::Endpoint => "endpoint_id",
            Self::Provider => "provider",
            Self::Key => "api_key_hash",
            Self::Workspace => "workspace_id",
        }
    }
}

impl Group {
    fn of(daily: &Daily, by: &[Dimension]) -> Self {
        let mut group = Self::default();
        for dimension in by {
            match dimension {
                Dimension::Day => group.day = Some(daily.day),
                Dimension::Model => group.model = Some(daily.model.clone()),
                Dimension::Endpoint => group.endpoint = Some(daily.endpoint.clone()),
                Dimension::Provider => group.provider = Some(daily.provider.clone()),
                Dimension::Key => group.key = Some(daily.key.clone().unwrap_or_default()),
                Dimension::Workspace => group.workspace = Some(daily.workspace.clone()),
            }
        }
        group
    }

    fn cell(&self, of: Dimension) -> Cell {
        let text = |it: &Option<String>| Cell::text(it.clone().unwrap_or_default());
        match of {
            Dimension::Day => self.day.map_or(Cell::Nothing, |day| Cell::text(write_day(day))),
            Dimension::Model => text(&self.model),
            Dimension::Endpoint => text(&self.endpoint),
            Dimension::Provider => text(&self.provider),
            Dimension::Key => text(&self.key),
            Dimension::Workspace => text(&self.workspace),
        }
    }
}

impl Sum {
    const COLUMNS: [&'static str; 12] = [
        "requests",
        "errors",
        "estimated_requests",
        "unpriced_requests",
        "prompt_tokens",
        "completion_tokens",
        "reasoning_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "usage",
        "upstream_inference_cost",
        "byok_usage_inference",
    ];

    fn cells(&self) -> [Cell; 12] {
        [
            Cell::Number(self.requests),
            Cell::Number(self.errors),
            Cell::Number(self.estimated),
            Cell::Number(self.unpriced),
            Cell::Number(self.prompt),
            Cell::Number(self.completion),
            Cell::Number(self.reasoning),
            Cell::Number(self.cache_read),
            Cell::Number(self.cache_write),
            Cell::sum(self.cost),
            Cell::sum(self.upstream_cost),
            Cell::sum(self.byok_upstream_cost),
        ]
    }

    fn add(&mut self, daily: &Daily) {
        self.join(&Self {
            requests: daily.requests,
            errors: daily.errors,
            estimated: daily.estimated,
            unpriced: daily.unpriced,
            prompt: daily.prompt,
            completion: daily.completion,
            reasoning: daily.reasoning,
            cache_read: daily.cache_read,
            cache_write: daily.cache_write,
            cost: daily.cost,
            upstream_cost: daily.upstream_cost,
            byok_upstream_cost: daily.byok_upstream,
        });
    }

    /// Beyond 64 bits of requests or tokens there is no more to count.
    fn join(&mut self, more: &Self) {
        let count = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        count(&mut self.requests, more.requests);
        count(&mut self.errors, more.errors);
        count(&mut self.estimated, more.estimated);
        count(&mut self.unpriced, more.unpriced);
        count(&mut self.prompt, more.prompt);
        count(&mut self.completion, more.completion);
        count(&mut self.reasoning, more.reasoning);
        count(&mut self.cache_read, more.cache_read);
        count(&mut self.cache_write, more.cache_write);
        let money = |sum: &mut u128, more: u128| *sum = sum.saturating_add(more);
        money(&mut self.cost, more.cost);
        money(&mut self.upstream_cost, more.upstream_cost);
        money(&mut self.byok_upstream_cost, more.byok_upstream_cost);
    }
}
