//! The order that needs no plugin: what the client asks for, then what works, then what is
//! cheap. Serves when no strategy is loaded or the strategy failed. What a client asks for
//! means here what it means to the strategies that come with the router.

use super::Estimate;
use crate::catalog::{Consumption, Endpoint, Price, cost};
use plugway_engine::{Candidate, ComparePrice, Cutoffs, Objective, Percentiles, Plan, Query, Step};
use std::cmp::Ordering;

/// Below this share of success in the last half minute an endpoint is unstable.
const STABLE: f64 = 0.5;

/// Orders all candidates. Same input, same plan.
pub(crate) fn plan(query: &Query, candidates: &[Candidate]) -> Plan {
    let standings = candidates.iter().map(|candidate| Standing::of(candidate, query));
    let mut order: Vec<(u32, Standing<'_>)> = (0..).zip(standings).collect();
    order.sort_by(|(_, a), (_, b)| a.compare(b));
    let steps = order.into_iter().map(|(candidate, _)| Step { candidate, ..Step::default() });
    let wish = match query.objective {
        Objective::Balanced => "a warm prompt cache, then expected cost",
        Objective::Price | Objective::Quality => "expected cost",
        Objective::Throughput => "throughput",
        Objective::Latency => "latency",
    };
    Plan {
        steps: steps.collect(),
        reason: format!("Built-in order: the client's preference, then stability, then {wish}."),
        note: String::new(),
    }
}

/// Where a candidate stands; the lesser comes first, field by field.
struct Standing<'c> {
    /// Its circuit breaker is open: a last resort, also behind other models.
    is_tripped: bool,
    /// Place of its model in the client's order; 0 for all where that is free.
    model: usize,
    /// It is slower than the client would like.
    misses_cutoff: bool,
    /// Place of its provider in the client's order, those not named last.
    provider: usize,
    /// It fails often, or has as much in flight as it bears.
    is_unstable: bool,
    /// How far it is from the best by the client's `sort`.
    worth: f64,
    /// It holds no prompt cache of the conversation. Where the client sorts, its order
    /// stands, and what a cache saves is in the cost.
    is_cold: bool,
    cost: f64,
    id: &'c str,
}

