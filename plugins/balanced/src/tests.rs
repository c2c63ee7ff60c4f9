//! What the strategy promises, one promise a test.

use super::*;
use plugway_sdk::strategy::{Cutoffs, Health, Objective, Percentiles};
use plugway_sdk::testing::{candidate, query};

fn balanced(options: &[(&str, &str)]) -> Result<Balanced, String> {
    let options = options.iter().map(|(name, json)| ((*name).into(), (*json).into())).collect();
    Balanced::open(Setup { options, score_names: Vec::new(), state: None })
}

fn order(query: Query, candidates: &[Candidate]) -> Vec<String> {
    // What explores is chance, and has a test of its own.
    let balanced = balanced(&[("exploration", "0")]).unwrap();
    let plan = balanced.route(query, candidates.to_vec()).unwrap();
    plan.steps.iter().map(|step| candidates[step.candidate as usize].id.clone()).collect()
}

/// Checks the order for many seeds: what chance must not decide.
fn check_always(query: &Query, candidates: &[Candidate], expected: &[&str]) {
    for seed in 0..200 {
        assert_eq!(order(Query { seed, ..query.clone() }, candidates), expected, "seed {seed}");
    }
}

fn healthy(id: &str, health: Health) -> Candidate {
    Candidate { health, ..candidate(id, 1.0) }
}

fn percentiles(p50: f64) -> Percentiles {
    Percentiles { p50, p75: p50, p90: p50, p99: p50, samples: 100 }
}

/// How many of 10,000 seeds put the first candidate first.
fn firsts(options: &[(&str, &str)], costs: [f64; 2]) -> usize {
    let exploration = [("exploration", "0")];
    let balanced = balanced(&[&exploration, options].concat()).unwrap();
    let candidates = [candidate("a/m", costs[0]), candidate("b/m", costs[1])];
    (0..10_000)
        .filter(|seed| {
            let plan = balanced.route(Query { seed: *seed, ..query() }, candidates.to_vec());
            plan.unwrap().steps[0].candidate == 0
        })
        .count()
}

#[test]
fn chances_follow_the_inverse_square_of_the_cost() {
    let near = |count: usize, expected: usize| count.abs_diff(expected) < 150;
    assert!(near(firsts(&[], [1.0, 3.0]), 9000));
    assert!(near(firsts(&[], [1.0, 1.0]), 5000));
    assert!(near(firsts(&[], [0.0, 0.0]), 5000));
    assert!(near(firsts(&[("exponent", "1")], [1.0, 3.0]), 7500));
    assert!(near(firsts(&[("exponent", "0")], [1.0, 3.0]), 5000));
    assert_eq!(firsts(&[], [0.0, 1.0]), 10_000);
    assert_eq!(firsts(&[], [f64::NAN, 0.1]), 0);
}

#[test]
fn the_same_seed_gives_the_same_plan() {
    let candidates: Vec<_> = (1..9).map(|n| candidate(&format!("p{n}/m"), f64::from(n))).collect();
    let plan = |seed| order(Query { seed, ..query() }, &candidates);
    assert_eq!(plan(7), plan(7));
    assert!((0..20).any(|seed| plan(seed) != plan(7)));
}

#[test]
fn the_healthy_come_first() {
    let down = Health { uptime_30s: Some(0.5), ..Health::default() };
    let full = Health { in_flight: 4, capacity: Some(4), ..Health::default() };
    let up =
        Health { uptime_30s: Some(0.99), in_flight: 3, capacity: Some(4), ..Health::default() };
    let tripped = Health { tripped: true, ..up };
    let candidates = [healthy("tripped/m", tripped), healthy("down/m", down), healthy("up/m", up)];
    check_always(&query(), &candidates, &["up/m", "down/m", "tripped/m"]);
    check_always(&query(), &[healthy("full/m", full), healthy("up/m", up)], &["up/m", "full/m"]);
}

#[test]
fn the_client_decides_before_chance_does() {
    let candidates = [candidate("a/old", 0.1), candidate("b/new", 9.0), candidate("c/new", 9.0)];
    let ordered = Query {
        models: vec!["new".into(), "old".into()],
        keep_model_order: true,
        providers: vec!["c".into()],
        ..query()
    };
    check_always(&ordered, &candidates, &["c/new", "b/new", "a/old"]);

    let slow = Health { throughput: Some(percentiles(5.0)), ..Health::default() };
    let fast = Health { throughput: Some(percentiles(50.0)), ..Health::default() };
    let cutoffs = Cutoffs { p50: Some(20.0), ..Cutoffs::default() };
    let picky = Query { min_throughput: Some(cutoffs), ..query() };
    let candidates = [healthy("slow/m", slow), healthy("fast/m", fast)];
    check_always(&picky, &candidates, &["fast/m", "slow/m"]);
}

