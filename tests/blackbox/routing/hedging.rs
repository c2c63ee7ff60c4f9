//! Two attempts at once: who wins, who is cancelled, who pays.

use crate::setup::{ask, bare_provider, endpoint};
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Failure, Kind, Outcome, Simulator, When};
use plugway_tests::{LogLines, TestRouter};
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// Bounds what would not end by itself.
const PATIENCE: Duration = Duration::from_secs(30);

fn hanging() -> Behaviour {
    Behaviour::new().head_delay_ms(600_000)
}

/// A router that asks `second` soon after `first`.
async fn impatient(bounds: &str, first: &Simulator, second: &Simulator) -> TestRouter {
    let toml = format!(
        "[routing]\nstrategies = [\"hedge-soon\"]\n{bounds}\n{}{}[models.\"test/both\"]\ncontext_length = 1000\n{}{}",
        bare_provider("first", first),
        bare_provider("second", second),
        endpoint("test/both", "first", 1),
        endpoint("test/both", "second", 2),
    );
    let router = TestRouter::start(&toml).await;
    router.drop_plugin("hedge-soon", "hedge-soon").await;
    router
}

/// What the client is told, and the access log's line.
async fn answered(router: &TestRouter, streaming: bool) -> (String, Value, Value) {
    let request = ask("test/both", "Hi");
    let client = router.client();
    let (content, usage, id) = match streaming {
        true => {
            let streamed = client.stream(&request).await;
            let usage = streamed.chunks.last().unwrap()["usage"].clone();
            let id = streamed.headers["x-generation-id"].to_str().unwrap().to_owned();
            (streamed.content(), usage, id)
        }
        false => {
            let answer = client.chat(&request).await;
            let id = answer.header("x-generation-id").unwrap().to_owned();
            (answer.content(), answer.json()["usage"].clone(), id)
        }
    };
    (content, usage, LogLines::access(&id).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_content_wins_and_the_slower_attempt_is_cancelled() {
    for (kind, streaming) in [(Kind::OpenAi, true), (Kind::Anthropic, false)] {
        let first = Simulator::start(kind, hanging()).unwrap();
        let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("second")).unwrap();
        let router = impatient("hedge_percent = 100", &first, &second).await;
        let (content, _, line) = answered(&router, streaming).await;
        assert_eq!(content, "second", "{line}");
        let left = |seen: &[plugway_simulator::Exchange]| {
            seen.iter().any(|exchange| exchange.outcome == Outcome::ClientLeft)
        };
        timeout(PATIENCE, first.requests_when(left)).await.expect("the loser went on");
        let attempts = line["attempts"].as_str().unwrap();
        assert!(attempts.starts_with("first/sim:hedged:"), "{attempts}");
        assert!(attempts.contains(" second/sim:ok:"), "{attempts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_slower_attempt_cost_is_told_and_not_billed() {
    let first = Simulator::start(Kind::OpenAi, hanging()).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("second")).unwrap();
    let router = impatient("hedge_percent = 100", &first, &second).await;
    let (_, usage, line) = answered(&router, false).await;
    let billed = line["cost_picodollars"].as_u64().unwrap();
    let upstream = line["upstream_cost_picodollars"].as_u64().unwrap();
    // At the second's price alone.
    let (prompt, completion) = (&usage["prompt_tokens"], &usage["completion_tokens"]);
    let price = |tokens: &Value, dollars: u64| tokens.as_u64().unwrap() * dollars * 1_000_000;
    assert_eq!(billed, price(prompt, 2) + price(completion, 20), "{line}");
    assert!(upstream > billed, "{line}");
    assert_eq!(line["prompt_tokens"], *prompt, "the loser's tokens are not the client's");
    let metrics = router.client().get("/metrics").await.text();
    let cost = metrics.lines().find(|line| {
        line.starts_with("plugway_upstream_cost_picodollars_total")
            && line.contains("provider=\"first\",outcome=\"hedged\"")
    });
    let cost = cost.unwrap_or_else(|| panic!("{metrics}"));
    assert!(cost.ends_with(&format!(" {}", upstream - billed)), "{cost}: {upstream} {billed}");
    let counted = "plugway_attempts_total{provider=\"first\",outcome=\"hedged\"} 1";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_budget_nothing_is_hedged_and_that_is_counted() {
    let slow = Behaviour::new().reply("first").head_delay_ms(1000);
    let first = Simulator::start(Kind::OpenAi, slow).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("second")).unwrap();
    let router = impatient("hedge_percent = 50\nhedge_reserve = 0", &first, &second).await;
    // Half of one request is none, half of two is one.
    let (content, _, line) = answered(&router, true).await;
    assert_eq!(content, "first", "{line}");
    assert_eq!(second.requests().len(), 0);
    assert_eq!(answered(&router, true).await.0, "second");
    let metrics = router.client().get("/metrics").await.text();
    assert!(metrics.lines().any(|line| line == "plugway_hedges_refused_total 1"), "{metrics}");
    assert!(
        metrics.lines().any(|line| line == "plugway_retries_refused_total 0"),
        "a hedge is no retry: {metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_share_of_nothing_nothing_is_hedged() {
    let slow = Behaviour::new().reply("first").head_delay_ms(1000);
    let first = Simulator::start(Kind::OpenAi, slow).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("second")).unwrap();
    let router = impatient("hedge_percent = 0", &first, &second).await;
    for streaming in [true, false] {
        let (content, _, line) = answered(&router, streaming).await;
        assert_eq!(content, "first", "{line}");
    }
    assert!(second.requests().is_empty());
    let metrics = router.client().get("/metrics").await.text();
    assert!(
        metrics.lines().any(|line| line == "plugway_hedges_refused_total 0"),
        "none was wanted: {metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hedge_that_fails_leaves_the_slow_attempt_alone() {
    let slow = Behaviour::new().reply("first").head_delay_ms(2000);
    let first = Simulator::start(Kind::OpenAi, slow).unwrap();
    let broken = Behaviour::new().fault(When::Always, Failure::status(500));
    let second = Simulator::start(Kind::OpenAi, broken).unwrap();
    let router = impatient("hedge_percent = 100", &first, &second).await;
    for streaming in [true, false] {
        let (content, _, line) = answered(&router, streaming).await;
        assert_eq!(content, "first", "{line}");
        let attempts = line["attempts"].as_str().unwrap();
        assert!(attempts.contains("second/sim:provider_unavailable:"), "{attempts}");
        assert!(attempts.starts_with("first/sim:ok:"), "{attempts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn being_slower_than_another_is_no_failure() {
    let first = Simulator::start(Kind::OpenAi, hanging()).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("second")).unwrap();
    let bounds = "hedge_percent = 100\nbreaker_failures = 1";
    let router = impatient(bounds, &first, &second).await;
    for _ in 0..3 {
        assert_eq!(answered(&router, true).await.0, "second");
    }
    assert_eq!(first.requests().len(), 3, "it was left out");
    let metrics = router.client().get("/metrics").await.text();
    assert!(!metrics.contains("plugway_breaker_trips_total{"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_cancels_both_attempts() {
    let first = Simulator::start(Kind::OpenAi, hanging()).unwrap();
    let second = Simulator::start(Kind::Anthropic, hanging()).unwrap();
    let router = impatient("hedge_percent = 100", &first, &second).await;
    let client = router.client();
    // Its own name tells its line in the log from those of other tests.
    let mut request = ask("test/both", "Hi");
    request["models"] = Value::from(["first/hedged-and-left"].as_slice());
    let leaving = tokio::spawn(async move { client.open(request.to_string()).await.status() });
    timeout(PATIENCE, second.requests_when(|seen| !seen.is_empty())).await.expect("no hedge");
    leaving.abort();
    let line = LogLines::wait(|line| line["model"] == "test/both,first/hedged-and-left").await;
    let attempts = line["attempts"].as_str().unwrap();
    assert!(attempts.contains("first/sim:cancelled:"), "{attempts}");
    assert!(attempts.contains("second/sim:cancelled:"), "{attempts}");
    for upstream in [&first, &second] {
        let left = |seen: &[plugway_simulator::Exchange]| {
            seen.iter().all(|exchange| exchange.outcome == Outcome::ClientLeft)
        };
        timeout(PATIENCE, upstream.requests_when(left)).await.expect("one went on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_hangs_keeps_few_waiting_and_none_for_long() {
    let first = Simulator::start(Kind::OpenAi, Behaviour::new().reply("first")).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("second")).unwrap();
    let toml = format!(
        "[routing]\nstrategies = [\"price\"]\nbreaker_failures = 2\nmin_timed_samples = 3\n\
         hedge_percent = 100\nhealth_interval = \"1ms\"\n{}{}[models.\"test/both\"]\n{}{}",
        bare_provider("first", &first),
        bare_provider("second", &second),
        endpoint("test/both", "first", 1),
        endpoint("test/both", "second", 2),
    );
    let clock = Clock::stopped(Duration::from_secs(1_800_000_000));
    let router = TestRouter::start_at(&toml, clock.clone()).await;
    let stream = async || {
        clock.advance(Duration::from_millis(5));
        router.client().stream(&ask("test/both", "Hi")).await.content()
    };
    for _ in 0..3 {
        assert_eq!(stream().await, "first");
    }
    first.set(hanging());
    for _ in 0..2 {
        assert_eq!(stream().await, "second", "whoever waits longer than usual goes on");
    }
    first.clear();
    assert_eq!(stream().await, "second");
    assert_eq!(first.requests().len(), 0, "it is left alone");
    // Its probe is judged like that too, and so the pause doubles.
    clock.advance(Duration::from_secs(1));
    assert_eq!(stream().await, "second");
    assert_eq!(first.requests().len(), 1);
    clock.advance(Duration::from_millis(900));
    assert_eq!(stream().await, "second");
    assert_eq!(first.requests().len(), 1, "it is left alone for longer");
    first.set(Behaviour::new().reply("first"));
    clock.advance(Duration::from_secs(2));
    assert_eq!(stream().await, "first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_may_be_silent_for_longer_than_streams_are() {
    let first = Simulator::start(Kind::OpenAi, Behaviour::new().reply("first")).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("second")).unwrap();
    let bounds = "hedge_percent = 100\nbreaker_failures = 1\nmin_timed_samples = 1\n\
                  health_interval = \"1ms\"";
    let router = impatient(bounds, &first, &second).await;
    // What a stream usually takes is known.
    assert_eq!(answered(&router, true).await.0, "first");
    first.set(hanging());
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(answered(&router, false).await.0, "second");
    }
    assert_eq!(first.requests().len(), 3, "it was left out");
}
