//! `GET /v1/activity`: sums by day, exact, and nothing of them lost.

use super::{DAY, NOW_MS, TODAY, dollars, made, number_of, write};
use crate::setup::{ask, provider};
use http::Method;
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_store::ledger::{Row, Tokens};
use plugway_tests::TestRouter;
use serde_json::{Value, json};
use std::time::Duration;

async fn router(rows: impl IntoIterator<Item = Row>) -> TestRouter {
    let upstream = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let clock = Clock::stopped(Duration::from_millis(NOW_MS));
    let router = TestRouter::start_at(&provider("open", &upstream, 1), clock).await;
    write(&router.router.store, rows).await;
    router
}

async fn activity(router: &TestRouter, query: &str) -> Vec<Value> {
    let answer = router.client().get(&format!("/v1/activity{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_what_its_answers_said_whole_and_streamed() {
    let upstream = Simulator::start(Kind::OpenAi, Behaviour::new().reply("Hello.")).unwrap();
    let clock = Clock::stopped(Duration::from_millis(NOW_MS));
    let router = TestRouter::start_at(&provider("open", &upstream, 1), clock).await;
    let client = router.client();
    let whole = client.chat(&ask("test/open", "Hi")).await.json()["usage"].clone();
    client.stream(&ask("test/open", "Hi")).await;
    let told = activity(&router, "").await;
    assert_eq!(told.len(), 1, "{told:?}");
    let of = |name: &str| whole[name].as_u64().unwrap();
    let expected = json!({
        "date": TODAY, "model": "test/open", "model_permaslug": "test/open",
        "endpoint_id": "open/sim", "provider_name": "open", "requests": 2, "errors": 0,
        "prompt_tokens": 2 * of("prompt_tokens"), "completion_tokens": 2 * of("completion_tokens"),
        "reasoning_tokens": 0, "cache_read_tokens": 0, "cache_write_tokens": 0,
        "estimated_requests": 0, "unpriced_requests": 0, "byok_usage_inference": 0,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(told[0][name], *value, "{name}");
    }
    let text = client.get("/v1/activity").await.text();
    let cost = 2 * (of("prompt_tokens") + 10 * of("completion_tokens")) * 1_000_000;
    assert_eq!(number_of(&text, "usage"), dollars(cost), "{text}");
    assert_eq!(number_of(&text, "upstream_inference_cost"), dollars(cost), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_completed_days_and_today_are_told_and_a_single_day_however_old() {
    let router = router((0..40).map(|day| made(day, NOW_MS - day * DAY))).await;
    let told = activity(&router, "").await;
    assert_eq!(told.len(), 31);
    assert_eq!((&told[0]["date"], &told[30]["date"]), (&json!(TODAY), &json!("2026-12-16")));
    let told = activity(&router, "?date=2026-12-07").await;
    assert_eq!((told.len(), &told[0]["date"]), (1, &json!("2026-12-07")));
    assert!(activity(&router, "?date=2026-12-06").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_workspaces_are_told_apart_where_that_is_asked_for() {
    let of = |number, key: Option<&str>, workspace: &str| Row {
        key: key.map(str::to_owned),
        workspace: workspace.to_owned(),
        ..made(number, NOW_MS)
    };
    let (one, two) = ("1".repeat(64), "2".repeat(64));
    let rows = [
        of(1, Some(&one), "default"),
        of(2, Some(&two), "default"),
        of(3, Some(&two), "team"),
        of(4, None, "default"),
    ];
    let router = router(rows).await;
    let requests = |told: &[Value]| -> Vec<u64> {
        told.iter().map(|it| it["requests"].as_u64().unwrap()).collect()
    };
    let all = activity(&router, "").await;
    assert_eq!(requests(&all), [4]);
    assert!(all[0].get("workspace_id").is_none() && all[0].get("api_key_hash").is_none());
    let told = activity(&router, "?group_by=workspace").await;
    assert_eq!((requests(&told), &told[1]["workspace_id"]), (vec![3, 1], &json!("team")));
    let told = activity(&router, "?group_by=api_key").await;
    assert_eq!((requests(&told), &told[2]["api_key_hash"]), (vec![1, 1, 2], &json!(two)));
    let told = activity(&router, "?group_by=workspace,api_key").await;
    assert_eq!(requests(&told), [1, 1, 1, 1]);
    assert_eq!(requests(&activity(&router, &format!("?api_key_hash={two}")).await), [2]);
    assert_eq!(requests(&activity(&router, "?workspace_id=team").await), [1]);
    assert!(activity(&router, "?workspace_id=nobody").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_beyond_64_bits_keep_every_digit() {
    let large = |number| Row {
        cost: Some(i64::MAX as u64),
        upstream_cost: Some(i64::MAX as u64),
        byok_cost: Some(i64::MAX as u64),
        is_byok: true,
        tokens: Tokens { prompt: 10_000_000_000, ..Tokens::default() },
        ..made(number, NOW_MS)
    };
    // Some 92 million dollars.
    let router = router((0..10).map(large)).await;
    let text = router.client().get("/v1/activity").await.text();
    let all = dollars(10 * i64::MAX as u128);
    for name in ["usage", "upstream_inference_cost", "byok_usage_inference"] {
        assert_eq!(number_of(&text, name), all, "{text}");
    }
    assert_eq!(number_of(&text, "prompt_tokens"), "100000000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spreadsheet_gets_the_same_and_runs_nothing() {
    let evil = Row { served_model: "=cmd|' /C calc'!A0".to_owned(), ..made(1, NOW_MS) };
    let router = router([evil, made(2, NOW_MS - DAY)]).await;
    let answer = router.client().get("/v1/activity?format=csv").await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = answer.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("date,model,model_permaslug,endpoint_id,"), "{text}");
    assert!(lines[1].starts_with("2027-01-15,'=cmd|' /C calc'!A0,"), "{text}");
    let cells: Vec<&str> = lines[2].split(',').collect();
    let column = |name: &str| lines[0].split(',').position(|it| it == name).unwrap();
    assert_eq!(cells[column("usage")], "0.000000000007", "{text}");
    assert_eq!(cells[column("upstream_inference_cost")], "0.000000000005", "{text}");
    // Every field that is told in JSON has a column.
    for name in activity(&router, "").await[0].as_object().unwrap().keys() {
        column(name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_a_query_is_told() {
    let router = router([]).await;
    let client = router.client();
    for (path, param) in [
        ("/v1/activity?date=yesterday", "date"),
        ("/v1/activity?date=2027-02-30", "date"),
        ("/v1/activity?date=", "date"),
        ("/v1/activity?group_by=whim", "group_by"),
        ("/v1/activity?format=xml", "format"),
        ("/v1/activity/export?from=2027-01-02&to=2027-01-01", "to"),
        ("/v1/activity/export?from=x", "from"),
        ("/v1/activity/export?format=json", "format"),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        assert_eq!(answer.json()["error"]["param"], param, "{path}: {}", answer.text());
    }
    for path in ["/v1/activity", "/v1/activity/export"] {
        let answer = client.read(client.request(Method::POST, path, "{}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("GET, HEAD")));
        let mut request = client.request(Method::GET, path, "");
        request.headers_mut().insert("x-forwarded-for", "10.1.1.1".parse().unwrap());
        assert_eq!(client.read(request).await.status, 403, "of another machine");
    }
}
