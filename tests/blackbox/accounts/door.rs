//! Who is let in, and by which header.

use super::{Office, call, send};
use crate::setup::{Pair, ask};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use plugway_simulator::Behaviour;
use serde_json::{Value, json};
use std::time::Duration;

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
        assert_eq!(*told, expected, "{path}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reloading_and_presets_need_a_management_key_once_there_are_keys() {
    let pair = Pair::start(Behaviour::new()).await;
    let body = ask("test/open", "Hi").to_string();
    for path in ["/admin/reload", "/v1/presets/brief/chat/completions"] {
        for (mark, status) in [("x-forwarded-for", 403), ("forwarded", 403), ("x-other", 200)] {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static(mark),
                HeaderValue::from_static("192.0.2.1"),
            )]);
            let client = pair.router.client();
            let answer = send(&client, Method::POST, path, headers, body.clone()).await;
            assert_eq!(answer.status, status, "{path} {mark}: {}", answer.text());
        }
    }
    let office = Office::open().await;
    let client = office.router.client();
    let (key, _) = office.key(&json!({"name": "app"})).await;
    // The key, whether it comes through a proxy, and what writing and reading are answered.
    for (key, is_forwarded, written, read) in [
        (None, false, 401, 401),
        (None, true, 401, 401),
        (Some(&key), false, 403, 200),
        (Some(&key), true, 403, 403),
        (Some(&office.manager), false, 200, 200),
        (Some(&office.manager), true, 200, 200),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            headers.insert("authorization", format!("Bearer {key}").parse().unwrap());
        }
        if is_forwarded {
            headers.insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
        }
        for (method, path, status) in [
            (Method::POST, "/admin/reload", written),
            (Method::POST, "/v1/presets/brief/chat/completions", written),
            (Method::GET, "/v1/presets", read),
        ] {
            let answer = send(&client, method, path, headers.clone(), body.clone()).await;
            assert_eq!(answer.status, status, "{path} {headers:?}: {}", answer.text());
        }
    }
}

/// How a generation is answered to whoever has this key, or none.
async fn generation(office: &Office, id: &str, key: Option<&str>) -> u16 {
    let path = format!("/v1/generation?id={id}");
    let answer = call(&office.router.client(), Method::GET, &path, key, &Value::Null).await;
    answer.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_request_is_told_in_its_workspace_alone_with_and_without_a_row() {
    // The ledger forgets at once what the records of decisions still know.
    let clock = plugway_routing::Clock::stopped(Duration::from_secs(1_800_000_000));
    let toml = "accounting.keep_for = '1h'\n";
    let office = Office::open_at(toml, clock.clone()).await;
    for name in ["one", "two"] {
        let body = json!({"name": name, "slug": name});
        office.done(Method::POST, "/v1/workspaces", &body).await;
    }
    let (ours, _) = office.key(&json!({"name": "ours", "workspace_id": "one"})).await;
    let (beside, _) = office.key(&json!({"name": "beside", "workspace_id": "one"})).await;
    let (theirs, _) = office.key(&json!({"name": "theirs", "workspace_id": "two"})).await;
    let client = office.router.client();
    let mut ids = Vec::new();
    // One that is served, and one that never leaves.
    for model in ["test/open", "test/nobody"] {
        let chat = "/v1/chat/completions";
        let body = ask(model, "Hi");
        let answer = call(&client, Method::POST, chat, Some(&ours), &body).await;
        ids.push(answer.header("x-generation-id").unwrap().to_owned());
    }
    let check = async |when: &str| {
        for id in &ids {
            for (key, status) in [
                (Some(&*ours), 200),
                (Some(&*beside), 200),
                (Some(&*office.manager), 200),
                (Some(&*theirs), 404),
                (None, 401),
            ] {
                assert_eq!(generation(&office, id, key).await, status, "{when} {id}");
            }
        }
    };
    check("with a row").await;
    clock.advance(Duration::from_secs(3601));
    check("without one").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_key_is_needed_whoever_has_none_is_told_what_was_asked_without_one() {
    let office =
        Office::open_at("server.require_keys = false", plugway_routing::Clock::machine()).await;
    let (key, _) = office.key(&json!({"name": "app"})).await;
    let id = async |key| office.chat(key).await.header("x-generation-id").unwrap().to_owned();
    let (with_key, without) = (id(Some(&*key)).await, id(None).await);
    for (id, key, status) in [
        (&with_key, Some(&*key), 200),
        (&with_key, Some("dummy"), 404),
        (&with_key, None, 404),
        (&without, None, 200),
        // It was asked in the default workspace, which is the key's too.
        (&without, Some(&*key), 200),
        (&without, Some(&*office.manager), 200),
    ] {
        assert_eq!(generation(&office, id, key).await, status, "{id} {key:?}");
    }
}
