//! Every row leaves once, in order, however many there are.

use super::{DAY, NOW_MS, TODAY, dollars, made, number_of, write};
use crate::setup::{ask, provider};
use http::Method;
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_store::ledger::Row;
use plugway_tests::TestRouter;
use serde_json::Value;
use std::time::Duration;

/// More than two pages.
const ROWS: u64 = 1_234;

async fn router(rows: impl IntoIterator<Item = Row>) -> (TestRouter, Simulator) {
    let upstream = Simulator::start(Kind::OpenAi, Behaviour::new().reply("Hello.")).unwrap();
    let clock = Clock::stopped(Duration::from_millis(NOW_MS));
    let router = TestRouter::start_at(&provider("open", &upstream, 1), clock).await;
    write(&router.router.store, rows).await;
    (router, upstream)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_leaves_once_and_in_order() {
    // Two at each moment, so that pages end between them.
    let (router, _upstream) = router((0..ROWS).map(|it| made(it, NOW_MS + it / 2))).await;
    let answer = router.client().get("/v1/activity/export").await;
    assert_eq!(answer.header("content-type"), Some("application/jsonl"));
    let name = format!("attachment; filename=\"2026-12-16_{TODAY}.jsonl\"");
    assert_eq!(answer.header("content-disposition"), Some(&*name));
    let text = answer.text();
    let ids: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<String> = (0..ROWS).map(|it| made(it, 0).id).collect();
    assert_eq!(ids, expected);
    let csv = router.client().get("/v1/activity/export?format=csv").await.text();
    assert_eq!(csv.lines().count() as u64, ROWS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn days_keys_and_workspaces_are_picked() {
    let key = "a".repeat(64);
    let of = |number, days| Row { key: Some(key.clone()), ..made(number, NOW_MS - days * DAY) };
    let team = Row { workspace: "team".to_owned(), ..made(9, NOW_MS) };
    let (router, _upstream) =
        router([of(1, 0), of(2, 1), made(3, NOW_MS - 2 * DAY), made(4, NOW_MS - 40 * DAY), team])
            .await;
    let count = async |query: &str| {
        let text = router.client().get(&format!("/v1/activity/export{query}")).await.text();
        text.lines().count()
    };
    assert_eq!(count("").await, 4);
    assert_eq!(count("?from=2026-01-01").await, 5);
    assert_eq!(count("?from=2027-01-13&to=2027-01-14").await, 2);
    assert_eq!(count(&format!("?api_key_hash={key}")).await, 2);
    assert_eq!(count("?workspace_id=team").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_has_all_that_the_ledger_knows_and_no_spreadsheet_runs_it() {
    let (router, _upstream) = router([]).await;
    let client = router.client();
    let mut request =
        client.request(Method::POST, "/v1/chat/completions", ask("test/open", "Hi").to_string());
    for (name, value) in [("x-title", "=HYPERLINK(\"http://evil.example\")"), ("user-agent", "@me")]
    {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let answer = client.read(request).await;
    let usage = answer.json()["usage"].clone();
    let text = client.get("/v1/activity/export").await.text();
    let row: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(row["id"], answer.json()["id"]);
    assert_eq!(row["prompt_tokens"], usage["prompt_tokens"]);
    assert_eq!(row["attempts"][0]["endpoint"], "open/sim");
    assert_eq!(row["title"], "=HYPERLINK(\"http://evil.example\")");
    let cost = usage["prompt_tokens"].as_u64().unwrap()
        + 10 * usage["completion_tokens"].as_u64().unwrap();
    assert_eq!(number_of(&text, "usage"), dollars(cost * 1_000_000), "{text}");
    let csv = client.get("/v1/activity/export?format=csv").await.text();
    assert!(csv.contains(",\"'=HYPERLINK(\"\"http://evil.example\"\")\","), "{csv}");
    assert!(csv.contains(",'@me,"), "{csv}");
}
