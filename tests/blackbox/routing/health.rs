//! What is measured of endpoints, shown and handed to strategies.

use crate::setup::{ask, bare_provider, endpoint};
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_tests::TestRouter;
use serde_json::{Value, json};
use std::time::Duration;

/// When the tests' clocks begin.
const BEGAN: Duration = Duration::from_secs(1_800_000_000);

/// No strategy: the built-in order, whose ranks are no matter of chance.
const BUILT_IN: &str = "strategies = [\"absent\"]";

/// A router in a stopped time, whose model `test/both` is served by `first`, and by
/// `second` at twice the price.
struct Scene {
    router: TestRouter,
    clock: Clock,
    first: Simulator,
    second: Simulator,
}

impl Scene {
    /// With these keys of `[routing]`.
    async fn start(routing: &str) -> Self {
        let simulator =
            |reply: &str| Simulator::start(Kind::OpenAi, Behaviour::new().reply(reply)).unwrap();
        let (first, second) = (simulator("from first"), simulator("from second"));
        let clock = Clock::stopped(BEGAN);
        let router = router("", routing, &first, &second, clock.clone()).await;
        Self { router, clock, first, second }
    }

    async fn ask(&self, times: usize) {
        for _ in 0..times {
            self.router.client().chat(&ask("test/both", "Hi")).await;
        }
    }

    /// How many of so many requests `first` is asked to serve.
    async fn asked_of_first(&self, times: usize) -> usize {
        self.first.clear();
        self.ask(times).await;
        self.first.requests().len()
    }

    async fn stream(&self) {
        let streamed = self.router.client().stream(&ask("test/both", "Hi")).await;
        assert!(streamed.done, "{:?}", streamed.chunks);
    }

    fn advance(&self, seconds: f64) {
        self.clock.advance(Duration::from_secs_f64(seconds));
    }

    async fn metric(&self, line: &str) -> bool {
        let metrics = self.router.client().get("/metrics").await.text();
        metrics.lines().any(|it| it == line)
    }
}

/// `state` stands above all sections.
async fn router(
    state: &str,
    routing: &str,
    first: &Simulator,
    second: &Simulator,
    clock: Clock,
) -> TestRouter {
    let toml = format!(
        "{state}\n[routing]\n{routing}\n{}{}[models.\"test/both\"]\ncontext_length = 1000\n{}{}",
        bare_provider("first", first),
        bare_provider("second", second),
        endpoint("test/both", "first", 1),
        endpoint("test/both", "second", 2),
    );
    TestRouter::start_at(&toml, clock).await
}

/// What is shown of `first`.
async fn shown(router: &TestRouter) -> Value {
    let answer = router.client().get("/v1/models/test/both/endpoints").await;
    let endpoints = answer.json()["data"]["endpoints"].clone();
    let is_first = |it: &&Value| it["tag"] == "first";
    endpoints.as_array().unwrap().iter().find(is_first).unwrap().clone()
}

/// Over half a minute, five minutes, half an hour and a day.
async fn uptimes(router: &TestRouter) -> [Option<f64>; 4] {
    let shown = shown(router).await;
    ["30s", "5m", "30m", "1d"].map(|window| shown[format!("uptime_last_{window}")].as_f64())
}

fn failing(code: u16) -> Behaviour {
    Behaviour::new().fault(When::Always, Failure::status(code))
}

