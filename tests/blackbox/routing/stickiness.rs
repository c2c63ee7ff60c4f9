//! A conversation stays where its prompt cache is warm.

use crate::setup::{ask, bare_provider, endpoint};
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_tests::TestRouter;
use serde_json::{Value, json};
use std::time::Duration;

/// A router whose `test/both` is served by `first`, cheaply, and by `second`, so dearly
/// that chance never puts it first.
struct Scene {
    router: TestRouter,
    clock: Clock,
    second: Simulator,
    _first: Simulator,
}

impl Scene {
    /// Both report this many tokens as read from their caches, and ask `cache_read` for
    /// them.
    async fn start(cached_tokens: u32, cache_read: &str) -> Self {
        let start = |name: &str| {
            let behaviour = Behaviour::new().reply(name).cached_tokens(cached_tokens);
            Simulator::start(Kind::OpenAi, behaviour).unwrap()
        };
        let (first, second) = (start("from first"), start("from second"));
        let endpoints =
            [endpoint("test/both", "first", 1), endpoint("test/both", "second", 90)].concat();
        let toml = format!(
            "[plugins.balanced.options]\nexponent = 8\nexploration = 0\n{}{}\
             [models.\"test/both\"]\ncontext_length = 1000\n{}",
            bare_provider("first", &first),
            bare_provider("second", &second),
            endpoints.replace(" }\n", &format!("{cache_read} }}\n")),
        );
        let clock = Clock::stopped(Duration::from_secs(1_000_000));
        let router = TestRouter::start_at(&toml, clock.clone()).await;
        Self { router, clock, second, _first: first }
    }

    /// Who answers `text`, asked with these fields.
    async fn answers(&self, text: &str, fields: Value) -> String {
        let mut request = ask("test/both", text);
        for (name, value) in fields.as_object().unwrap() {
            request[name] = value.clone();
        }
        self.router.client().chat(&request).await.content()
    }
}

const CHEAPER: &str = ", cache_read = 0.1";

/// Puts a conversation where it would not go by itself.
fn at_second() -> Value {
    json!({"provider": {"only": ["second"]}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_stays_for_ten_sliding_minutes_where_its_cache_was_seen_at_work() {
    let scene = Scene::start(2, CHEAPER).await;
    assert_eq!(scene.answers("Hi", at_second()).await, "from second");
    for _ in 0..3 {
        scene.clock.advance(Duration::from_secs(599));
        assert_eq!(scene.answers("Hi", json!({})).await, "from second");
    }
    assert_eq!(scene.answers("Another one", json!({})).await, "from first");
    scene.clock.advance(Duration::from_secs(600));
    assert_eq!(scene.answers("Hi", json!({})).await, "from first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_its_client_names_stays_at_once() {
    let scene = Scene::start(0, CHEAPER).await;
    let mut named = at_second();
    named["session_id"] = json!("one");
    assert_eq!(scene.answers("Hi", named).await, "from second");
    assert_eq!(scene.answers("Else", json!({"session_id": "one"})).await, "from second");
    assert_eq!(scene.answers("Hi", json!({"session_id": "two"})).await, "from first");
    // Without a name, a cache has to be seen first.
    assert_eq!(scene.answers("Hi", at_second()).await, "from second");
    assert_eq!(scene.answers("Hi", json!({})).await, "from first");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_where_reading_from_the_cache_is_no_cheaper() {
    for cache_read in ["", ", cache_read = 90.0"] {
        let scene = Scene::start(2, cache_read).await;
        scene.answers("Hi", at_second()).await;
        assert_eq!(scene.answers("Hi", json!({})).await, "from first", "{cache_read}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_cache_never_beats_an_explicit_order_or_sort() {
    let scene = Scene::start(2, CHEAPER).await;
    for provider in [json!({"order": ["first"]}), json!({"sort": "price"})] {
        scene.answers("Hi", at_second()).await;
        let explicit = json!({"provider": provider});
        assert_eq!(scene.answers("Hi", explicit).await, "from first", "{provider}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cache_saves_is_in_the_cost_that_a_client_sorts_by() {
    let start = |name: &str| {
        let behaviour = Behaviour::new().reply(name).cached_tokens(1000);
        Simulator::start(Kind::OpenAi, behaviour).unwrap()
    };
    let (first, second) = (start("from first"), start("from second"));
    let offer = |provider: &str, price: &str| {
        format!(
            "[[models.\"test/both\".endpoints]]\nprovider = \"{provider}\"\nmodel = \"sim\"\n\
             price = {{ {price} }}\n"
        )
    };
    let toml = [
        bare_provider("first", &first),
        bare_provider("second", &second),
        "[models.\"test/both\"]\ncontext_length = 10_000\n".into(),
        offer("first", "prompt = 1.0, completion = 1.0"),
        offer("second", "prompt = 2.0, completion = 1.0, cache_read = 0.1"),
    ];
    let router = TestRouter::start(&toml.concat()).await;
    let (long, other) = ("word ".repeat(500), "else ".repeat(500));
    let answers = async |text: &str, provider: Value| {
        let mut request = ask("test/both", text);
        request["provider"] = provider;
        request["max_tokens"] = json!(10);
        router.client().chat(&request).await.content()
    };
    assert_eq!(answers(&long, json!({"only": ["second"]})).await, "from second");
    assert_eq!(answers(&long, json!({"sort": "price"})).await, "from second");
    assert_eq!(answers(&other, json!({"sort": "price"})).await, "from first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_does_not_keep_the_conversation() {
    let scene = Scene::start(2, CHEAPER).await;
    scene.answers("Hi", at_second()).await;
    assert_eq!(scene.answers("Hi", json!({})).await, "from second");
    let failing = Behaviour::new().fault(When::Always, Failure::status(500));
    scene.second.set(failing);
    assert_eq!(scene.answers("Hi", json!({})).await, "from first");
    // It went on elsewhere, and is warm there now.
    scene.second.set(Behaviour::new().reply("from second"));
    assert_eq!(scene.answers("Hi", json!({})).await, "from first");
}
