//! The order that needs no plugin: what the client prefers, then what works,
//! then what is cheap. Serves when no strategy is loaded or the strategy failed.

use super::Estimate;
use crate::catalog::{Consumption, Endpoint, Price, cost};
use plugway_engine::{Candidate, ComparePrice, Plan, Query, Step};
use std::cmp::Ordering;

/// Below this share of success in the last half minute an endpoint is unstable.
const STABLE: f64 = 0.5;

/// Orders all candidates. Same input, same plan.
pub(crate) fn plan(query: &Query, candidates: &[Candidate]) -> Plan {
    let mut order: Vec<u32> = (0..).take(candidates.len()).collect();
    let rank =
        |list: &[String], name: &str| list.iter().position(|it| it == name).unwrap_or(list.len());
    order.sort_by(|&a, &b| {
        let (a, b) = (&candidates[a as usize], &candidates[b as usize]);
        let models = match query.keep_model_order {
            true => rank(&query.models, &a.model).cmp(&rank(&query.models, &b.model)),
            false => Ordering::Equal,
        };
        models
            .then_with(|| {
                rank(&query.providers, &a.provider).cmp(&rank(&query.providers, &b.provider))
            })
            .then_with(|| is_unstable(a).cmp(&is_unstable(b)))
            .then_with(|| a.estimated_cost.total_cmp(&b.estimated_cost))
            .then_with(|| a.id.cmp(&b.id))
    });
    let steps = order.into_iter().map(|candidate| Step { candidate, ..Step::default() });
    Plan {
        steps: steps.collect(),
        reason: "Built-in order: the client's preference, then stability, then expected cost."
            .into(),
        note: String::new(),
    }
}

fn is_unstable(candidate: &Candidate) -> bool {
    let health = &candidate.health;
    let is_full = health.capacity.is_some_and(|capacity| health.in_flight >= capacity);
    is_full || health.tripped || health.uptime_30s.is_some_and(|share| share < STABLE)
}

/// An endpoint's price as strategies compare it, with the expected cost of one
/// request in US dollars, so many tokens of it being in the endpoint's cache. What is
/// unpriced compares as free.
#[expect(clippy::cast_precision_loss, reason = "for comparing only; money is settled in integers")]
pub(super) fn compare_price(
    endpoint: &Endpoint,
    estimate: Estimate,
    cached_tokens: u64,
) -> (ComparePrice, f64) {
    const PER_DOLLAR: f64 = 1e12;
    let Some(price) = &endpoint.price else { return (ComparePrice::default(), 0.0) };
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

    fn check(query: &Query, expected: &[&str]) {
        let candidates = [
            candidate("dear/a", 3.0, Some(1.0)),
            candidate("cheap/a", 1.0, Some(1.0)),
            candidate("broken/a", 0.5, Some(0.1)),
            candidate("cheap/b", 0.1, None),
        ];
        let plan = plan(query, &candidates);
        let order: Vec<_> =
            plan.steps.iter().map(|step| candidates[step.candidate as usize].id.as_str()).collect();
        assert_eq!(order, expected);
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
}
