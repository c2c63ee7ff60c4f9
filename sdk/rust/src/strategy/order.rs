//! The part of an order that is not a strategy's to choose: what the client asked
//! for and what the router knows to be down. A strategy decides between candidates
//! of the same [`Standing`].

use super::{Candidate, Cutoffs, Percentiles, Query};
use std::cmp::Ordering;

/// Where a candidate stands before a strategy has its say; the lesser comes first.
/// Compared field by field, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    /// The circuit breaker is open: a last resort, also behind other models.
    pub tripped: bool,
    /// Place of its model in the client's order; 0 for all where that is free.
    pub model: usize,
    /// It misses a cutoff for throughput or latency.
    pub misses_cutoff: bool,
    /// Place of its provider in the client's order, those not named last.
    pub provider: usize,
}

impl Standing {
    /// The standing of one candidate of a query.
    pub fn of(candidate: &Candidate, query: &Query) -> Self {
        let model = if query.keep_model_order { place(&query.models, &candidate.model) } else { 0 };
        Self {
            tripped: candidate.health.tripped,
            model,
            misses_cutoff: misses_cutoff(candidate, query),
            provider: place(&query.providers, &candidate.provider),
        }
    }
}

/// Indices of all candidates: by standing, then by the strategy's own key, then by
/// id, so that the order does not depend on the order of the catalogue. The lesser
/// key comes first; one that is not a number comes last.
pub fn by_key(
    query: &Query,
    candidates: &[Candidate],
    key: impl Fn(&Candidate) -> f64,
) -> Vec<usize> {
    by_keys(query, candidates, |candidate| [key(candidate)])
}

/// The same with several keys: a later one tells apart what the earlier ones leave
/// equal.
pub fn by_keys<const N: usize>(
    query: &Query,
    candidates: &[Candidate],
    keys: impl Fn(&Candidate) -> [f64; N],
) -> Vec<usize> {
    let mut ranked: Vec<(Standing, [f64; N], usize)> = candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| {
            (Standing::of(candidate, query), keys(candidate).map(number), index)
        })
        .collect();
    ranked.sort_by(|a, b| {
        let id = |index: usize| &candidates[index].id;
        let pairs = a.1.iter().zip(&b.1);
        let mut keys = pairs.map(|(a, b)| a.total_cmp(b));
        let keys = keys.find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        a.0.cmp(&b.0).then(keys).then_with(|| id(a.2).cmp(id(b.2)))
    });
    ranked.into_iter().map(|(_, _, index)| index).collect()
}

/// A key that can be compared: not-a-number becomes the greatest, minus zero zero.
fn number(key: f64) -> f64 {
    if key.is_nan() { f64::INFINITY } else { key + 0.0 }
}

/// Place of a name in a list; one past its end where the list lacks it.
fn place(names: &[String], name: &str) -> usize {
    names.iter().position(|other| other == name).unwrap_or(names.len())
}

/// Whether a measured candidate is slower than the client would like. One without
/// measurements misses nothing.
fn misses_cutoff(candidate: &Candidate, query: &Query) -> bool {
    let health = &candidate.health;
    let below = |measured: f64, wanted: f64| measured < wanted;
    let above = |measured: f64, wanted: f64| measured > wanted;
    any(health.throughput.as_ref(), query.min_throughput.as_ref(), below)
        || any(health.latency_ms.as_ref(), query.max_latency_ms.as_ref(), above)
}

fn any(
    measured: Option<&Percentiles>,
    wanted: Option<&Cutoffs>,
    misses: impl Fn(f64, f64) -> bool,
) -> bool {
    let (Some(measured), Some(wanted)) = (measured, wanted) else {
        return false;
    };
    [
        (measured.p50, wanted.p50),
        (measured.p75, wanted.p75),
        (measured.p90, wanted.p90),
        (measured.p99, wanted.p99),
    ]
    .into_iter()
    .any(|(measured, wanted)| wanted.is_some_and(|wanted| misses(measured, wanted)))
}
