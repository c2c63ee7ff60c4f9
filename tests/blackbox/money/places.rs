//! One key's share of the places, and what is answered while all of them are taken.

use super::books::{PATIENCE, TestKey, balanced, chat, code, known, make_key, with_key};
use crate::setup::{Pair, ask};
use http::Method;
use plugway::account::issue::NewKey;
use plugway_accounts::KeySettings;
use plugway_simulator::Behaviour;
use plugway_tests::{Answer, RawClient};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const PLACES: &str = "[server]\nmax_requests = 4\n";

/// Requests that keep their places for a while.
fn hold(pair: &Pair, key: &TestKey, count: usize) -> Vec<JoinHandle<Answer>> {
    let held = (0..count).map(|_| {
        let (client, key) = (pair.router.client(), key.clone());
        tokio::spawn(async move { chat(&client, &key, &ask("test/open", "Hi")).await })
    });
    held.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_has_half_of_the_places_and_others_the_rest() {
    let pair = Pair::with(Behaviour::new().head_delay_ms(600_000), PLACES).await;
    let greedy = make_key(&pair.router, NewKey::default()).await;
    let modest = make_key(&pair.router, NewKey::default()).await;
    let held = hold(&pair, &greedy, 2);
    pair.open.requests_when(|seen| seen.len() == 2).await;
    let client = pair.router.client();
    for _ in 0..20 {
        let shed = chat(&client, &greedy, &ask("test/open", "Hi")).await;
        assert_eq!((shed.status.as_u16(), &*code(&shed)), (503, "overloaded"), "{}", shed.text());
        assert!(shed.text().contains("server.key_share_percent"), "{}", shed.text());
        assert_eq!(shed.header("retry-after"), Some("1"));
    }
    assert_eq!(known(&pair.router, &greedy).limits.running(), 2);
    let metrics = client.get("/metrics").await.text();
    let counted = "plugway_requests_shed_total{bound=\"key_share\"} 20";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    pair.open.set(Behaviour::new());
    for _ in 0..5 {
        assert_eq!(chat(&client, &modest, &ask("test/open", "Hi")).await.status, 200);
    }
    held.iter().for_each(JoinHandle::abort);
    balanced(&pair.router).await;
    assert_eq!(chat(&client, &greedy, &ask("test/open", "Hi")).await.status, 200);
    balanced(&pair.router).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_finds_no_place_has_used_nothing_of_its_keys_rate() {
    let pair = Pair::with(Behaviour::new().head_delay_ms(600_000), PLACES).await;
    let settings: KeySettings = serde_json::from_value(json!({"requests_per_minute": 3})).unwrap();
    let key = make_key(&pair.router, NewKey { settings, ..NewKey::default() }).await;
    let held = hold(&pair, &key, 2);
    pair.open.requests_when(|seen| seen.len() == 2).await;
    let client = pair.router.client();
    for _ in 0..10 {
        let shed = chat(&client, &key, &ask("test/open", "Hi")).await;
        assert_eq!(&*code(&shed), "overloaded", "{}", shed.text());
    }
    pair.open.set(Behaviour::new());
    held.iter().for_each(JoinHandle::abort);
    balanced(&pair.router).await;
    assert_eq!(chat(&client, &key, &ask("test/open", "Hi")).await.status, 200);
    let limited = chat(&client, &key, &ask("test/open", "Hi")).await;
    assert_eq!(&*code(&limited), "key_limit_exceeded", "{}", limited.text());
    balanced(&pair.router).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_bodies_of_chats_fill_their_room_keys_are_made_and_revoked() {
    let bounds = "[server]\nmax_body = '64KiB'\nmax_buffered = '64KiB'\n";
    let pair = Pair::with(Behaviour::new(), bounds).await;
    let key = make_key(&pair.router, NewKey::default()).await;
    let manager = make_key(&pair.router, NewKey { is_management: true, ..NewKey::default() }).await;
    let client = pair.router.client();
    let mut slow = RawClient::connect(&pair.router).await;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-length: 65536\r\n\r\n",
        key.secret
    );
    assert!(slow.send(head + &" ".repeat(65_000)).await);
    let began = Instant::now();
    // Until all of what was sent is held.
    while chat(&client, &key, &ask("test/open", &"x".repeat(2000))).await.status != 503 {
        assert!(began.elapsed() < PATIENCE, "chats find room still");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let made = json!({"name": "made", "tags": ["x".repeat(60)]});
    let made = client.read(with_key(&client, &manager, "/v1/keys", &made)).await;
    assert_eq!(made.status, 201, "{}", made.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_all_places_are_taken_health_and_administration_are_answered() {
    let pair = Pair::with(Behaviour::new().head_delay_ms(600_000), PLACES).await;
    let keys = [
        make_key(&pair.router, NewKey::default()).await,
        make_key(&pair.router, NewKey::default()).await,
    ];
    let manager = make_key(&pair.router, NewKey { is_management: true, ..NewKey::default() }).await;
    let held: Vec<_> = keys.iter().flat_map(|key| hold(&pair, key, 2)).collect();
    pair.open.requests_when(|seen| seen.len() == 4).await;
    let client = pair.router.client();
    let third = make_key(&pair.router, NewKey::default()).await;
    let shed = chat(&client, &third, &ask("test/open", "Hi")).await;
    assert_eq!(shed.status, 503, "{}", shed.text());
    assert!(shed.text().contains("server.max_requests"), "{}", shed.text());
    for path in ["/healthz", "/readyz", "/metrics", "/v1/models"] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
    for (path, key) in [
        ("/v1/key", &third),
        ("/v1/keys", &manager),
        ("/v1/credits", &manager),
        ("/v1/workspaces", &manager),
        ("/v1/byok", &manager),
    ] {
        let mut request = client.request(Method::GET, path, "");
        let bearer = format!("Bearer {}", key.secret).parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let answer = client.read(request).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    held.iter().for_each(JoinHandle::abort);
    balanced(&pair.router).await;
}
