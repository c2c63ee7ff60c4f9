//! Clients that leave, and a router that is asked to.

use crate::setup::{MODELS, Pair, ask};
use http_body_util::BodyExt;
use plugway_simulator::{Behaviour, Outcome};
use plugway_tests::LogLines;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_cancels_the_upstream() {
    let slow = Behaviour::new().tokens_per_second(20).completion_tokens(100_000);
    let pair = Pair::start(slow).await;
    for model in MODELS {
        let mut request = ask(model, "Tell me a long story");
        request["stream"] = json!(true);
        let mut response = pair.router.client().open(request.to_string()).await;
        let id = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
        response.body_mut().frame().await.unwrap().unwrap();
        drop(response);
        let left = |seen: &[plugway_simulator::Exchange]| {
            seen.iter().any(|it| matches!(it.outcome, Outcome::ClientLeft))
        };
        timeout(PATIENCE, pair.upstream(model).requests_when(left))
            .await
            .expect("still running upstream");
        let line = LogLines::access(&id).await;
        assert_eq!(line["outcome"], "cancelled", "{line}");
        assert_eq!(line["estimated"], true, "{line}");
        assert!(line["attempts"].as_str().unwrap().contains(":cancelled:"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_the_head_cancels_the_upstream() {
    let pair = Pair::start(Behaviour::new().head_delay_ms(60_000)).await;
    for model in MODELS {
        let client = pair.router.client();
        let request = ask(model, "Hi").to_string();
        let waiting = tokio::spawn(async move { client.open(request).await.status() });
        let upstream = pair.upstream(model);
        timeout(PATIENCE, upstream.requests_when(|seen| !seen.is_empty())).await.unwrap();
        waiting.abort();
        let left = |seen: &[plugway_simulator::Exchange]| {
            seen.iter().any(|it| matches!(it.outcome, Outcome::ClientLeft))
        };
        timeout(PATIENCE, upstream.requests_when(left)).await.expect("still running upstream");
        let line = LogLines::wait(|line| line["model"] == model && line["status"] == 499).await;
        assert!(line["attempts"].as_str().unwrap().contains("/sim:cancelled:"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_finished_before_the_end() {
    let slow =
        Behaviour::new().tokens_per_second(40).reply("one two three four five six seven eight");
    let mut pair = Pair::start(slow).await;
    let mut request = ask("test/open", "Hi");
    request["stream"] = json!(true);
    let mut response = pair.router.client().open(request.to_string()).await;
    response.body_mut().frame().await.unwrap().unwrap();
    pair.router.begin_stop();
    let rest = response.into_body().collect().await.unwrap().to_bytes();
    assert!(rest.ends_with(b"data: [DONE]\n\n"), "{rest:?}");
    timeout(PATIENCE, pair.router.stop()).await.expect("it never ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_provider_is_bridged_by_comments() {
    let slow = Behaviour::new().first_token_ms(1500).reply("at last");
    let toml = "[server]\nhead_hold = \"200ms\"\nkeep_alive_interval = \"100ms\"";
    let pair = Pair::with(slow, toml).await;
    let mut request = ask("test/open", "Hi");
    request["stream"] = json!(true);
    let answer = pair.router.client().post(request.to_string()).await;
    assert_eq!(answer.status, 200);
    let text = answer.text();
    assert!(text.starts_with(": PLUGWAY PROCESSING\n\n"), "{text}");
    assert!(text.contains("at") && text.ends_with("data: [DONE]\n\n"), "{text}");
}