#[tokio::test(flavor = "multi_thread")]
async fn uptimes_are_shown_over_four_windows_and_age() {
    let scene = Scene::start("breaker_failures = 100\nstrategies = [\"price\"]").await;
    assert_eq!(uptimes(&scene.router).await, [None; 4]);
    scene.ask(12).await;
    scene.first.set(failing(500));
    scene.ask(3).await;
    assert_eq!(uptimes(&scene.router).await, [Some(80.0); 4]);
    assert_eq!(shown(&scene.router).await["status"], -2);
    for (seconds, expected) in [
        (31.0, [None, Some(80.0), Some(80.0), Some(80.0)]),
        (300.0, [None, None, Some(80.0), Some(80.0)]),
        (1_800.0, [None, None, None, Some(80.0)]),
        (86_400.0, [None; 4]),
    ] {
        scene.advance(seconds);
        assert_eq!(uptimes(&scene.router).await, expected, "after {seconds} more seconds");
    }
    assert_eq!(shown(&scene.router).await["status"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_attempts_than_the_minimum_say_nothing() {
    let scene = Scene::start("strategies = [\"price\"]\nmin_samples = 3").await;
    scene.ask(2).await;
    assert_eq!(uptimes(&scene.router).await, [None; 4]);
    scene.ask(1).await;
    assert_eq!(uptimes(&scene.router).await, [Some(100.0); 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_endpoints_own_failures_count() {
    let scene = Scene::start("breaker_failures = 100\nstrategies = [\"price\"]").await;
    scene.ask(6).await;
    for code in [400, 413, 429] {
        scene.first.set(failing(code));
        scene.ask(2).await;
    }
    assert_eq!(uptimes(&scene.router).await, [Some(100.0); 4]);
    // Limits have a share of their own.
    let limited = "plugway_endpoint_rate_limited_ratio{endpoint=\"first/sim\"} 0.25";
    assert!(scene.metric(limited).await);
    scene.first.set(failing(500));
    scene.ask(6).await;
    assert_eq!(uptimes(&scene.router).await, [Some(50.0); 4]);
    assert_eq!(shown(&scene.router).await["status"], -5);
    assert!(scene.metric("plugway_endpoint_uptime_ratio{endpoint=\"first/sim\"} 0.5").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn streamed_answers_are_timed() {
    let scene = Scene::start("strategies = [\"price\"]\nmin_timed_samples = 3").await;
    let slow = Behaviour::new().first_token_ms(40).tokens_per_second(500).completion_tokens(30);
    scene.first.set(slow);
    // A whole answer has no first token.
    scene.ask(3).await;
    scene.stream().await;
    scene.stream().await;
    let few = shown(&scene.router).await;
    assert_eq!(
        (&few["latency_last_30m"], &few["throughput_last_30m"]),
        (&json!(null), &json!(null))
    );
    scene.stream().await;
    for (measure, least) in [("latency_last_30m", 39.0), ("throughput_last_30m", 1.0)] {
        let shown = shown(&scene.router).await[measure].clone();
        let percentiles = ["p50", "p75", "p90", "p99"].map(|it| shown[it].as_f64().unwrap());
        assert!(percentiles.is_sorted() && percentiles[0] >= least, "{measure}: {shown}");
    }
    let timed = "plugway_endpoint_time_to_first_token_seconds_count{endpoint=\"first/sim\"} 3";
    assert!(scene.metric(timed).await);
    scene.advance(3_600.0);
    assert_eq!(shown(&scene.router).await["latency_last_30m"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_whole_answers_tell_throughput_and_no_latency() {
    let scene = Scene::start("strategies = [\"price\"]\nmin_timed_samples = 3").await;
    let timed = || async {
        let shown = shown(&scene.router).await;
        ["latency_last_30m", "throughput_last_30m"].map(|it| shown[it]["p50"].as_f64())
    };
    let writing = |tokens| Behaviour::new().head_delay_ms(40).completion_tokens(tokens);
    // Of a short one nobody knows how much of its time was writing.
    scene.first.set(writing(200));
    scene.ask(3).await;
    assert_eq!(timed().await, [None, None]);
    scene.first.set(writing(400));
    scene.ask(3).await;
    let [latency, throughput] = timed().await;
    assert_eq!(latency, None);
    // The time that all of it took counts: never more than what was waited for allows.
    assert!(throughput.is_some_and(|it| it > 0.0 && it <= 10_200.0), "{throughput:?}");
    let first_tokens = "plugway_endpoint_time_to_first_token_seconds_count{endpoint=\"first/sim\"}";
    assert!(!scene.router.client().get("/metrics").await.text().contains(first_tokens));
}

#[tokio::test(flavor = "multi_thread")]
async fn tool_calls_that_no_client_can_use_are_counted() {
    let scene = Scene::start("strategies = [\"price\"]").await;
    let mut request = ask("test/both", "How is the weather?");
    request["tools"] = json!([{"type": "function", "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    }}]);
    let client = scene.router.client();
    for (name, arguments) in [
        ("weather", json!({"city": "Oslo"})),
        ("weather", json!({"town": "Oslo"})),
        ("weather", json!({"city": 7})),
        ("wether", json!({"city": "Oslo"})),
    ] {
        scene.first.set(Behaviour::new().calls(name, arguments));
        client.chat(&request).await;
        client.stream(&request).await;
    }
    for (outcome, count) in [("usable", 2), ("unusable", 6)] {
        let line = format!(
            "plugway_tool_call_answers_total{{endpoint=\"first/sim\",outcome=\"{outcome}\"}} {count}"
        );
        assert!(scene.metric(&line).await, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strategies_see_health_as_it_was_an_interval_ago_at_most() {
    let scene = Scene::start(&format!("breaker_failures = 100\n{BUILT_IN}")).await;
    scene.first.set(failing(500));
    // All of these rest on the snapshot of the first.
    assert_eq!(scene.asked_of_first(8).await, 8);
    scene.advance(0.249);
    assert_eq!(scene.asked_of_first(1).await, 1);
    scene.advance(0.001);
    assert_eq!(scene.asked_of_first(3).await, 0);
    assert_eq!(scene.second.requests().len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_at_the_cap_that_its_429s_have_taught_comes_last() {
    let scene = Scene::start(BUILT_IN).await;
    scene.first.set(Behaviour::new().head_delay_ms(600_000));
    let hanging: Vec<_> = (0..4)
        .map(|_| {
            let client = scene.router.client();
            tokio::spawn(async move { client.chat(&ask("test/both", "Hi")).await })
        })
        .collect();
    scene.first.requests_when(|seen| seen.len() == 4).await;
    // The fifth is one too many: three quarters of five are borne.
    scene.first.set(failing(429));
    scene.ask(1).await;
    let cap = "plugway_endpoint_capacity{endpoint=\"first/sim\"} 3";
    assert!(scene.metric(cap).await);
    scene.first.set(Behaviour::new());
    scene.advance(0.25);
    assert_eq!(scene.asked_of_first(3).await, 0);
    // Those that hang leave, and there is room again.
    hanging.iter().for_each(tokio::task::JoinHandle::abort);
    while !scene.metric("plugway_endpoint_in_flight{endpoint=\"first/sim\"} 0").await {}
    scene.advance(0.25);
    assert_eq!(scene.asked_of_first(3).await, 3);
    // Without further 429s it is forgotten.
    scene.advance(300.0);
    let metrics = scene.router.client().get("/metrics").await.text();
    assert!(!metrics.contains("plugway_endpoint_capacity{"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_each_pause_of_a_breaker_is_certain_and_each_is_twice_as_long() {
    // So few attempts say nothing of an endpoint but by its breaker.
    let scene =
        Scene::start("breaker_failures = 2\nmin_samples = 1000\nstrategies = [\"price\"]").await;
    scene.first.set(failing(500));
    assert_eq!(scene.asked_of_first(5).await, 2);
    assert_eq!(shown(&scene.router).await["status"], -10);
    for pause in [1.0, 2.0, 4.0] {
        scene.advance(pause / 2.0 - 0.001);
        assert_eq!(scene.asked_of_first(3).await, 0, "within half of {pause} seconds");
        scene.advance(pause / 2.0 + 0.001);
        // One probe, which fails.
        assert_eq!(scene.asked_of_first(3).await, 1, "after {pause} seconds");
    }
    scene.first.set(Behaviour::new());
    scene.advance(8.0);
    assert_eq!(scene.asked_of_first(3).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_survives_a_restart_and_is_older_by_the_time_between() {
    let home = tempfile::tempdir().unwrap();
    let state = format!("state = {:?}", home.path().join("state.db"));
    let first = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let start = |seconds: u64| {
        let clock = Clock::stopped(BEGAN + Duration::from_secs(seconds));
        let keys = "breaker_failures = 100\nmin_timed_samples = 1\nstrategies = [\"price\"]";
        router(&state, keys, &first, &second, clock)
    };
    let router = start(0).await;
    for _ in 0..12 {
        router.client().stream(&ask("test/both", "Hi")).await;
    }
    first.set(failing(500));
    for _ in 0..3 {
        router.client().chat(&ask("test/both", "Hi")).await;
    }
    first.set(Behaviour::new().fault(When::Always, Failure::rate_limited(3600)));
    router.client().chat(&ask("test/both", "Hi")).await;
    let latency = shown(&router).await["latency_last_30m"].clone();
    assert!(latency["p50"].is_number(), "{latency}");
    router.stop().await;
    first.set(Behaviour::new());
    first.clear();

    let router = start(40).await;
    assert_eq!(uptimes(&router).await, [None, Some(80.0), Some(80.0), Some(80.0)]);
    assert_eq!(shown(&router).await["latency_last_30m"], latency);
    // The pause that was asked for, which is kept for a minute, goes on.
    router.client().chat(&ask("test/both", "Hi")).await;
    assert_eq!(first.requests().len(), 0);
    router.stop().await;

    // Saved again by a router that learned nothing new, and older again.
    let router = start(7_200).await;
    assert_eq!(uptimes(&router).await, [None, None, None, Some(80.0)]);
    router.client().chat(&ask("test/both", "Hi")).await;
    assert_eq!(first.requests().len(), 1);
    router.stop().await;

    // A clock that was set back: nothing that is dated in the future counts.
    let router = start(7_199).await;
    assert_eq!(uptimes(&router).await, [None; 4]);
}
