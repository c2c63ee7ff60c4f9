//! The order that every strategy keeps.

use plugway_sdk::strategy::order::by_key;
use plugway_sdk::strategy::{Candidate, Cutoffs, Health, Percentiles, Query};
use plugway_sdk::testing::{candidate, query};

/// Checks the ids by cost, as the query orders them.
fn check(query: &Query, candidates: &[Candidate], expected: &[&str]) {
    let ranked = by_key(query, candidates, |candidate| candidate.estimated_cost);
    let ids: Vec<&str> = ranked.iter().map(|index| candidates[*index].id.as_str()).collect();
    assert_eq!(ids, expected);
}

fn tripped(mut candidate: Candidate) -> Candidate {
    candidate.health.tripped = true;
    candidate
}

#[test]
fn by_key_then_by_id() {
    let candidates = [candidate("b/m", 1.0), candidate("a/m", 1.0), candidate("c/m", 0.5)];
    check(&query(), &candidates, &["c/m", "a/m", "b/m"]);
    let odd = [candidate("a/m", f64::NAN), candidate("b/m", 0.0), candidate("a/n", -0.0)];
    check(&query(), &odd, &["a/n", "b/m", "a/m"]);
}

#[test]
fn models_in_order_only_where_that_is_kept() {
    let candidates = [candidate("a/second", 1.0), candidate("a/first", 2.0)];
    let models = vec!["first".into(), "second".into()];
    let free = Query { models: models.clone(), ..query() };
    check(&free, &candidates, &["a/second", "a/first"]);
    let kept = Query { models, keep_model_order: true, ..query() };
    check(&kept, &candidates, &["a/first", "a/second"]);
}

#[test]
fn the_tripped_come_last_whatever_the_client_prefers() {
    let candidates = [tripped(candidate("a/first", 1.0)), candidate("b/second", 2.0)];
    let picky = Query {
        models: vec!["first".into(), "second".into()],
        keep_model_order: true,
        providers: vec!["a".into()],
        ..query()
    };
    check(&picky, &candidates, &["b/second", "a/first"]);
}

#[test]
fn providers_in_order_and_those_not_named_after_them() {
    let candidates = [candidate("a/m", 1.0), candidate("b/m", 2.0), candidate("c/m", 3.0)];
    let providers = vec!["c".into(), "b".into()];
    check(&Query { providers, ..query() }, &candidates, &["c/m", "b/m", "a/m"]);
}

#[test]
fn cutoffs_put_the_slow_last_and_spare_the_unmeasured() {
    let latency = |id: &str, p90: f64| {
        let measured = Percentiles { p50: 1.0, p75: 1.0, p90, p99: 9999.0, samples: 50 };
        let health = Health { latency_ms: Some(measured), ..Health::default() };
        Candidate { health, ..candidate(id, 1.0) }
    };
    let candidates = [latency("a/m", 900.0), latency("b/m", 100.0), candidate("c/m", 5.0)];
    let cutoffs = Cutoffs { p90: Some(500.0), ..Cutoffs::default() };
    let picky = Query { max_latency_ms: Some(cutoffs), ..query() };
    check(&picky, &candidates, &["b/m", "c/m", "a/m"]);
}
