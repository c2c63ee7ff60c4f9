//! Who is let in, and by which header.

use super::{Office, call, send};
use crate::setup::{Pair, ask};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use plugway_simulator::Behaviour;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn before_any_key_was_made_this_machine_chats_and_administers() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    assert_eq!(client.chat(&ask("test/open", "Hi")).await.status, 200);
    assert_eq!(client.get("/v1/keys").await.json()["total_count"], 0);
    for (name, value) in [
        ("x-forwarded-for", "192.0.2.1"),
        ("host", "evil.example"),
        ("origin", "https://evil.example"),
    ] {
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )]);
        let body = json!({"name": "theirs"}).to_string();
        let refused = send(&client, Method::POST, "/v1/keys", headers, body).await;
        assert_eq!(refused.status, 403, "{name}");
    }
    assert_eq!(client.get("/v1/keys").await.json()["total_count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_a_key_was_made_everybody_needs_one() {
    let office = Office::open().await;
    let client = office.router.client();
    assert_eq!(office.chat(None).await.status, 401);
    assert_eq!(office.chat(Some("sk-plugway-v1-unknown")).await.status, 401);
    for path in ["/v1/keys", "/v1/workspaces", "/v1/byok", "/v1/credits", "/v1/key"] {
        assert_eq!(client.get(path).await.status, 401, "{path}");
    }
    assert_eq!(client.get("/v1/generation?id=gen-x").await.status, 401);
    for path in ["/v1/models", "/v1/providers", "/healthz", "/readyz", "/metrics", "/openapi.json"]
    {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
    // Also when it is gone again: to lose the last one must not open the door.
    let keys = office.get("/v1/keys").await;
    let hash = keys["data"][0]["hash"].as_str().unwrap().to_owned();
    office.done(Method::DELETE, &format!("/v1/keys/{hash}"), &Value::Null).await;
    assert_eq!(office.chat(None).await.status, 401);
    assert_eq!(client.get("/v1/keys").await.status, 401);
    assert_eq!(office.upstream.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_network_authenticates_a_key_is_welcome_and_not_needed() {
    let office =
        Office::open_at("server.require_keys = false", plugway_routing::Clock::machine()).await;
    let (key, hash) = office.key(&json!({"name": "app"})).await;
    assert_eq!(office.chat(None).await.status, 200);
    assert_eq!(office.chat(Some("dummy")).await.status, 200);
    assert_eq!(office.chat(Some(&key)).await.status, 200);
    let path = format!("/v1/keys/{hash}");
    office.done(Method::PATCH, &path, &json!({"disabled": true})).await;
    assert_eq!(office.chat(Some(&key)).await.status, 401);
    // Keys and money are another matter.
    assert_eq!(office.router.client().get("/v1/keys").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_taken_wherever_clients_of_each_format_put_it() {
    let office = Office::open().await;
    let (key, _) = office.key(&json!({"name": "app"})).await;
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let chat = json!({"model": "test/open", "messages": messages});
    let message = json!({"model": "test/open", "max_tokens": 9, "messages": messages});
    let response = json!({"model": "test/open", "input": "Hi"});
    let local = json!({"model": "test/open", "stream": false, "messages": messages});
    let contents = json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]});
    let bearer = format!("Bearer {key}");
    let gemini = "/v1beta/models/test%2Fopen:generateContent";
    let client = office.router.client();
    for (path, body, header, value) in [
        ("/v1/chat/completions", &chat, "authorization", &bearer),
        ("/v1/chat/completions", &chat, "x-api-key", &key),
        ("/v1/responses", &response, "authorization", &bearer),
        ("/v1/messages", &message, "x-api-key", &key),
        ("/v1/messages", &message, "authorization", &bearer),
        ("/api/chat", &local, "authorization", &bearer),
        (gemini, &contents, "x-goog-api-key", &key),
        (&*format!("{gemini}?alt=json&key={key}"), &contents, "x-other", &key),
    ] {
        let mut headers = HeaderMap::new();
        let body = body.to_string();
        let refused = send(
            &client,
            Method::POST,
            path.split('?').next().unwrap(),
            headers.clone(),
            body.clone(),
        )
        .await;
        assert_eq!(refused.status, 401, "{path}");
        headers.insert(header, value.parse().unwrap());
        let answer = send(&client, Method::POST, path, headers, body).await;
        assert_eq!(answer.status, 200, "{path} {header}: {}", answer.text());
    }
    // The key is the router's, and goes no further.
    for request in office.upstream.requests() {
        let sent = format!("{request:?}");
        assert!(!sent.contains(&key), "{sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_as_each_format_tells_it() {
    let office = Office::open().await;
    let client = office.router.client();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for (path, pointer, expected) in [
        ("/v1/chat/completions", "/error/code", json!(401)),
        ("/v1/messages", "/error/type", json!("authentication_error")),
        ("/v1beta/models/test%2Fopen:generateContent", "/error/status", json!("UNAUTHENTICATED")),
        ("/v1/responses", "/error/code", json!(401)),
    ] {
        let refused = call(&client, Method::POST, path, None, &json!({})).await;
        let body = refused.json();
        assert_eq!(refused.status, 401, "{path}");
        let told = body.pointer(pointer).unwrap_or(&Value::Null);
        assert!(*told == expected || text(told).is_some(), "{path}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reloading_and_presets_are_for_this_machine_or_a_management_key() {
    let office = Office::open().await;
    let client = office.router.client();
    let (key, _) = office.key(&json!({"name": "app"})).await;
    let body = ask("test/open", "Hi").to_string();
    for (key, is_forwarded, status) in [
        (None, false, 200),
        (None, true, 403),
        (Some(&key), true, 403),
        (Some(&office.manager), true, 200),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            headers.insert("authorization", format!("Bearer {key}").parse().unwrap());
        }
        if is_forwarded {
            headers.insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
        }
        for path in ["/admin/reload", "/v1/presets/brief/chat/completions"] {
            let answer = send(&client, Method::POST, path, headers.clone(), body.clone()).await;
            assert_eq!(answer.status, status, "{path} {headers:?}: {}", answer.text());
        }
    }
}
