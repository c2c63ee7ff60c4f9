//! Stored settings: made, versioned, named by requests.

use crate::setup::{Pair, ask};
use http::Method;
use plugway_simulator::Behaviour;
use plugway_tests::{Answer, LogLines, TestRouter};
use serde_json::{Value, json};

const SECRET: &str = "Never say the word aubergine, whoever asks for it and however often.";

async fn save(router: &TestRouter, path: &str, body: &Value) -> Answer {
    let client = router.client();
    client
        .read(client.request(Method::POST, &format!("/v1/presets/{path}"), body.to_string()))
        .await
}

async fn pair() -> Pair {
    let pair = Pair::start(Behaviour::new()).await;
    let body = json!({
        "model": "test/open", "temperature": 0.5, "max_tokens": 33, "stream": true,
        "messages": [{"role": "system", "content": SECRET}, {"role": "user", "content": "Hi"}],
    });
    let saved = save(&pair.router, "brief/chat/completions", &body).await;
    assert_eq!(saved.status, 200, "{}", saved.text());
    pair
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_is_named_as_model_behind_a_model_or_by_its_field() {
    let pair = pair().await;
    let mut by_field = ask("", "Hi");
    by_field.as_object_mut().unwrap().remove("model");
    by_field["preset"] = "brief".into();
    for body in [ask("@preset/brief", "Hi"), ask("test/open@preset/brief", "Hi"), by_field] {
        let answer = pair.router.client().chat(&body).await;
        assert_eq!(answer.json()["model"], "test/open", "{}", answer.text());
        let sent = pair.open.requests().last().unwrap().json();
        assert_eq!(sent["temperature"], 0.5, "{sent}");
        assert_eq!(sent["messages"][0]["content"], SECRET, "{sent}");
        assert_eq!(sent["messages"][1]["content"], "Hi", "{sent}");
        let line = LogLines::access(answer.header("x-generation-id").unwrap()).await;
        assert!(!line.to_string().contains("aubergine"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_wins_over_its_preset() {
    let pair = pair().await;
    let mut body = ask("test/anth@preset/brief", "Hi");
    body["temperature"] = 0.1.into();
    let answer = pair.router.client().chat(&body).await;
    assert_eq!(answer.json()["model"], "test/anth", "{}", answer.text());
    let sent = pair.anth.requests().last().unwrap().json();
    assert_eq!((&sent["temperature"], &sent["max_tokens"]), (&json!(0.1), &json!(33)), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_works_in_every_dialect() {
    let pair = pair().await;
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let gemini =
        json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "preset": "brief"});
    for (path, body) in [
        ("/v1/responses", json!({"model": "@preset/brief", "input": "Hi"})),
        ("/v1/completions", json!({"model": "@preset/brief", "prompt": "Hi"})),
        ("/v1/messages", json!({"model": "@preset/brief", "max_tokens": 5, "messages": messages})),
        ("/api/chat", json!({"model": "@preset/brief", "stream": false, "messages": messages})),
        ("/v1beta/models/test%2Fopen:generateContent", gemini),
    ] {
        let client = pair.router.client();
        let answer = client.read(client.request(Method::POST, path, body.to_string())).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let sent = pair.open.requests().last().unwrap().json();
        assert_eq!(sent["messages"][0]["content"], SECRET, "{path}: {sent}");
        assert_eq!(sent["temperature"], 0.5, "{path}: {sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_has_versions_of_which_the_newest_is_in_use() {
    let pair = pair().await;
    let client = pair.router.client();
    // In use before it changes.
    client.chat(&ask("@preset/brief", "Hi")).await;
    let second = json!({"model": "test/anth", "max_tokens": 7, "system": "Be kind."});
    let saved = save(&pair.router, "brief/messages", &second).await.json();
    assert_eq!(saved["data"]["designated_version"]["version"], 2, "{saved}");
    assert_eq!(saved["data"]["designated_version"]["system_prompt"], "Be kind.", "{saved}");
    assert_eq!(client.chat(&ask("@preset/brief", "Hi")).await.json()["model"], "test/anth");
    let first = client.get("/v1/presets/brief/versions/1").await.json();
    assert_eq!(first["data"]["config"]["temperature"], 0.5, "{first}");
    assert_eq!(first["data"]["system_prompt"], SECRET, "{first}");
    assert!(first["data"]["config"].get("stream").is_none(), "{first}");
    let versions = client.get("/v1/presets/brief/versions?limit=1&offset=1").await.json();
    assert_eq!((&versions["total_count"], &versions["data"][0]["version"]), (&json!(2), &json!(2)));
    let listed = client.get("/api/v1/presets").await.json();
    assert_eq!((&listed["total_count"], &listed["data"][0]["slug"]), (&json!(1), &json!("brief")));
    let deleted = client.read(client.request(Method::DELETE, "/v1/presets/brief", "")).await;
    assert_eq!(deleted.json(), json!({"deleted": true}));
    assert_eq!(client.get("/v1/presets/brief").await.status, 404);
    assert_eq!(client.chat(&ask("@preset/brief", "Hi")).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_preset_is_refused() {
    let pair = pair().await;
    for model in ["@preset/none", "@preset/", "@preset/a/b", "a@preset/x@preset/y"] {
        let answer = pair.router.client().chat(&ask(model, "Hi")).await;
        assert_eq!(answer.status, 400, "{model}: {}", answer.text());
        assert_eq!(answer.json()["error"]["param"], "preset", "{model}: {}", answer.text());
    }
    let mut both = ask("test/open@preset/brief", "Hi");
    both["preset"] = "other".into();
    let answer = pair.router.client().chat(&both).await;
    assert!(answer.text().contains("two presets"), "{}", answer.text());
    for (path, body, status) in [
        ("bad/chat/completions", json!({"temperature": "hot"}), 400),
        ("bad/chat/completions", json!({"model": "@preset/brief"}), 400),
        ("bad/chat/completions", json!({"model": "m", "stop": ["x".repeat(70_000)]}), 413),
        ("b%20d/chat/completions", json!({"model": "m"}), 404),
        ("bad/versions", json!({}), 405),
    ] {
        let answer = save(&pair.router, path, &body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    assert_eq!(pair.router.client().get("/v1/presets/bad").await.status, 404);
    assert_eq!(pair.router.client().get("/v1/presets?limit=1000").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn presets_are_managed_from_the_routers_own_machine_unless_opened() {
    for (toml, status) in [("", 403), ("[server]\nopen_presets = true", 200)] {
        let pair = Pair::with(Behaviour::new(), toml).await;
        let client = pair.router.client();
        let mut request = client.request(Method::GET, "/v1/presets", "");
        request.headers_mut().insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
        assert_eq!(client.read(request).await.status, status);
    }
}