#[test]
fn objectives_replace_the_draw() {
    let one = Health {
        throughput: Some(percentiles(10.0)),
        latency_ms: Some(percentiles(100.0)),
        ..Health::default()
    };
    let two = Health {
        throughput: Some(percentiles(90.0)),
        latency_ms: Some(percentiles(900.0)),
        ..Health::default()
    };
    let candidates = [healthy("one/m", one), healthy("two/m", two), candidate("none/m", 0.5)];
    let asked = |objective| Query { objective, ..query() };
    let check =
        |objective, expected: &[&str]| check_always(&asked(objective), &candidates, expected);
    check(Objective::Price, &["none/m", "one/m", "two/m"]);
    check(Objective::Throughput, &["two/m", "one/m", "none/m"]);
    check(Objective::Latency, &["one/m", "two/m", "none/m"]);
}

#[test]
fn bands_come_before_the_draw_and_behind_the_clients_order() {
    let up = |share| Health { uptime_5m: Some(share), ..Health::default() };
    let candidates = [
        Candidate { estimated_cost: 0.001, ..healthy("fallback/m", up(0.5)) },
        Candidate { estimated_cost: 0.01, ..healthy("degraded/m", up(0.9)) },
        healthy("normal/m", up(0.99)),
    ];
    check_always(&query(), &candidates, &["normal/m", "degraded/m", "fallback/m"]);
    let providers = vec!["fallback".into()];
    let ordered = Query { providers, ..query() };
    check_always(&ordered, &candidates, &["fallback/m", "normal/m", "degraded/m"]);
}

#[test]
fn the_warm_come_first_among_the_sound() {
    let warm = |candidate: Candidate| Candidate { warm: true, ..candidate };
    let cheap = candidate("cheap/m", 0.01);
    check_always(
        &query(),
        &[cheap.clone(), warm(candidate("warm/m", 9.0))],
        &["warm/m", "cheap/m"],
    );
    let down = Health { uptime_30s: Some(0.5), ..Health::default() };
    check_always(&query(), &[cheap, warm(healthy("down/m", down))], &["cheap/m", "down/m"]);
}

#[test]
fn each_endpoint_is_explored_now_and_then_but_not_away_from_a_warm_cache() {
    let down = Health { uptime_5m: Some(0.1), ..Health::default() };
    let tripped = Health { tripped: true, ..Health::default() };
    let mut candidates =
        vec![candidate("a/m", 0.01), healthy("down/m", down), healthy("tripped/m", tripped)];
    let balanced = balanced(&[("exploration", "0.1")]).unwrap();
    let firsts = |candidates: &[Candidate], place: u32| {
        let first = |seed| {
            let plan = balanced.route(Query { seed, ..query() }, candidates.to_vec()).unwrap();
            assert_eq!(plan.steps.len(), candidates.len());
            plan.steps[0].candidate
        };
        (0..10_000).filter(|seed| first(*seed) == place).count()
    };
    // A tenth, of which the other half falls on the first one.
    assert!(firsts(&candidates, 1).abs_diff(500) < 100);
    assert_eq!(firsts(&candidates, 2), 0);
    candidates[0].warm = true;
    assert_eq!(firsts(&candidates, 1), 0);
}

#[test]
fn a_requests_options_beat_the_configured_ones() {
    let balanced = balanced(&[("exponent", "8"), ("exploration", "0")]).unwrap();
    let firsts = |options: &[(String, String)]| {
        let candidates = [candidate("dear/m", 3.0), candidate("cheap/m", 1.0)];
        let first = |seed| {
            let query = Query { seed, options: options.to_vec(), ..query() };
            balanced.route(query, candidates.to_vec()).unwrap().steps[0].candidate
        };
        (0..1000).filter(|seed| first(*seed) == 0).count()
    };
    assert!(firsts(&[]) < 10);
    assert!(firsts(&[("exponent".into(), "0".into())]) > 400);
    let wrong = vec![("exponent".into(), "-1".into())];
    let refusal = balanced.route(Query { options: wrong, ..query() }, vec![candidate("a/m", 1.0)]);
    assert!(matches!(refusal, Err(Refusal::InvalidOptions(error)) if error.contains("exponent")));
}

#[test]
fn the_reason_names_the_choice_and_its_chance() {
    let candidates =
        vec![candidate("a/m", 1.0), healthy("b/m", Health { tripped: true, ..Health::default() })];
    let balanced = balanced(&[("exploration", "0")]).unwrap();
    let plan = balanced.route(query(), candidates).unwrap();
    assert_eq!(
        plan.reason,
        "a/m was drawn by price, with a chance of 100%, from 1 equally fit of 2 candidates"
    );
}

#[test]
fn wrong_options_are_named() {
    let check = |name, json| {
        let error = balanced(&[(name, json)]).unwrap_err();
        assert!(error.contains(name), "{error}");
    };
    check("exponent", "-1");
    check("min_uptime", "95");
    check("min_uptime", r#""high""#);
    check("exploration", "2");
    check("hedge_percentile", r#""p95""#);
    check("weights", "1");
}
