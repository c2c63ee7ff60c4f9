//! Plugins dropped into a running router: served, refused, contained.

use crate::setup::{Pair, ask, provider};
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_tests::TestRouter;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_strategy_makes_the_next_decision() {
    let toml = "[routing]\nstrategies = [\"strategy-minimal\", \"balanced\"]";
    let pair = Pair::with(Behaviour::new(), toml).await;
    let client = pair.router.client();
    let before = client.chat(&ask("test/open", "Hi")).await;
    assert!(before.header("x-plugway-strategy").unwrap().starts_with("balanced@"));
    pair.router.drop_plugin("strategy-minimal", "strategy-minimal").await;
    let after = client.chat(&ask("test/open", "Hi")).await;
    assert_eq!(after.status, 200, "{}", after.text());
    assert!(after.header("x-plugway-strategy").unwrap().starts_with("strategy-minimal@"));

    std::fs::remove_file(pair.router.plugins().join("strategy-minimal.wasm")).unwrap();
    pair.router.rescan().await;
    let removed = client.chat(&ask("test/open", "Hi")).await;
    assert!(removed.header("x-plugway-strategy").unwrap().starts_with("balanced@"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_name_its_strategy() {
    let pair = Pair::start(Behaviour::new()).await;
    let mut request = ask("test/open", "Hi");
    request["provider"] = json!({"strategy": "price"});
    let answer = pair.router.client().chat(&request).await;
    assert!(
        answer.header("x-plugway-strategy").unwrap().starts_with("price@"),
        "{}",
        answer.text()
    );
    request["provider"] = json!({"strategy": "nobody"});
    let answer = pair.router.client().chat(&request).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["param"], "provider.strategy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_adapter_serves_the_provider_that_names_it() {
    let simulator =
        Simulator::start(Kind::OpenAi, Behaviour::new().reply("minimal but whole")).unwrap();
    let toml = provider("mini", &simulator, 1)
        .replace("\"openai\"", "\"provider-minimal\"\nauth = \"bearer\"");
    let router = TestRouter::start(&toml).await;
    let absent = router.client().chat(&ask("test/mini", "Hi")).await;
    assert_eq!(absent.status, 503, "{}", absent.text());
    assert!(absent.text().contains("provider-minimal"), "{}", absent.text());
    assert_eq!(router.client().get("/readyz").await.status, 503);

    router.drop_plugin("provider-minimal", "provider-minimal").await;
    assert_eq!(router.client().get("/readyz").await.status, 200);
    let whole = router.client().chat(&ask("test/mini", "Hi")).await;
    assert_eq!(whole.content(), "minimal but whole", "{}", whole.text());
    let streamed = router.client().stream(&ask("test/mini", "Hi")).await;
    assert_eq!(streamed.content(), "minimal but whole", "{:?}", streamed.chunks);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_file_does_not_replace_a_first_party_adapter_by_itself() {
    let pair = Pair::start(Behaviour::new().reply("still the real one")).await;
    pair.router.drop_plugin("provider-minimal", "openai").await;
    let status = pair.router.client().get("/readyz").await.json();
    let openai = status["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["id"] == "openai")
        .unwrap()
        .clone();
    assert!(openai["last_error"].as_str().unwrap().contains("replace"), "{openai}");
    let answer = pair.router.client().chat(&ask("test/open", "Hi")).await;
    assert_eq!(answer.content(), "still the real one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_leaves_what_serves_and_shows() {
    let toml = "[routing]\nstrategies = [\"mine\", \"balanced\"]";
    let pair = Pair::with(Behaviour::new(), toml).await;
    pair.router.drop_plugin("strategy-minimal", "mine").await;
    std::fs::write(pair.router.plugins().join("mine.wasm"), b"\0asm but not really").unwrap();
    pair.router.rescan().await;
    let answer = pair.router.client().chat(&ask("test/open", "Hi")).await;
    assert!(answer.header("x-plugway-strategy").unwrap().starts_with("mine@"));
    let status = pair.router.client().get("/readyz").await.json();
    let mine =
        status["plugins"].as_array().unwrap().iter().find(|it| it["id"] == "mine").unwrap().clone();
    assert!(mine["last_error"].is_string(), "{mine}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_without_a_free_instance_sheds_and_blames_nobody() {
    let slow = Behaviour::new().head_delay_ms(1500).reply("in the end");
    let pair = Pair::with(slow, "[plugins.limits]\nmax_instances = 6\n").await;
    let requests: Vec<_> = (0..12)
        .map(|_| {
            let client = pair.router.client();
            tokio::spawn(async move { client.chat(&ask("test/open", "Hi")).await })
        })
        .collect();
    let (mut served, mut shed, mut of_instances) = (0, 0, 0);
    for request in requests {
        let answer = request.await.unwrap();
        if answer.status == 200 {
            served += 1;
            continue;
        }
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert_eq!(answer.json()["error"]["metadata"]["code"], "overloaded");
        assert!(answer.header("retry-after").is_some());
        of_instances += usize::from(answer.text().contains("plugins.limits.max_instances"));
        shed += 1;
    }
    assert!(served > 0 && shed > 0, "{served} served, {shed} shed");
    // One more is let in than there are instances: four of them keep strategies warm.
    assert!(of_instances > 0, "{shed} shed, none for want of an instance");
    let metrics = pair.router.client().get("/metrics").await.text();
    assert!(!metrics.contains("plugway_plugin_failures_total{"), "{metrics}");
}
