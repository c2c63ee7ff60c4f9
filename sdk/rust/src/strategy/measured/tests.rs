//! What such a strategy promises, one promise a test.

use super::*;
use crate::strategy::Objective;
use crate::testing::{candidate, query};

/// Time to first token.
struct Latency;

impl Measure for Latency {
    const NAME: &'static str = "latency";

    fn of(health: &Health) -> Option<&Percentiles> {
        health.latency_ms.as_ref()
    }

    fn worth(figure: f64) -> f64 {
        figure
    }

    fn told(figure: f64) -> String {
        format!("{figure:.0} ms")
    }
}

fn latency(options: &[(&str, &str)]) -> Result<Measured<Latency>, String> {
    let options = options.iter().map(|(name, json)| ((*name).into(), (*json).into())).collect();
    Measured::open(Setup { options, score_names: Vec::new(), state: None })
}

fn measured(id: &str, p50: f64, p90: f64) -> Candidate {
    let measured = Percentiles { p50, p75: p50, p90, p99: p90, samples: 100 };
    let health = Health { latency_ms: Some(measured), ..Health::default() };
    Candidate { health, ..candidate(id, 1.0) }
}

fn order(options: &[(&str, &str)], query: Query, candidates: &[Candidate]) -> Vec<String> {
    let plan = latency(options).unwrap().route(query, candidates.to_vec()).unwrap();
    plan.steps.iter().map(|step| candidates[step.candidate as usize].id.clone()).collect()
}

const STILL: (&str, &str) = ("exploration", "0");

#[test]
fn the_percentile_that_is_chosen_decides() {
    let candidates = [measured("a/m", 100.0, 900.0), measured("b/m", 300.0, 300.0)];
    assert_eq!(order(&[STILL], query(), &candidates), ["a/m", "b/m"]);
    let p90 = ("percentile", r#""p90""#);
    assert_eq!(order(&[STILL, p90], query(), &candidates), ["b/m", "a/m"]);
}

#[test]
fn the_client_soundness_and_a_warm_cache_come_before_it() {
    let (good, mid) = (measured("good/m", 100.0, 100.0), measured("mid/m", 300.0, 300.0));
    let providers = vec!["mid".into()];
    let ordered = Query { providers, ..query() };
    assert_eq!(order(&[STILL], ordered, &[good.clone(), mid.clone()]), ["mid/m", "good/m"]);
    let warm = Candidate { warm: true, ..mid.clone() };
    assert_eq!(order(&[], query(), &[good.clone(), warm]), ["mid/m", "good/m"]);
    let mut down = good;
    down.health.uptime_30s = Some(0.9);
    assert_eq!(order(&[STILL], query(), &[down, mid]), ["mid/m", "good/m"]);
}

#[test]
fn an_unmeasured_endpoint_gets_a_bounded_share() {
    let candidates = [measured("a/m", 100.0, 100.0), candidate("new/m", 0.1)];
    let strategy = latency(&[("exploration", "0.1")]).unwrap();
    let first = |seed| {
        let plan = strategy.route(Query { seed, ..query() }, candidates.to_vec()).unwrap();
        assert_eq!(plan.steps.len(), 2);
        plan.steps[0].candidate
    };
    let explored = (0..10_000).filter(|seed| first(*seed) == 1).count();
    assert!(explored.abs_diff(1000) < 150, "{explored}");
}

#[test]
fn a_clients_sort_is_kept_strictly() {
    let candidates = [measured("a/m", 100.0, 100.0), candidate("new/m", 0.1)];
    for seed in 0..200 {
        let by = |objective| Query { objective, seed, ..query() };
        assert_eq!(order(&[], by(Objective::Price), &candidates), ["new/m", "a/m"]);
        assert_eq!(order(&[], by(Objective::Latency), &candidates), ["a/m", "new/m"]);
    }
}

#[test]
fn wrong_options_are_named_also_those_of_a_request() {
    for (name, json) in [("percentile", r#""p95""#), ("exploration", "2"), ("speed", "1")] {
        let error = latency(&[(name, json)]).err().unwrap();
        assert!(error.contains(name), "{error}");
        let options = vec![(name.into(), json.into())];
        let strategy = latency(&[]).unwrap();
        let refusal = strategy.route(Query { options, ..query() }, vec![candidate("a/m", 1.0)]);
        assert!(matches!(refusal, Err(Refusal::InvalidOptions(said)) if said.contains(name)));
    }
}
