//! Limits of endpoints and of providers: who is at one is left out, and nobody waits.

use crate::setup::{ask, bare_provider, endpoint};
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Failure, Kind, Script, Simulator, When};
use plugway_tests::{Answer, TestRouter};
use serde_json::Value;
use std::time::Duration;

/// `test/both` at `cheap` and at `dear`, in this order. `test/alone` and `test/beside` are
/// two models at `cheap`.
struct Scene {
    router: TestRouter,
    clock: Clock,
    cheap: Simulator,
    dear: Simulator,
}

impl Scene {
    /// With these limits of the provider `cheap`, and of its endpoint of `test/both`.
    async fn start(of_provider: &str, of_endpoint: &str) -> Self {
        let start = || Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
        let (cheap, dear) = (start(), start());
        let alone = endpoint("test/alone", "cheap", 1).replace("\"sim\"", "\"alone\"");
        let beside = endpoint("test/beside", "cheap", 1).replace("\"sim\"", "\"beside\"");
        let toml = format!(
            "{}{of_provider}\n{}{}{of_endpoint}\n{}{alone}{beside}",
            bare_provider("cheap", &cheap),
            bare_provider("dear", &dear),
            endpoint("test/both", "cheap", 1),
            endpoint("test/both", "dear", 2),
        );
        let clock = Clock::stopped(Duration::from_secs(1_800_000_000));
        let router = TestRouter::start_at(&toml, clock.clone()).await;
        Self { router, clock, cheap, dear }
    }

    async fn chat(&self, model: &str) -> Answer {
        self.router.client().chat(&request(model)).await
    }

    /// How many requests each provider had; forgotten then.
    fn counts(&self) -> (usize, usize) {
        let counts = (self.cheap.requests().len(), self.dear.requests().len());
        self.cheap.clear();
        self.dear.clear();
        counts
    }
}

fn request(model: &str) -> Value {
    let mut body = ask(model, "Hi");
    body["provider"] = serde_json::json!({"order": ["cheap", "dear"]});
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_at_its_limit_is_passed_over_until_time_has_passed() {
    let it = Scene::start("", "requests_per_minute = 3\n").await;
    for _ in 0..5 {
        assert_eq!(it.chat("test/both").await.status, 200);
    }
    assert_eq!(it.counts(), (3, 2));
    // One more for each twenty seconds.
    it.clock.advance(Duration::from_secs(20));
    for _ in 0..2 {
        assert_eq!(it.chat("test/both").await.status, 200);
    }
    assert_eq!(it.counts(), (1, 1));
    // What is not limited is not counted.
    assert_eq!(it.chat("test/alone").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_are_at_a_limit_the_client_is_told_when_to_come_again() {
    let it = Scene::start("requests_per_minute = 2", "").await;
    for model in ["test/alone", "test/beside"] {
        assert_eq!(it.chat(model).await.status, 200);
    }
    // All endpoints of the provider have used the limit together.
    let answer = it.chat("test/alone").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("30")));
    let text = answer.text();
    assert!(text.contains("the provider `cheap` allows 2 requests per minute"), "{text}");
    assert_eq!(it.counts(), (2, 0));
    it.clock.advance(Duration::from_secs(29));
    assert_eq!(it.chat("test/alone").await.header("retry-after"), Some("1"));
    it.clock.advance(Duration::from_secs(1));
    assert_eq!(it.chat("test/alone").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_counted_as_the_provider_counts_them() {
    let it = Scene::start("tokens_per_minute = 10_000", "").await;
    let behaviour = Behaviour::new().completion_tokens(9_000);
    it.cheap.set(Script { behaviour, ..Script::new() });
    for streaming in [false, true] {
        match streaming {
            false => assert_eq!(it.chat("test/alone").await.status, 200),
            true => {
                let client = it.router.client();
                assert!(!client.stream(&request("test/alone")).await.content().is_empty());
            }
        }
        // The second one finds something left, and more is owed then.
        assert_eq!(it.chat("test/alone").await.status, 200, "{streaming}");
        assert_eq!(it.chat("test/alone").await.status, 503, "{streaming}");
        it.clock.advance(Duration::from_secs(600));
    }
    // What was not served was not used.
    let fault = Failure::Status { code: 400, retry_after: None, message: None };
    let behaviour = Behaviour::new().fault(When::Always, fault);
    it.cheap.set(Script { behaviour, ..Script::new() });
    let long = "word ".repeat(6_000);
    for _ in 0..5 {
        let answer = it.router.client().chat(&ask("test/alone", &long)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn places_at_a_time_are_given_back_when_an_answer_has_ended_however_it_does() {
    let it = Scene::start("", "concurrent_requests = 1\n").await;
    let behaviour = Behaviour::new().head_delay_ms(60_000);
    it.cheap.set(Script { behaviour, ..Script::new() });
    let client = it.router.client();
    let waiting = tokio::spawn(async move { client.chat(&request("test/both")).await });
    it.cheap.requests_when(|requests| requests.len() == 1).await;
    assert_eq!(it.chat("test/both").await.status, 200);
    assert_eq!(it.counts(), (1, 1));
    // Its client leaves.
    waiting.abort();
    assert!(waiting.await.is_err());
    it.cheap.set(Script::new());
    let mut tries = 0;
    while it.counts().0 == 0 {
        // The router hears of it in its own time.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(it.chat("test/both").await.status, 200);
        tries += 1;
        assert!(tries < 500, "the place is never given back");
    }
    for _ in 0..3 {
        let streamed = it.router.client().stream(&request("test/both")).await;
        assert!(!streamed.content().is_empty());
    }
    assert_eq!(it.counts().1, 0, "a place was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_limits_hold_from_a_reload_on_and_what_was_used_counts() {
    let it = Scene::start("requests_per_minute = 2", "").await;
    for _ in 0..2 {
        assert_eq!(it.chat("test/alone").await.status, 200);
    }
    assert_eq!(it.chat("test/alone").await.status, 503);
    let file = it.router.config_file();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("requests_per_minute = 2", "requests_per_minute = 4"))
        .unwrap();
    let router = it.router.router.clone();
    tokio::task::spawn_blocking(move || router.reload()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(it.chat("test/alone").await.status, 200);
    }
    assert_eq!(it.chat("test/alone").await.status, 503);
}
