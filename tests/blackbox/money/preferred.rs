//! What a key may use, and what holds for its requests where they do not say.

use super::books::{PATIENCE, TestKey, balanced, chat, code, make_key, with_key};
use crate::setup::{Pair, ask};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use plugway::account::issue::NewKey;
use plugway_accounts::KeySettings;
use plugway_simulator::Behaviour;
use plugway_tests::{Client, Play, RawUpstream, TestRouter};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn key(router: &TestRouter, settings: Value) -> TestKey {
    let settings: KeySettings = serde_json::from_value(settings).unwrap();
    settings.validate().unwrap();
    make_key(router, NewKey { settings, ..NewKey::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_reaches_the_models_and_providers_that_it_may_use_and_no_others() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    // What is said, the models that are served, and what names the refusal.
    for (settings, [open, anth], field) in [
        (json!({}), [true, true], ""),
        (json!({"allowed_models": ["test/open"]}), [true, false], "allowed_models"),
        (json!({"allowed_models": ["test/*"]}), [true, true], ""),
        (json!({"allowed_models": ["other/*"]}), [false, false], "allowed_models"),
        (json!({"ignored_models": ["test/anth"]}), [true, false], "ignored_models"),
        (
            json!({"allowed_models": ["test/*"], "ignored_models": ["test/open"]}),
            [false, true],
            "ignored_models",
        ),
        (json!({"allowed_providers": ["anth"]}), [false, true], "allowed_providers"),
    ] {
        let key = key(&pair.router, settings.clone()).await;
        for (model, is_served) in [("test/open", open), ("test/anth", anth)] {
            let answer = chat(&client, &key, &ask(model, "Hi")).await;
            assert_eq!(answer.status == 200, is_served, "{settings} {model}: {}", answer.text());
            if !is_served {
                assert_eq!(answer.status, 404, "{settings} {model}: {}", answer.text());
                let named = format!("the key's {field}");
                assert!(answer.text().contains(&named), "{settings}: {}", answer.text());
            }
        }
        // Where one may be used, a list of both is served by it.
        let both = json!({"models": ["test/open", "test/anth"],
            "messages": [{"role": "user", "content": "Hi"}]});
        let answer = chat(&client, &key, &both).await;
        assert_eq!(answer.status == 200, open || anth, "{settings}: {}", answer.text());
    }
    balanced(&pair.router).await;
}

async fn save_preset(router: &TestRouter, slug: &str, body: Value) {
    let client = router.client();
    let path = format!("/v1/presets/{slug}/chat/completions");
    let saved = client.read(client.request(Method::POST, &path, body.to_string())).await;
    assert_eq!(saved.status, 200, "{}", saved.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_a_preset_for_requests_that_name_none() {
    let pair = Pair::start(Behaviour::new()).await;
    save_preset(&pair.router, "warm", json!({"model": "test/open", "temperature": 0.75})).await;
    save_preset(&pair.router, "cold", json!({"model": "test/open", "temperature": 0.25})).await;
    let key = key(&pair.router, json!({"preset": "warm"})).await;
    let client = pair.router.client();
    let mut own = ask("test/open", "Hi");
    own["temperature"] = 0.125.into();
    let mut by_field = ask("test/open", "Hi");
    by_field["preset"] = "cold".into();
    for (body, expected) in [
        (ask("test/open", "Hi"), 0.75),
        (own, 0.125),
        (by_field, 0.25),
        (ask("@preset/cold", "Hi"), 0.25),
        (ask("test/open@preset/cold", "Hi"), 0.25),
    ] {
        let answer = chat(&client, &key, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = pair.open.requests().last().unwrap().json();
        assert_eq!(sent["temperature"], expected, "{body}: {sent}");
    }
    balanced(&pair.router).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_strategy_is_the_requests_then_the_keys_then_the_presets_then_the_configured() {
    let toml = "[routing]\nstrategies = [\"balanced\"]\n";
    let pair = Pair::with(Behaviour::new(), toml).await;
    let said = json!({"model": "test/open", "provider": {"strategy": "latency"}});
    save_preset(&pair.router, "quick", said).await;
    let none = key(&pair.router, json!({})).await;
    let cheap = key(&pair.router, json!({"strategy": "price"})).await;
    let client = pair.router.client();
    let mut asked = ask("test/open", "Hi");
    asked["provider"] = json!({"strategy": "throughput"});
    let mut asked_preset = ask("@preset/quick", "Hi");
    asked_preset["provider"] = json!({"strategy": "throughput"});
    for (key, body, expected) in [
        (&none, ask("test/open", "Hi"), "balanced"),
        (&none, ask("@preset/quick", "Hi"), "latency"),
        (&cheap, ask("test/open", "Hi"), "price"),
        (&cheap, ask("@preset/quick", "Hi"), "price"),
        (&cheap, asked, "throughput"),
        (&cheap, asked_preset, "throughput"),
    ] {
        let answer = chat(&client, key, &body).await;
        let chooser = answer.header("x-plugway-strategy").unwrap_or_default();
        let chooser = chooser.split('@').next().unwrap_or_default();
        assert_eq!(chooser, expected, "{body}: {}", answer.text());
    }
    // Options are the strategy's that they stand beside.
    let wrong = key(&pair.router, json!({"strategy": "price", "options": {"exponents": 1}})).await;
    let refused = chat(&client, &wrong, &ask("test/open", "Hi")).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.text().contains("exponents"), "{}", refused.text());
    let mut other = ask("test/open", "Hi");
    other["provider"] = json!({"strategy": "throughput"});
    assert_eq!(chat(&client, &wrong, &other).await.status, 200);
    // Where they stand alone, they are of the one that holds.
    let alone = key(&pair.router, json!({"options": {"exponents": 1}})).await;
    let mut named = ask("test/open", "Hi");
    named["provider"] = json!({"strategy": "price"});
    for body in [named, ask("test/open", "Hi")] {
        let refused = chat(&client, &alone, &body).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(refused.text().contains("exponents"), "{}", refused.text());
    }
    balanced(&pair.router).await;
}

/// A router that passes sound on, with more of its provider's table.
async fn relaying(upstream: &RawUpstream, more: &str) -> TestRouter {
    let toml = format!(
        "[providers.loud]\nadapter = \"openai\"\nbase_url = \"{}\"\napi_key_env = \"TEST_KEY\"\n\
         relay = [\"/audio\"]\n{more}\n",
        upstream.base_url()
    );
    TestRouter::start(&toml).await
}

const SOUND: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nsound";

fn speak(client: &Client, key: &TestKey) -> Request<Full<Bytes>> {
    with_key(client, key, "/v1/providers/loud/audio/speech", &json!({}))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_read_is_not_passed_on_for_a_key_that_is_held_to_what_it_says() {
    let upstream = RawUpstream::start().await;
    upstream.play([Play::write(SOUND)]);
    let router = relaying(&upstream, "").await;
    let client = router.client();
    let limit = Some(1_000_000_000_000);
    let budgeted = make_key(&router, NewKey { limit, ..NewKey::default() }).await;
    let refused = [
        (budgeted, "a key with a budget"),
        (key(&router, json!({"tokens_per_minute": 1000})).await, "a key with a limit of tokens"),
        (key(&router, json!({"allowed_models": ["a/*"]})).await, "a key with a list of models"),
        (key(&router, json!({"ignored_models": ["a/*"]})).await, "a key with a list of models"),
        (
            key(&router, json!({"allowed_providers": ["quiet"]})).await,
            "not use the provider `loud`",
        ),
    ];
    for (key, part) in &refused {
        let answer = client.read(speak(&client, key)).await;
        assert_eq!(answer.status, 403, "{part}: {}", answer.text());
        assert!(answer.text().contains(part), "{}", answer.text());
    }
    let free =
        json!({"requests_per_minute": 9, "concurrent_requests": 9, "allowed_providers": ["loud"]});
    let free = key(&router, free).await;
    let answer = client.read(speak(&client, &free)).await;
    assert_eq!((answer.status.as_u16(), &*answer.text()), (200, "sound"));
    assert_eq!(upstream.requests().len(), 1);
    balanced(&router).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_passed_on_counts_towards_the_limits_of_its_provider() {
    let upstream = RawUpstream::start().await;
    upstream.play([Play::write(SOUND)]);
    let router = relaying(&upstream, "requests_per_minute = 2").await;
    let client = router.client();
    let key = key(&router, json!({})).await;
    for _ in 0..2 {
        assert_eq!(client.read(speak(&client, &key)).await.status, 200);
    }
    let refused = client.read(speak(&client, &key)).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.text().contains("2 requests per minute"), "{}", refused.text());
    assert!(refused.header("retry-after").is_some());
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_passed_on_keeps_its_place_at_the_provider_until_its_answer_has_ended() {
    let upstream = RawUpstream::start().await;
    // The rest of the first answer never comes.
    let beginning = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nso";
    upstream.play([Play::write(beginning), Play::Hang]);
    let router = relaying(&upstream, "concurrent_requests = 1").await;
    let client = router.client();
    let key = key(&router, json!({})).await;
    let held = client.send(speak(&client, &key)).await;
    assert_eq!(held.status(), 200);
    let refused = client.read(speak(&client, &key)).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.text().contains("1 requests at a time"), "{}", refused.text());
    upstream.play([Play::write(SOUND)]);
    drop(held);
    let began = Instant::now();
    while client.read(speak(&client, &key)).await.status != 200 {
        assert!(began.elapsed() < PATIENCE, "the place was not given back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn to_count_a_prompt_costs_nothing_where_nothing_is_left() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    let poor = make_key(&pair.router, NewKey { limit: Some(0), ..NewKey::default() }).await;
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let body = json!({"model": "test/anth", "messages": messages});
    let counted = client.read(with_key(&client, &poor, "/v1/messages/count_tokens", &body)).await;
    assert_eq!(counted.status, 200, "{}", counted.text());
    assert!(counted.json()["input_tokens"].as_u64() > Some(0), "{}", counted.text());
    let refused = chat(&client, &poor, &ask("test/anth", "Hi")).await;
    assert_eq!((refused.status.as_u16(), &*code(&refused)), (403, "budget_exceeded"));
    balanced(&pair.router).await;
}
