//! The cap holds, whoever sets it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use cost_cap::CostCap;
use plugway_sdk::strategy::{Plan, Query, Refusal, Setting, Setup, Strategy};
use plugway_sdk::testing::{candidate, query};

fn options(json: Option<&str>) -> Vec<Setting> {
    json.into_iter().map(|json| ("max_usd".to_owned(), json.to_owned())).collect()
}

fn open(cap: Option<&str>) -> Result<CostCap, String> {
    CostCap::open(Setup { options: options(cap), score_names: Vec::new(), state: None })
}

/// The plan over three candidates, at 0.9, 0.1 and 0.5 dollars.
fn route(configured: Option<&str>, asked: Option<&str>) -> Result<Plan, Refusal> {
    let candidates = vec![candidate("a/m", 0.9), candidate("b/m", 0.1), candidate("c/m", 0.5)];
    open(configured).unwrap().route(Query { options: options(asked), ..query() }, candidates)
}

fn check(configured: Option<&str>, asked: Option<&str>, expected: &[u32]) {
    let plan = route(configured, asked).unwrap();
    let order: Vec<u32> = plan.steps.iter().map(|step| step.candidate).collect();
    assert_eq!(order, expected, "{configured:?} {asked:?}");
}

#[test]
fn what_costs_more_is_not_tried() {
    check(None, None, &[1, 2, 0]);
    check(Some("0.5"), None, &[1, 2]);
    check(None, Some("0.4"), &[1]);
    let reason = route(Some("0.5"), None).unwrap().reason;
    assert_eq!(
        reason,
        "b/m is expected to cost $0.100000; 2 of 3 candidates keep to the cap of $0.500000"
    );
}

#[test]
fn a_request_can_lower_the_cap_and_not_raise_it() {
    check(Some("0.5"), Some("0.2"), &[1]);
    check(Some("0.2"), Some("0.5"), &[1]);
}

#[test]
fn a_request_that_is_too_dear_everywhere_is_refused() {
    let Err(Refusal::NoRoute(sentence)) = route(Some("0.05"), None) else {
        panic!("there was a route");
    };
    assert!(sentence.contains("$0.050000") && sentence.contains("$0.100000"), "{sentence}");
}

#[test]
fn an_unknown_cost_is_above_every_cap_and_serves_where_there_is_none() {
    let candidates = || vec![candidate("a/m", f64::NAN), candidate("b/m", f64::NAN)];
    let Err(Refusal::NoRoute(sentence)) = open(Some("5")).unwrap().route(query(), candidates())
    else {
        panic!("there was a route");
    };
    assert!(sentence.contains("no endpoint has a known price"), "{sentence}");
    assert!(!sentence.contains("inf") && !sentence.contains("NaN"), "{sentence}");
    let plan = open(None).unwrap().route(query(), candidates()).unwrap();
    assert_eq!(plan.steps.len(), 2);
    assert_eq!(plan.reason, "a/m has no known cost; there is no cap");
}

#[test]
fn the_cheapest_yields_to_what_the_client_prefers() {
    let candidates = vec![candidate("a/m", 0.1), candidate("b/m", 0.4), candidate("c/m", 0.9)];
    let query = Query { providers: vec!["c".into(), "b".into()], ..query() };
    let plan = open(Some("0.5")).unwrap().route(query, candidates).unwrap();
    let order: Vec<u32> = plan.steps.iter().map(|step| step.candidate).collect();
    assert_eq!(order, [1, 0]);
}

#[test]
fn wrong_options_are_named() {
    assert!(open(Some("-1")).unwrap_err().contains("max_usd"));
    let refused = route(None, Some("\"much\""));
    assert!(matches!(refused, Err(Refusal::InvalidOptions(error)) if error.contains("max_usd")));
}
