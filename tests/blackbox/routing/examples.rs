//! The strategies to copy, dropped into a router: requests go where each says.

use crate::setup::{ask, bare_provider, endpoint};
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_tests::{Answer, TestRouter};
use serde_json::{Value, json};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// Where the stopped clock stands: at the start of some day, not the first.
const MIDNIGHT: Duration = Duration::from_secs(20_000 * 24 * 3600);

/// A router whose model `test/both` two providers serve: `cheap` in `us`, and `dear`
/// in `eu`, which has the tag `track` of `new`.
struct Fork {
    router: TestRouter,
    clock: Clock,
    strategy: &'static str,
    cheap: Simulator,
    dear: Simulator,
}

impl Fork {
    /// With an example that is dropped in, and its configured options.
    async fn with(strategy: &'static str, options: &str) -> Self {
        let start = |says: &str| Simulator::start(Kind::OpenAi, Behaviour::new().reply(says));
        let (cheap, dear) = (start("from cheap").unwrap(), start("from dear").unwrap());
        let toml = [
            &format!("[plugins.{strategy}.options]\n{options}"),
            &bare_provider("cheap", &cheap),
            &bare_provider("dear", &dear),
            "[models.\"test/both\"]\ncontext_length = 100_000\n",
            &endpoint("test/both", "cheap", 1),
            "region = 'us'\n",
            &endpoint("test/both", "dear", 100),
            "region = 'eu'\ntags = { track = 'new' }\n",
        ];
        let clock = Clock::stopped(MIDNIGHT);
        let router = TestRouter::start_at(&toml.join("\n"), clock.clone()).await;
        router.drop_plugin(strategy, strategy).await;
        Self { router, clock, strategy, cheap, dear }
    }

    /// What comes of a request that names the strategy and these options.
    async fn ask(&self, options: Value, session: Option<&str>) -> Answer {
        let mut request = ask("test/both", "Hi");
        request["provider"] = json!({"strategy": self.strategy, "options": options});
        if let Some(session) = session {
            request["session_id"] = json!(session);
        }
        self.router.client().chat(&request).await
    }

    /// The provider that served the request.
    async fn served_by(&self, options: Value) -> String {
        self.served(&self.ask(options, None).await)
    }

    fn served(&self, answer: &Answer) -> String {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let decider = answer.header("x-plugway-strategy").unwrap();
        assert!(decider.starts_with(&format!("{}@", self.strategy)), "{decider}");
        answer.content().trim_start_matches("from ").to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cost_cap_refuses_what_is_too_dear_everywhere() {
    // The expected answer alone costs half a cent at one and half a dollar at the other.
    let fork = Fork::with("cost-cap", "max_usd = 0.1").await;
    assert_eq!(fork.served_by(json!({})).await, "cheap");
    let refused = fork.ask(json!({"max_usd": 0.001}), None).await;
    assert_eq!(refused.status, 404, "{}", refused.text());
    assert!(refused.text().contains("$0.001000"), "{}", refused.text());
    let wrong = fork.ask(json!({"max_usd": -1}), None).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    assert_eq!(wrong.json()["error"]["param"], "provider.options");
    // Nor is the dearer one tried where the other fails.
    fork.cheap.set(Behaviour::new().fault(When::Always, Failure::status(500)));
    let failed = fork.ask(json!({"max_usd": 5}), None).await;
    assert!(!failed.status.is_success(), "{}", failed.text());
    assert!(fork.dear.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_that_refuses_is_not_all_that_a_client_is_told() {
    let fork = Fork::with("cost-cap", "max_usd = 0.1").await;
    let mut request = ask("test/both", "Hi");
    request["provider"] = json!({"strategy": "cost-cap", "options": {"max_usd": 0.001},
        "ignore": ["dear"]});
    let refused = fork.router.client().chat(&request).await;
    assert_eq!(refused.status, 404, "{}", refused.text());
    let metadata = &refused.json()["error"]["metadata"];
    let told = |at: usize, field: &str| metadata["endpoints"][at][field].as_str().unwrap();
    assert_eq!((told(0, "endpoint"), told(1, "endpoint")), ("cheap/sim", "dear/sim"), "{metadata}");
    assert!(told(0, "reason").contains("$0.001000"), "{metadata}");
    assert_eq!(told(1, "reason"), "provider.ignore names it", "{metadata}");
    // Wrong options are nobody's of them.
    request["provider"]["options"] = json!({"max_usd": -1});
    let wrong = fork.router.client().chat(&request).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    assert!(wrong.json()["error"]["metadata"]["endpoints"].as_array().is_none_or(Vec::is_empty));
}

#[tokio::test(flavor = "multi_thread")]
async fn cost_cap_holds_for_what_is_tripped_too() {
    let options = "max_usd = 0.1\n[routing]\nbreaker_failures = 1\nbreaker_max_pause = '1h'\n";
    let fork = Fork::with("cost-cap", options).await;
    let fails = || Behaviour::new().fault(When::Always, Failure::status(500));
    fork.dear.set(fails());
    let mut request = ask("test/both", "Hi");
    request["provider"] = json!({"strategy": "price", "only": ["dear"]});
    let trips = fork.router.client().chat(&request).await;
    assert!(!trips.status.is_success(), "{}", trips.text());
    fork.dear.set(Behaviour::new().reply("from dear"));
    fork.dear.clear();
    fork.cheap.set(fails());
    let failed = fork.ask(json!({}), None).await;
    assert!(!failed.status.is_success(), "{}", failed.text());
    assert!(fork.dear.requests().is_empty(), "no plan has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn canary_split_keeps_a_conversation_on_its_side() {
    let fork = Fork::with("canary-split", "tag = 'track=new'\npercent = 50").await;
    for number in 0..24 {
        let session = format!("conversation-{number}");
        let mut sides = Vec::new();
        for _ in 0..3 {
            sides.push(fork.served(&fork.ask(json!({}), Some(&session)).await));
        }
        assert!(sides.iter().all(|side| *side == sides[0]), "{session}: {sides:?}");
    }
    let (old, new) = (fork.cheap.requests().len(), fork.dear.requests().len());
    assert!(old > 0 && new > 0 && old + new == 72, "{old} old, {new} new");
    let meddling = fork.ask(json!({"percent": 100}), None).await;
    assert_eq!(meddling.status, 400, "{}", meddling.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn region_first_prefers_a_region_and_falls_back_to_others() {
    let fork = Fork::with("region-first", "regions = ['eu']").await;
    assert_eq!(fork.served_by(json!({})).await, "dear");
    assert_eq!(fork.served_by(json!({"regions": ["us", "eu"]})).await, "cheap");
    fork.dear.set(Behaviour::new().fault(When::Always, Failure::status(500)));
    assert_eq!(fork.served_by(json!({})).await, "cheap");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_of_day_follows_the_hour() {
    let hours = "hours = { '8-18' = ['dear'], '18-8' = ['cheap'] }";
    let fork = Fork::with("time-of-day", hours).await;
    assert_eq!(fork.served_by(json!({})).await, "cheap");
    fork.clock.advance(8 * HOUR);
    assert_eq!(fork.served_by(json!({})).await, "dear");
    assert_eq!(fork.served_by(json!({"hours": {"0-24": ["cheap"]}})).await, "cheap");
    fork.clock.advance(10 * HOUR);
    assert_eq!(fork.served_by(json!({})).await, "cheap");
}
