//! The life of a key.

use super::{Office, call, holds, send};
use crate::setup::ask;
use http::{HeaderMap, Method};
use plugway_routing::Clock;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_kept_as_its_hash() {
    let office = Office::open().await;
    let (key, hash) = office.key(&json!({"name": "app"})).await;
    assert!(key.starts_with("sk-plugway-v1-"), "{key}");
    assert_eq!(office.chat(Some(&key)).await.status, 200);
    let secret = key.trim_start_matches("sk-plugway-v1-");
    for path in ["/v1/keys", &format!("/v1/keys/{hash}"), "/v1/workspaces", "/metrics", "/readyz"] {
        let told = office.get_text(path).await;
        assert!(!told.contains(secret), "{path}: {told}");
    }
    let kept = office.bytes_on_disk();
    assert!(holds(&kept, &hash), "the key is not kept at all");
    for secret in [secret, office.manager.trim_start_matches("sk-plugway-v1-")] {
        assert!(!holds(&kept, secret), "the key itself is on disk");
        // Nor any large part of it.
        assert!(!holds(&kept, &secret[8..40]), "part of the key is on disk");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_told_as_openrouter_tells_it_with_exact_amounts() {
    let office = Office::open().await;
    let body = json!({
        "name": "app", "limit_reset": "monthly", "include_byok_in_limit": true,
        "expires_at": "2099-12-31T23:59:59Z", "creator_user_id": "me", "tags": ["a", "b"],
        "requests_per_minute": 60, "tokens_per_minute": 100_000, "concurrent_requests": 4,
        "allowed_models": ["test/*"], "ignored_models": ["test/other"],
        "allowed_providers": ["open"], "preset": "brief", "strategy": "price",
        "options": {"weight": 0.25},
    });
    // Whoever prints it as a float prints another number.
    let body = body.to_string().replacen('{', r#"{"limit":1234567.000000000001,"#, 1);
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {}", office.manager).parse().unwrap());
    let client = office.router.client();
    let made = send(&client, Method::POST, "/v1/keys", headers, body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert!(made.text().contains(r#""limit":1234567.000000000001,"#), "{}", made.text());
    assert!(made.text().contains(r#""limit_remaining":1234567.000000000001,"#));
    let told = &made.json()["data"];
    for (field, expected) in [
        ("limit_reset", json!("monthly")),
        ("include_byok_in_limit", json!(true)),
        ("expires_at", json!("2099-12-31T23:59:59.000Z")),
        ("creator_user_id", json!("me")),
        ("workspace_id", json!("default")),
        ("disabled", json!(false)),
        ("updated_at", Value::Null),
        ("usage", json!(0)),
        ("byok_usage_monthly", json!(0)),
        ("tags", json!(["a", "b"])),
        ("concurrent_requests", json!(4)),
        ("allowed_models", json!(["test/*"])),
        ("ignored_models", json!(["test/other"])),
        ("options", json!({"weight": 0.25})),
    ] {
        assert_eq!(told[field], expected, "{field}");
    }
    let hash = told["hash"].as_str().unwrap();
    assert_eq!(&office.get(&format!("/v1/keys/{hash}")).await["data"], told);
}

#[tokio::test(flavor = "multi_thread")]
async fn null_takes_a_setting_away_and_leaving_it_out_leaves_it() {
    let office = Office::open().await;
    let body = json!({
        "name": "app", "limit": 5, "limit_reset": "daily", "requests_per_minute": 9,
        "expires_at": "2099-01-01T00:00:00Z", "allowed_models": ["a/b"], "tags": ["x"],
    });
    let (_, hash) = office.key(&body).await;
    let path = format!("/v1/keys/{hash}");
    let same = office.done(Method::PATCH, &path, &json!({})).await["data"].clone();
    assert_eq!((&same["limit"], &same["limit_reset"]), (&json!(5), &json!("daily")));
    assert_eq!(same["requests_per_minute"], 9);
    let named = office.done(Method::PATCH, &path, &json!({"name": "other"})).await;
    assert_eq!(named["data"]["name"], "other");
    assert_eq!(named["data"]["allowed_models"], json!(["a/b"]));
    let change = json!({
        "limit": null, "limit_reset": null, "requests_per_minute": null, "expires_at": null,
        "allowed_models": null, "tags": null,
    });
    let bare = office.done(Method::PATCH, &path, &change).await["data"].clone();
    for field in [
        "limit",
        "limit_remaining",
        "limit_reset",
        "requests_per_minute",
        "expires_at",
        "allowed_models",
    ] {
        assert_eq!(bare[field], Value::Null, "{field}");
    }
    assert_eq!((&bare["tags"], &bare["name"]), (&json!([]), &json!("other")));
    // What cannot be null says so.
    let refused = office.manage(Method::PATCH, &path, &json!({"disabled": null})).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(refused.json()["error"]["param"], "disabled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_or_disabled_key_is_refused_at_once() {
    let office = Office::open().await;
    let (key, hash) = office.key(&json!({"name": "app"})).await;
    let path = format!("/v1/keys/{hash}");
    for (disabled, status) in [(true, 401), (false, 200)] {
        office.done(Method::PATCH, &path, &json!({"disabled": disabled})).await;
        let answer = office.chat(Some(&key)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    office.done(Method::DELETE, &path, &Value::Null).await;
    let refused = office.chat(Some(&key)).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["error"]["metadata"]["error_type"], "authentication");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    assert_eq!(office.upstream.requests().len(), 1);
    // It is gone for all, and its name is free.
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(office.manage(method, &path, &Value::Null).await.status, 404);
    }
    office.key(&json!({"name": "app"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_another_process_revokes_is_refused_soon() {
    let office = Office::open().await;
    let (key, hash) = office.key(&json!({"name": "app"})).await;
    assert_eq!(office.chat(Some(&key)).await.status, 200);
    assert!(office.store().await.delete_key(&hash, 1).await.unwrap());
    let refused = async {
        while office.chat(Some(&key)).await.status != 401 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // A second is promised, and what the machine takes for its part is nobody's.
    tokio::time::timeout(Duration::from_secs(2), refused).await.expect("it is served still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_when_it_was_said_to() {
    let clock = Clock::stopped(Duration::from_secs(1_800_000_000));
    let office = Office::open_at("", clock.clone()).await;
    let body = json!({"name": "guest", "expires_at": "2027-01-15T08:00:10Z"});
    let (key, hash) = office.key(&body).await;
    clock.advance(Duration::from_millis(9_999));
    assert_eq!(office.chat(Some(&key)).await.status, 200);
    clock.advance(Duration::from_millis(1));
    let refused = office.chat(Some(&key)).await;
    assert_eq!(refused.status, 401);
    assert!(refused.text().contains("expired"), "{}", refused.text());
    // It can be given more time, but none that is over.
    let path = format!("/v1/keys/{hash}");
    let past = json!({"expires_at": "2027-01-15T08:00:10Z"});
    assert_eq!(office.manage(Method::PATCH, &path, &past).await.status, 400);
    office.done(Method::PATCH, &path, &json!({"expires_at": "2027-01-15T08:00:11Z"})).await;
    assert_eq!(office.chat(Some(&key)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn management_keys_do_not_chat_and_other_keys_do_not_manage() {
    let office = Office::open().await;
    let refused = office.chat(Some(&office.manager)).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["error"]["metadata"]["error_type"], "permission_denied");
    let client = office.router.client();
    for path in [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/embeddings",
        "/v1/rerank",
        "/v1beta/models/test%2Fopen:generateContent",
        "/v1beta/models/test%2Fopen:streamGenerateContent",
        "/v1beta/models/test%2Fopen:countTokens",
        "/v1beta/models/test%2Fopen:embedContent",
        "/v1/providers/open/audio/speech",
        "/api/chat",
        "/api/generate",
        "/api/embed",
        "/api/embeddings",
        "/api/show",
    ] {
        let body = ask("test/open", "Hi");
        let refused = call(&client, Method::POST, path, Some(&office.manager), &body).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.text());
        assert!(refused.text().contains("Management keys cannot"), "{path}: {}", refused.text());
    }
    let (key, hash) = office.key(&json!({"name": "app"})).await;
    let operations = for_managers(&client.get("/openapi.json").await.json(), &hash);
    assert!(operations.contains(&(Method::GET, "/v1/activity/export".to_owned())));
    assert!(operations.len() > 20, "{operations:?}");
    for (method, path) in operations {
        let refused = call(&client, method.clone(), &path, Some(&key), &json!({})).await;
        assert_eq!(refused.status, 403, "{method} {path}: {}", refused.text());
        let refused = call(&client, method.clone(), &path, None, &json!({})).await;
        assert_eq!(refused.status, 401, "{method} {path}: {}", refused.text());
    }
    assert_eq!(office.upstream.requests().len(), 0);
    assert_eq!(office.get(&format!("/v1/keys/{hash}")).await["data"]["disabled"], false);
}

/// What the description says is for management keys alone, with this in the places of names.
fn for_managers(description: &Value, name: &str) -> Vec<(Method, String)> {
    let mut found = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        let path = path.split('/').map(|it| if it.starts_with('{') { name } else { it });
        let path = path.collect::<Vec<_>>().join("/");
        for (method, operation) in operations.as_object().unwrap() {
            if operation["security"] == json!([{"management_key": []}]) {
                let method = method.to_uppercase().parse().unwrap();
                found.push((method, path.clone()));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_a_key_is_told_of_it() {
    let office = Office::open().await;
    let (key, _) = office.key(&json!({"name": "app", "limit": 1, "requests_per_minute": 7})).await;
    let client = office.router.client();
    for path in ["/v1/key", "/v1/auth/key", "/api/v1/key"] {
        let told = call(&client, Method::GET, path, Some(&key), &Value::Null).await.json();
        let told = &told["data"];
        assert_eq!((&told["limit"], &told["limit_remaining"]), (&json!(1), &json!(1)), "{path}");
        assert_eq!(
            (&told["is_management_key"], &told["is_free_tier"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(told["rate_limit"]["requests"], 7);
        assert!(told["label"].as_str().unwrap().contains("..."), "{told}");
        assert!(told.get("hash").is_none() && !key.contains(told["label"].as_str().unwrap()));
    }
    let told = office.get("/v1/key").await;
    assert_eq!(told["data"]["is_provisioning_key"], true);
    assert_eq!(call(&client, Method::GET, "/v1/key", None, &Value::Null).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let office = Office::open().await;
    for number in 0..7 {
        office.key(&json!({"name": format!("key {number}")})).await;
    }
    let mut names = Vec::new();
    for offset in [0, 3, 6, 9] {
        let page = office.get(&format!("/v1/keys?offset={offset}&limit=3")).await;
        assert_eq!(page["total_count"], 8);
        names.extend(page["data"].as_array().unwrap().iter().map(|it| it["name"].clone()));
    }
    let all = office.get("/v1/keys?limit=100").await;
    let all: Vec<_> = all["data"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, all);
    names.sort_by_key(ToString::to_string);
    names.dedup();
    assert_eq!(names.len(), 8);
    for query in ["limit=0", "limit=101", "limit=-1", "offset=-1", "offset=x", "offset=1&offset=2"]
    {
        let refused = office.manage(Method::GET, &format!("/v1/keys?{query}"), &Value::Null).await;
        assert_eq!(refused.status, 400, "{query}");
        let param = query.split('=').next().unwrap();
        assert_eq!(refused.json()["error"]["param"], param, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn disabled_keys_and_those_of_one_workspace_can_be_told_apart() {
    let office = Office::open().await;
    let team =
        office.done(Method::POST, "/v1/workspaces", &json!({"name": "T", "slug": "t"})).await;
    let team = team["data"]["id"].as_str().unwrap();
    let (_, hash) = office.key(&json!({"name": "theirs", "workspace_id": team})).await;
    let path = format!("/v1/keys/{hash}");
    office.done(Method::PATCH, &path, &json!({"disabled": true})).await;
    for (query, count) in [
        ("", 2),
        ("?include_disabled=false", 1),
        (&*format!("?workspace_id={team}"), 1),
        (&*format!("?workspace_id={team}&include_disabled=false"), 0),
        ("?workspace_id=default", 1),
    ] {
        let page = office.get(&format!("/v1/keys{query}")).await;
        assert_eq!(page["total_count"], count, "{query}");
    }
}

impl Office {
    async fn get_text(&self, path: &str) -> String {
        self.manage(Method::GET, path, &Value::Null).await.text()
    }
}