impl<'c> Standing<'c> {
    fn of(candidate: &'c Candidate, query: &Query) -> Self {
        let place = |names: &[String], name: &str| {
            names.iter().position(|it| it == name).unwrap_or(names.len())
        };
        let model = if query.keep_model_order { place(&query.models, &candidate.model) } else { 0 };
        let is_sorted = query.objective != Objective::Balanced;
        Self {
            is_tripped: candidate.health.tripped,
            model,
            misses_cutoff: misses_cutoff(candidate, query),
            provider: place(&query.providers, &candidate.provider),
            is_unstable: is_unstable(candidate),
            worth: number(worth(candidate, query.objective)),
            is_cold: !candidate.warm && !is_sorted,
            cost: number(candidate.estimated_cost),
            id: &candidate.id,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let asked = |it: &Self| (it.is_tripped, it.model, it.misses_cutoff, it.provider);
        asked(self)
            .cmp(&asked(other))
            .then_with(|| self.is_unstable.cmp(&other.is_unstable))
            .then_with(|| self.worth.total_cmp(&other.worth))
            .then_with(|| self.is_cold.cmp(&other.is_cold))
            .then_with(|| self.cost.total_cmp(&other.cost))
            .then_with(|| self.id.cmp(other.id))
    }
}

/// What is not a number is unknown, and comes last.
fn number(key: f64) -> f64 {
    if key.is_nan() { f64::INFINITY } else { key }
}

/// The less the better. Nothing here knows of quality.
fn worth(candidate: &Candidate, objective: Objective) -> f64 {
    let median = |measured: Option<&Percentiles>| measured.map(|it| it.p50);
    let health = &candidate.health;
    match objective {
        Objective::Balanced | Objective::Quality => 0.0,
        Objective::Price => candidate.estimated_cost,
        Objective::Throughput => median(health.throughput.as_ref()).map_or(f64::INFINITY, |it| -it),
        Objective::Latency => median(health.latency_ms.as_ref()).unwrap_or(f64::INFINITY),
    }
}

/// What was not measured misses nothing.
pub(super) fn misses_cutoff(candidate: &Candidate, query: &Query) -> bool {
    let Candidate { health, .. } = candidate;
    let below = |measured, wanted| measured < wanted;
    let above = |measured, wanted| measured > wanted;
    misses(health.throughput.as_ref(), query.min_throughput.as_ref(), below)
        || misses(health.latency_ms.as_ref(), query.max_latency_ms.as_ref(), above)
}

fn misses(
    measured: Option<&Percentiles>,
    wanted: Option<&Cutoffs>,
    is_worse: impl Fn(f64, f64) -> bool,
) -> bool {
    let (Some(measured), Some(wanted)) = (measured, wanted) else { return false };
    [
        (measured.p50, wanted.p50),
        (measured.p75, wanted.p75),
        (measured.p90, wanted.p90),
        (measured.p99, wanted.p99),
    ]
    .into_iter()
    .any(|(measured, wanted)| wanted.is_some_and(|wanted| is_worse(measured, wanted)))
}

fn is_unstable(candidate: &Candidate) -> bool {
    let health = &candidate.health;
    let is_full = health.capacity.is_some_and(|capacity| health.in_flight >= capacity);
    is_full || health.uptime_30s.is_some_and(|share| share < STABLE)
}

/// An endpoint's price as strategies compare it, with the expected cost of one
/// request in US dollars, so many tokens of it being in the endpoint's cache. What is
/// unpriced costs what is not a number: nobody takes it for free, and no cap admits it.
#[expect(clippy::cast_precision_loss, reason = "for comparing only; money is settled in integers")]
pub(super) fn compare_price(
    endpoint: &Endpoint,
    estimate: Estimate,
    cached_tokens: u64,
) -> (ComparePrice, f64) {
    const PER_DOLLAR: f64 = 1e12;
    let Some(price) = &endpoint.price else {
        let unknown = f64::NAN;
        let compare = ComparePrice {
            prompt: unknown,
            completion: unknown,
            request: unknown,
            ..ComparePrice::default()
        };
        return (compare, unknown);
    };
    // One picodollar per token is one millionth of a dollar per million tokens.
    let per_million = |picodollars: u64| picodollars as f64 / 1e6;
    let Price { prompt, completion, cache_read, cache_write, request, .. } = price;
    let compare = ComparePrice {
        prompt: per_million(*prompt),
        completion: per_million(*completion),
        cache_read: cache_read.map(per_million),
        cache_write: cache_write.map(per_million),
        request: *request as f64 / PER_DOLLAR,
    };
    let used = Consumption {
        prompt: estimate.prompt_tokens.into(),
        completion: estimate.completion_tokens.into(),
        cache_read: cached_tokens.min(estimate.prompt_tokens.into()),
        ..Consumption::default()
    };
    (compare, cost(price, used) as f64 / PER_DOLLAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugway_engine::Health;

    fn candidate(id: &str, cost: f64, uptime: Option<f64>) -> Candidate {
        let (provider, model) = id.split_once('/').unwrap();
        Candidate {
            id: id.into(),
            provider: provider.into(),
            model: model.into(),
            estimated_cost: cost,
            health: Health { uptime_30s: uptime, ..Health::default() },
            ..Candidate::default()
        }
    }

    /// By the ids of the candidates.
    fn order(query: &Query, candidates: &[Candidate]) -> Vec<String> {
        let steps = plan(query, candidates).steps.into_iter();
        steps.map(|step| candidates[step.candidate as usize].id.clone()).collect()
    }

    fn check(query: &Query, expected: &[&str]) {
        let candidates = [
            candidate("dear/a", 3.0, Some(1.0)),
            candidate("cheap/a", 1.0, Some(1.0)),
            candidate("broken/a", 0.5, Some(0.1)),
            candidate("cheap/b", 0.1, None),
        ];
        assert_eq!(order(query, &candidates), expected);
    }

    /// At one cost, in the order of their names but for what tells them apart.
    fn with(id: &str, change: impl FnOnce(&mut Candidate)) -> Candidate {
        let mut candidate = candidate(id, 1.0, None);
        change(&mut candidate);
        candidate
    }

    fn percentiles(p50: f64) -> Percentiles {
        Percentiles { p50, p75: p50, p90: p50, p99: 2.0 * p50, samples: 100 }
    }

    #[test]
    fn preference_then_stability_then_cost() {
        let models = vec!["a".to_owned(), "b".to_owned()];
        let any = Query { models: models.clone(), ..Query::default() };
        check(&any, &["cheap/b", "cheap/a", "dear/a", "broken/a"]);
        let in_order = Query { models, keep_model_order: true, ..Query::default() };
        check(&in_order, &["cheap/a", "dear/a", "broken/a", "cheap/b"]);
        let preferred = Query { providers: vec!["dear".into(), "broken".into()], ..in_order };
        check(&preferred, &["dear/a", "broken/a", "cheap/a", "cheap/b"]);
    }

    #[test]
    fn what_is_tripped_comes_behind_other_models_and_what_is_full_behind_the_rest_of_its_own() {
        let models = vec!["a".to_owned(), "b".to_owned()];
        let query = Query { models, keep_model_order: true, ..Query::default() };
        let full = Health { in_flight: 2, capacity: Some(2), ..Health::default() };
        let candidates = [
            with("1/a", |it| it.health.tripped = true),
            with("2/a", |it| it.health = full),
            with("3/a", |_| {}),
            with("4/b", |_| {}),
        ];
        assert_eq!(order(&query, &candidates), ["3/a", "2/a", "4/b", "1/a"]);
    }

    #[test]
    fn what_misses_a_cutoff_comes_behind_even_where_its_provider_comes_first() {
        let candidates = [
            with("slow/a", |it| it.health.throughput = Some(percentiles(10.0))),
            with("late/a", |it| it.health.latency_ms = Some(percentiles(900.0))),
            with("fit/a", |it| {
                it.health.throughput = Some(percentiles(90.0));
                it.health.latency_ms = Some(percentiles(200.0));
            }),
            with("new/a", |_| {}),
        ];
        let any = Query { providers: vec!["slow".into(), "late".into()], ..Query::default() };
        assert_eq!(order(&any, &candidates), ["slow/a", "late/a", "fit/a", "new/a"]);
        let fast = Cutoffs { p50: Some(50.0), ..Cutoffs::default() };
        let soon = Cutoffs { p99: Some(1000.0), ..Cutoffs::default() };
        let throughput = Query { min_throughput: Some(fast), ..any.clone() };
        assert_eq!(order(&throughput, &candidates), ["late/a", "fit/a", "new/a", "slow/a"]);
        let latency = Query { max_latency_ms: Some(soon), ..any };
        assert_eq!(order(&latency, &candidates), ["slow/a", "fit/a", "new/a", "late/a"]);
    }

    #[test]
    fn a_warm_prompt_cache_comes_before_the_cost_and_never_over_an_order() {
        let candidates = [
            with("cheap/a", |_| {}),
            with("warm/a", |it| (it.warm, it.estimated_cost) = (true, 2.0)),
        ];
        assert_eq!(order(&Query::default(), &candidates), ["warm/a", "cheap/a"]);
        let by_price = Query { objective: Objective::Price, ..Query::default() };
        assert_eq!(order(&by_price, &candidates), ["cheap/a", "warm/a"]);
        let ordered = Query { providers: vec!["cheap".into()], ..Query::default() };
        assert_eq!(order(&ordered, &candidates), ["cheap/a", "warm/a"]);
    }

    #[test]
    fn each_sort_has_its_order_and_what_is_unknown_comes_last() {
        let measured = |id: &str, cost: f64, throughput: f64, latency: f64| {
            with(id, |it| {
                it.estimated_cost = cost;
                it.health.throughput = Some(percentiles(throughput));
                it.health.latency_ms = Some(percentiles(latency));
            })
        };
        let candidates = [
            with("0/a", |it| it.estimated_cost = f64::NAN),
            measured("1/a", 1.0, 20.0, 300.0),
            measured("2/a", 2.0, 90.0, 900.0),
            measured("3/a", 3.0, 50.0, 100.0),
        ];
        for (objective, expected) in [
            (Objective::Balanced, ["1/a", "2/a", "3/a", "0/a"]),
            (Objective::Price, ["1/a", "2/a", "3/a", "0/a"]),
            (Objective::Quality, ["1/a", "2/a", "3/a", "0/a"]),
            (Objective::Throughput, ["2/a", "3/a", "1/a", "0/a"]),
            (Objective::Latency, ["3/a", "1/a", "2/a", "0/a"]),
        ] {
            let query = Query { objective, ..Query::default() };
            assert_eq!(order(&query, &candidates), expected, "{objective:?}");
        }
    }
}
