//! The configuration, read again: all of it or nothing, and shown.

use crate::setup::{ask, provider};
use http::Method;
use plugway::reload::{self, ConfigReload};
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_tests::TestRouter;
use serde_json::{Value, json};
use std::time::Duration;

async fn post_reload(router: &TestRouter) -> Value {
    let client = router.client();
    let response = client.send(client.request(Method::POST, "/admin/reload", "")).await;
    assert_eq!(response.status(), 200);
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_model_is_served_without_a_restart() {
    let first = Simulator::start(Kind::OpenAi, Behaviour::new().reply("the first")).unwrap();
    let second = Simulator::start(Kind::Anthropic, Behaviour::new().reply("the second")).unwrap();
    let router = TestRouter::start(&provider("first", &first, 1)).await;
    let client = router.client();
    assert_eq!(client.chat(&ask("test/second", "Hi")).await.status, 400);

    let both = format!("{}{}", provider("first", &first, 3), provider("second", &second, 2));
    std::fs::write(router.config_file(), both).unwrap();
    let told = post_reload(&router).await;
    assert_eq!(told["ok"], true, "{told}");
    assert_eq!(told["config"]["outcome"], "applied");
    assert_eq!(client.chat(&ask("test/second", "Hi")).await.content(), "the second");
    let models = client.get("/v1/models").await.json();
    let data = models["data"].as_array().unwrap();
    let priced = data.iter().find(|it| it["id"] == "test/first").unwrap();
    assert_eq!(priced["pricing"]["prompt"], "0.000003", "the price of now");

    std::fs::write(router.config_file(), provider("second", &second, 2)).unwrap();
    post_reload(&router).await;
    assert_eq!(client.chat(&ask("test/first", "Hi")).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_leaves_everything_as_it_was_and_shows() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new().reply("still here")).unwrap();
    let router = TestRouter::start(&provider("sim", &simulator, 1)).await;
    let client = router.client();
    let good = provider("sim", &simulator, 1);
    for (toml, said) in [
        (format!("{good}[servr]"), "did you mean `server`?"),
        (format!("{good}[plugins.balanced.options]\nnonsense = 1"), "refuses its options"),
        ("not toml at all".to_owned(), "plugway.toml:1:"),
        (format!("[upstream]\nca_files = [\"/nonexistent\"]\n{good}"), "/nonexistent"),
    ] {
        std::fs::write(router.config_file(), toml).unwrap();
        let told = post_reload(&router).await;
        assert_eq!(told["ok"], false, "{told}");
        assert_eq!(told["config"]["outcome"], "refused");
        assert!(told["config"]["error"].as_str().unwrap().contains(said), "{said}: {told}");
        assert_eq!(client.chat(&ask("test/sim", "Hi")).await.content(), "still here");
        let ready = client.get("/readyz").await;
        assert_eq!(ready.status, 200, "what holds still serves");
        assert!(ready.json()["config"]["last_error"].as_str().unwrap().contains(said));
        let metrics = client.get("/metrics").await.text();
        assert!(metrics.contains("plugway_config_refused 1\n"), "{metrics}");
    }
    std::fs::remove_file(router.config_file()).unwrap();
    let told = post_reload(&router).await;
    assert!(told["config"]["error"].as_str().unwrap().contains("cannot read"), "{told}");
    assert_eq!(client.chat(&ask("test/sim", "Hi")).await.content(), "still here");

    std::fs::write(router.config_file(), good).unwrap();
    assert_eq!(post_reload(&router).await["ok"], true);
    let ready = client.get("/readyz").await.json();
    assert_eq!(ready["config"]["last_error"], Value::Null);
    assert_eq!(ready["config"]["generation"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_restart_is_named_and_not_done() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let good = provider("sim", &simulator, 1);
    let router = TestRouter::start(&good).await;
    std::fs::write(router.config_file(), format!("[server]\nmax_connections = 3\n{good}")).unwrap();
    let told = post_reload(&router).await;
    assert_eq!(told["config"]["restart_needed"], json!(["server.max_connections"]));
    assert_ne!(router.router.settings().config.server.max_connections, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_and_options_reach_plugins_that_serve() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new().reply("mini")).unwrap();
    let good = provider("sim", &simulator, 1);
    let router = TestRouter::start(&good).await;
    router.drop_plugin("provider-minimal", "openai").await;
    let serving = || router.router.registry.adapter("openai").unwrap().digest().to_owned();
    let own = serving();

    std::fs::write(router.config_file(), format!("[plugins.openai]\nreplace = true\n{good}"))
        .unwrap();
    let told = post_reload(&router).await;
    assert_eq!(told["plugins"]["loaded"], json!(["openai"]), "{told}");
    assert_ne!(serving(), own, "the file may take over now");

    std::fs::write(router.config_file(), &good).unwrap();
    let told = post_reload(&router).await;
    assert_eq!(serving(), own, "and now it may not: {told}");
    assert_eq!(told["ok"], false, "{told}");
    assert_eq!(router.client().chat(&ask("test/sim", "Hi")).await.content(), "mini");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_file_needs_no_call() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let good = provider("sim", &simulator, 1);
    let router = TestRouter::start(&good).await;
    let watches = reload::watch(&router.router);
    let more = "[routing]\nmax_attempts = 7\n";
    // As editors do it: another file, renamed over the old one.
    let beside = router.config_file().with_extension("toml.swp");
    std::fs::write(&beside, format!("{more}{good}")).unwrap();
    std::fs::rename(&beside, router.config_file()).unwrap();
    let holds = async {
        while router.router.settings().config.routing.max_attempts != 7 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), holds).await.expect("it was never read again");
    drop(watches);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_under_way_keeps_what_it_began_with() {
    let slow = Behaviour::new().tokens_per_second(40).reply("one two three four five six");
    let simulator = Simulator::start(Kind::OpenAi, slow).unwrap();
    let good = provider("sim", &simulator, 1);
    let router = TestRouter::start(&good).await;
    let (client, request) = (router.client(), ask("test/sim", "Hi"));
    let stream = tokio::spawn(async move { client.stream(&request).await });
    while simulator.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Neither its model nor its provider is there any more.
    let other = good
        .replace("test/sim", "test/other")
        .replace("providers.sim", "providers.other")
        .replace("provider = \"sim\"", "provider = \"other\"");
    std::fs::write(router.config_file(), other).unwrap();
    assert_eq!(post_reload(&router).await["config"]["outcome"], "applied");
    let streamed = stream.await.unwrap();
    assert_eq!(streamed.content(), "one two three four five six");
    assert!(streamed.done);
    let told = tokio::task::spawn_blocking({
        let router = router.router.clone();
        move || router.reload_config(false)
    });
    assert_eq!(told.await.unwrap(), ConfigReload::Unchanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_cannot_ask_for_a_reload() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let router = TestRouter::start(&provider("sim", &simulator, 1)).await;
    let client = router.client();
    let mut request = client.request(Method::POST, "/admin/reload", "");
    request.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    assert_eq!(client.send(request).await.status(), 403);
    assert_eq!(client.get("/admin/reload").await.status, 405);
}
