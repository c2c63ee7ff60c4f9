//! How much goes to the new side, and who stays there.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use canary_split::CanarySplit;
use plugway_sdk::strategy::{Candidate, Query, Refusal, Setup, Strategy};
use plugway_sdk::testing::{candidate, query};

fn open(options: &[(&str, &str)]) -> Result<CanarySplit, String> {
    let options = options.iter().map(|(name, json)| ((*name).into(), (*json).into())).collect();
    CanarySplit::open(Setup { options, score_names: Vec::new(), state: None })
}

fn split(percent: u32) -> CanarySplit {
    open(&[("model", "\"new\""), ("percent", &percent.to_string())]).unwrap()
}

fn order(strategy: &CanarySplit, query: Query, candidates: &[Candidate]) -> Vec<String> {
    let plan = strategy.route(query, candidates.to_vec()).unwrap();
    plan.steps.iter().map(|step| candidates[step.candidate as usize].id.clone()).collect()
}

/// Whether the new model comes first.
fn tries_new(strategy: &CanarySplit, session: Option<u64>, seed: u64) -> bool {
    let candidates = [candidate("a/new", 0.9), candidate("a/old", 0.1)];
    let query = Query { session, seed, ..query() };
    order(strategy, query, &candidates)[0] == "a/new"
}

#[test]
fn the_share_of_requests_is_as_configured() {
    for (percent, expected) in [(0, 0), (10, 1000), (50, 5000), (100, 10_000)] {
        let strategy = split(percent);
        let new = (0..10_000).filter(|seed| tries_new(&strategy, None, *seed)).count();
        assert!(new.abs_diff(expected) < 150, "{percent}%: {new}");
    }
}

#[test]
fn a_conversation_stays_on_its_side() {
    let strategy = split(30);
    for session in 0..200 {
        let side = tries_new(&strategy, Some(session), 0);
        assert!((1..20).all(|seed| tries_new(&strategy, Some(session), seed) == side));
    }
    let new = (0..10_000).filter(|session| tries_new(&strategy, Some(*session), 1)).count();
    assert!(new.abs_diff(3000) < 150, "{new}");
}

#[test]
fn a_growing_share_takes_nobody_back() {
    let (few, many) = (split(10), split(40));
    let sessions = (0..1000).filter(|session| tries_new(&few, Some(*session), 1));
    assert!(sessions.into_iter().all(|session| tries_new(&many, Some(session), 1)));
}

#[test]
fn both_sides_fall_back_to_the_other() {
    let candidates = [
        candidate("dear/new", 0.9),
        candidate("cheap/new", 0.5),
        candidate("dear/old", 0.4),
        candidate("cheap/old", 0.1),
    ];
    let new_first = ["cheap/new", "dear/new", "cheap/old", "dear/old"];
    let old_first = ["cheap/old", "dear/old", "cheap/new", "dear/new"];
    assert_eq!(order(&split(100), query(), &candidates), new_first);
    assert_eq!(order(&split(0), query(), &candidates), old_first);
}

#[test]
fn a_tag_splits_the_endpoints_of_one_model() {
    let strategy = open(&[("tag", "\"track=new\""), ("percent", "100")]).unwrap();
    let tagged = |id, value: &str| Candidate {
        tags: vec![("track".into(), value.into())],
        ..candidate(id, 0.5)
    };
    let candidates = [candidate("a/m", 0.1), tagged("b/m", "old"), tagged("c/m", "new")];
    assert_eq!(order(&strategy, query(), &candidates), ["c/m", "a/m", "b/m"]);
}

#[test]
fn the_client_and_the_breaker_come_first() {
    let mut candidates = [candidate("a/new", 0.1), candidate("b/old", 0.2)];
    let models = vec!["old".into(), "new".into()];
    let ordered = Query { models, keep_model_order: true, ..query() };
    assert_eq!(order(&split(100), ordered, &candidates), ["b/old", "a/new"]);
    candidates[0].health.tripped = true;
    assert_eq!(order(&split(100), query(), &candidates), ["b/old", "a/new"]);
}

#[test]
fn the_reason_names_the_side_and_the_share() {
    let plan = split(100).route(query(), vec![candidate("a/new", 0.1)]).unwrap();
    assert_eq!(plan.reason, "this request tries the new first; 100% try the new first");
}

#[test]
fn wrong_options_are_named() {
    let check = |options: &[(&str, &str)], said: &str| {
        let error = open(options).unwrap_err();
        assert!(error.contains(said), "{error}");
    };
    check(&[("percent", "5")], "model");
    check(&[("percent", "5"), ("model", "\"a\""), ("tag", "\"b=c\"")], "tag");
    check(&[("percent", "5"), ("tag", "\"b\"")], "name=value");
    check(&[("model", "\"a\"")], "percent");
    check(&[("model", "\"a\""), ("percent", "101")], "percent");
    check(&[("share", "5")], "share");
    let options = vec![("percent".to_owned(), "100".to_owned())];
    let refused = split(5).route(Query { options, ..query() }, vec![candidate("a/new", 0.1)]);
    assert!(matches!(refused, Err(Refusal::InvalidOptions(error)) if error.contains("percent")));
}
