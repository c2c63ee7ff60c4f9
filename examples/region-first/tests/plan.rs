//! Region by region, and nobody is left out.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use plugway_sdk::strategy::{Candidate, Query, Refusal, Setup, Strategy};
use plugway_sdk::testing::{candidate, query};
use region_first::RegionFirst;

fn open(json: &str) -> Result<RegionFirst, String> {
    let options = vec![("regions".to_owned(), json.to_owned())];
    RegionFirst::open(Setup { options, score_names: Vec::new(), state: None })
}

fn candidates() -> Vec<Candidate> {
    let at = |region: &str, id: &str, cost| Candidate {
        region: Some(region.into()),
        ..candidate(id, cost)
    };
    vec![
        candidate("nowhere/m", 0.1),
        at("us", "us/m", 0.2),
        at("eu", "dear/m", 0.9),
        at("eu", "cheap/m", 0.5),
        at("ap", "ap/m", 0.3),
    ]
}

fn check(query: Query, candidates: &[Candidate], expected: &[&str]) {
    let plan = open(r#"["eu", "us"]"#).unwrap().route(query, candidates.to_vec()).unwrap();
    let ids: Vec<_> =
        plan.steps.iter().map(|step| &*candidates[step.candidate as usize].id).collect();
    assert_eq!(ids, expected);
}

#[test]
fn regions_in_order_and_the_others_after_them() {
    check(query(), &candidates(), &["cheap/m", "dear/m", "us/m", "nowhere/m", "ap/m"]);
    let plan = open(r#"["eu", "us"]"#).unwrap().route(query(), candidates()).unwrap();
    assert_eq!(plan.reason, "cheap/m is in eu; preferred: eu, us");
}

#[test]
fn a_request_may_name_its_own_regions() {
    let own = |json: &str| {
        let options = vec![("regions".into(), json.into())];
        Query { options, ..query() }
    };
    let expected = ["ap/m", "nowhere/m", "us/m", "cheap/m", "dear/m"];
    check(own(r#"["ap"]"#), &candidates(), &expected);
    check(own("[]"), &candidates(), &["nowhere/m", "us/m", "ap/m", "cheap/m", "dear/m"]);
}

#[test]
fn the_client_and_the_breaker_come_before_the_region() {
    let preferred = Query { providers: vec!["ap".into()], ..query() };
    let mut candidates = candidates();
    candidates[3].health.tripped = true;
    let expected = ["ap/m", "dear/m", "us/m", "nowhere/m", "cheap/m"];
    check(preferred, &candidates, &expected);
}

#[test]
fn wrong_options_are_named() {
    assert!(open("\"eu\"").unwrap_err().contains("regions"));
    let options = vec![("region".to_owned(), "\"eu\"".to_owned())];
    let refused = open("[]").unwrap().route(Query { options, ..query() }, candidates());
    assert!(matches!(refused, Err(Refusal::InvalidOptions(error)) if error.contains("region")));
}
