//! What the hour decides, and that nothing else does.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use plugway_sdk::strategy::{Candidate, Query, Refusal, Setup, Strategy};
use plugway_sdk::testing::{candidate, query};
use time_of_day::TimeOfDay;

const HOUR: u64 = 3_600_000;
const HOURS: &str = r#"{"8-18": ["fast"], "22-6": ["night=cheap", "slow"], "18-20": []}"#;

fn open(json: &str) -> Result<TimeOfDay, String> {
    let options = vec![("hours".to_owned(), json.to_owned())];
    TimeOfDay::open(Setup { options, score_names: Vec::new(), state: None })
}

fn candidates() -> Vec<Candidate> {
    let mut tagged = candidate("tagged/m", 0.5);
    tagged.tags = vec![("night".into(), "cheap".into())];
    vec![candidate("cheap/m", 0.1), candidate("slow/m", 0.2), candidate("fast/m", 0.9), tagged]
}

fn check(query: Query, candidates: &[Candidate], expected: &[&str]) {
    let plan = open(HOURS).unwrap().route(query, candidates.to_vec()).unwrap();
    let ids: Vec<_> =
        plan.steps.iter().map(|step| &*candidates[step.candidate as usize].id).collect();
    assert_eq!(ids, expected);
}

#[test]
fn each_hour_has_its_preference_and_the_others_follow() {
    let fast = ["fast/m", "cheap/m", "slow/m", "tagged/m"];
    let cheap = ["tagged/m", "slow/m", "cheap/m", "fast/m"];
    let none = ["cheap/m", "slow/m", "tagged/m", "fast/m"];
    // Of some day, not the first.
    let midnight = 20_000 * 24 * HOUR;
    for (hour, expected) in [
        (0, cheap),
        (5, cheap),
        (6, none),
        (7, none),
        (8, fast),
        (17, fast),
        (18, none),
        (21, none),
        (22, cheap),
        (23, cheap),
    ] {
        for now_ms in [midnight + hour * HOUR, midnight + (hour + 1) * HOUR - 1] {
            check(Query { now_ms, ..query() }, &candidates(), &expected);
        }
    }
}

#[test]
fn a_whole_day_is_a_span() {
    let always = open(r#"{"0-24": ["fast"]}"#).unwrap();
    for hour in 0..24 {
        let plan = always.route(Query { now_ms: hour * HOUR, ..query() }, candidates()).unwrap();
        assert_eq!(plan.steps[0].candidate, 2);
        assert_eq!(plan.reason, format!("preferred at {hour}:00 UTC: fast"));
    }
}

#[test]
fn a_request_may_bring_its_own_hours() {
    let options = vec![("hours".into(), r#"{"9-10": ["slow"]}"#.into())];
    let own = Query { options, now_ms: 9 * HOUR, ..query() };
    check(own.clone(), &candidates(), &["slow/m", "cheap/m", "tagged/m", "fast/m"]);
    let later = Query { now_ms: 10 * HOUR, ..own };
    check(later, &candidates(), &["cheap/m", "slow/m", "tagged/m", "fast/m"]);
}

#[test]
fn the_client_and_the_breaker_come_before_the_hour() {
    let mut candidates = candidates();
    candidates[2].health.tripped = true;
    let asked = Query { now_ms: 9 * HOUR, providers: vec!["tagged".into()], ..query() };
    check(asked, &candidates, &["tagged/m", "cheap/m", "slow/m", "fast/m"]);
}

#[test]
fn wrong_options_are_named() {
    let check = |json: &str, said: &str| {
        let error = open(json).unwrap_err();
        assert!(error.contains("hours") && error.contains(said), "{error}");
    };
    for span in ["8", "8-8", "8-25", "24-6", "-1-5", "a-b"] {
        check(&format!(r#"{{"{span}": []}}"#), &format!("{span:?}"));
    }
    check(r#"{"8-18": [], "17-19": []}"#, "17:00");
    check(r#"{"8-18": "fast"}"#, "wrong");
    let options = vec![("hour".to_owned(), "8".to_owned())];
    let refused = open("{}").unwrap().route(Query { options, ..query() }, candidates());
    assert!(matches!(refused, Err(Refusal::InvalidOptions(error)) if error.contains("\"hour\"")));
}
