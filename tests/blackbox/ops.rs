//! What operators see.

use crate::setup::{Pair, ask};
use plugway_simulator::Behaviour;
use plugway_tests::LogLines;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn models_and_endpoints_are_listed_with_exact_prices() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    for prefix in ["/v1", "/api/v1"] {
        let models = client.get(&format!("{prefix}/models")).await.json();
        assert_eq!(models["object"], "list");
        let data = models["data"].as_array().unwrap();
        let open = data.iter().find(|it| it["id"] == "test/open").unwrap();
        assert_eq!(open["pricing"]["prompt"], "0.000001");
        assert_eq!(open["pricing"]["completion"], "0.00001");
        assert_eq!(open["context_length"], 2_000_000);
        let endpoints = client.get(&format!("{prefix}/models/test/anth/endpoints")).await.json();
        let endpoint = &endpoints["data"]["endpoints"][0];
        assert_eq!(endpoint["tag"], "anth");
        assert_eq!(endpoint["pricing"]["prompt"], "0.000002");
    }
    assert_eq!(client.get("/v1/models/no/such/endpoints").await.status, 404);
    let route = "/v1/models/{author}/{slug}/endpoints";
    LogLines::wait(|line| line["route"] == route && line["status"] == 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_every_plugin() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    assert_eq!(client.get("/healthz").await.status, 200);
    let ready = client.get("/readyz").await;
    assert_eq!(ready.status, 200);
    let plugins = ready.json()["plugins"].as_array().unwrap().clone();
    let ids: Vec<_> = plugins.iter().map(|it| it["id"].as_str().unwrap()).collect();
    for id in ["anthropic", "balanced", "openai", "price"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    for plugin in &plugins {
        assert!(plugin["digest"].as_str().unwrap().len() >= 12, "{plugin}");
        assert!(plugin["generation"].is_u64(), "{plugin}");
        assert_eq!(plugin["last_error"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_happened() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    client.chat(&ask("test/open", "Hi")).await;
    client.stream(&ask("test/anth", "Hi")).await;
    let text = client.get("/metrics").await.text();
    for line in [
        "plugway_requests_total{route=\"/v1/chat/completions\",status=\"200\"} 2",
        "plugway_attempts_total{provider=\"open\",outcome=\"ok\"} 1",
        "plugway_attempts_total{provider=\"anth\",outcome=\"ok\"} 1",
        "plugway_requests_in_flight 0",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_has_the_head_of_its_get() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    let whole = client.get("/v1/models").await;
    let response = client.send(client.request(http::Method::HEAD, "/v1/models", "")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-length"], whole.body.len().to_string());
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    assert!(body.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_is_for_this_machine_alone_wherever_the_router_listens() {
    for listen in ["127.0.0.1:8787", "0.0.0.0:8787"] {
        let pair = Pair::with(Behaviour::new(), &format!("[server]\nlisten = \"{listen}\"")).await;
        let client = pair.router.client();
        for (name, value) in [
            ("host", "evil.example"),
            ("origin", "https://evil.example"),
            ("forwarded", "for=192.0.2.1"),
            ("x-forwarded-for", "192.0.2.1"),
            ("via", "1.1 proxy"),
        ] {
            let mut request = client.request(http::Method::POST, "/admin/reload", "");
            request.headers_mut().insert(name, value.parse().unwrap());
            assert_eq!(client.send(request).await.status(), 403, "{listen}, {name}");
        }
        let request = client.request(http::Method::POST, "/admin/reload", "");
        assert_eq!(client.send(request).await.status(), 200, "{listen}");
    }
}
