//! What the administration is sent, and should not be.

use super::{Office, send};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

/// Sends a body as it is, with the management key.
async fn sent(office: &Office, method: Method, path: &str, body: &str) -> plugway_tests::Answer {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {}", office.manager).parse().unwrap());
    send(&office.router.client(), method, path, headers, body.to_owned()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_by_its_name() {
    let office = Office::open().await;
    let key = |rest: &str| format!(r#"{{"name":"app",{rest}}}"#);
    let long = format!(r#""name":"{}""#, "n".repeat(256));
    for (body, param) in [
        (key(r#""limit":-1"#), "limit"),
        (key(r#""limit":-0.5e1"#), "limit"),
        (key(r#""limit":1e400"#), "limit"),
        (key(r#""limit":NaN"#), "limit"),
        (key(r#""limit":"5""#), "limit"),
        (key(r#""limit":0.0000000000001"#), "limit"),
        (key(r#""limit":1000000000.01"#), "limit"),
        (key(r#""limit":true"#), "limit"),
        (key(r#""limit":[]"#), "limit"),
        (key(r#""limit_reset":"yearly""#), "limit_reset"),
        (key(r#""limit_reset":"lifetime""#), "limit_reset"),
        (key(r#""expires_at":"tomorrow""#), "expires_at"),
        (key(r#""expires_at":"2099-01-01T00:00:00+02:00""#), "expires_at"),
        (key(r#""expires_at":"2001-01-01T00:00:00Z""#), "expires_at"),
        (key(r#""expires_at":17"#), "expires_at"),
        (key(r#""requests_per_minute":0"#), "requests_per_minute"),
        (key(r#""requests_per_minute":-5"#), "requests_per_minute"),
        (key(r#""tokens_per_minute":1.5"#), "tokens_per_minute"),
        (key(r#""tokens_per_minute":99999999999999999999"#), "tokens_per_minute"),
        (key(r#""concurrent_requests":1000000001"#), "concurrent_requests"),
        (key(r#""allowed_models":[]"#), "allowed_models"),
        (key(r#""allowed_models":["a*"]"#), "allowed_models"),
        (key(r#""allowed_models":["a/b","a/b"]"#), "allowed_models"),
        (key(r#""tags":["a\nb"]"#), "tags"),
        (key(r#""preset":"""#), "preset"),
        (key(r#""options":[1]"#), "options"),
        (key(r#""workspace_id":null"#), "workspace_id"),
        (key(r#""is_management_key":"yes""#), "is_management_key"),
        (key(r#""limits":5"#), "limits"),
        (key(r#""name":"again""#), "name"),
        (format!("{{{long}}}"), "name"),
        (r#"{"name":""}"#.to_owned(), "name"),
        (r#"{"name":"a\u0000b"}"#.to_owned(), "name"),
        (r#"{"limit":5}"#.to_owned(), "name"),
    ] {
        let refused = sent(&office, Method::POST, "/v1/keys", &body).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.text());
        assert_eq!(refused.json()["error"]["param"], param, "{body}: {}", refused.text());
    }
    for body in ["", "[]", "null", "{", "{\"name\":\"a\"}}", "\u{feff}{}"] {
        let refused = sent(&office, Method::POST, "/v1/keys", body).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.text());
    }
    let large = format!(r#"{{"name":"{}"}}"#, "n".repeat(70_000));
    assert_eq!(sent(&office, Method::POST, "/v1/keys", &large).await.status, 413);
    assert_eq!(office.get("/v1/keys").await["total_count"], 1, "one of them was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_sent_by_mistake_is_not_told_back() {
    let office = Office::open().await;
    let secret = "sk-live-0123456789";
    for body in [
        format!(r#"{{"name":"a","limit":"{secret}"}}"#),
        format!(r#"{{"name":"a","disabled":"{secret}"}}"#),
        format!(r#"{{"name":"a","expires_at":"{secret}"}}"#),
        format!(r#"{{"name":"a","limit_reset":"{secret}"}}"#),
        format!(r#"{{"name":["{secret}"]}}"#),
        format!(r#"{{"name":"{secret}" "#),
    ] {
        let refused = sent(&office, Method::POST, "/v1/keys", &body).await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(!refused.text().contains(secret), "{}", refused.text());
    }
}

/// Texts that mean something to databases, shells, headers and terminals.
const TROUBLE: [&str; 8] = [
    "'; DROP TABLE keys; --",
    "\" OR \"\"=\"",
    "$1) OR 1=1 --",
    "%00%0d%0aset-cookie: x",
    "{{7*7}}${7*7}<script>",
    "../../etc/passwd",
    "\u{202e}gnp.exe",
    "naïve 🦀 名前",
];

#[tokio::test(flavor = "multi_thread")]
async fn names_are_data_whatever_is_in_them() {
    let office = Office::open().await;
    for (at, name) in TROUBLE.into_iter().enumerate() {
        let made = office.done(Method::POST, "/v1/keys", &json!({"name": name})).await;
        let hash = made["data"]["hash"].as_str().unwrap();
        let told = office.get(&format!("/v1/keys/{hash}")).await;
        assert_eq!(told["data"]["name"], name);
        let body = json!({"name": name, "slug": format!("team-{at}")});
        let made = office.done(Method::POST, "/v1/workspaces", &body).await;
        assert_eq!(made["data"]["name"], name);
    }
    let keys = office.get("/v1/keys").await;
    assert_eq!(keys["total_count"], TROUBLE.len() + 1);
    // A header cannot be made of it either.
    let body = json!({"name": "a\r\nset-cookie: x=1"}).to_string();
    let refused = sent(&office, Method::POST, "/v1/keys", &body).await;
    assert_eq!(refused.status, 400);
    assert!(refused.headers.get("set-cookie").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_none_find_nothing_and_do_nothing() {
    let office = Office::open().await;
    let (_, hash) = office.key(&json!({"name": "app"})).await;
    let upper = hash.to_uppercase();
    let begin = &hash[..12];
    for id in [
        "'%20OR%20'1'='1",
        "%25",
        "_",
        "*",
        "null",
        "..",
        "%2e%2e%2f",
        "%00",
        "default'--",
        "1;DELETE%20FROM%20keys",
        &upper,
        begin,
        &"a".repeat(4000),
    ] {
        for place in ["keys", "workspaces", "byok"] {
            for method in [Method::GET, Method::PATCH, Method::DELETE] {
                let path = format!("/v1/{place}/{id}");
                let body = if method == Method::PATCH { "{}" } else { "" };
                let refused = sent(&office, method.clone(), &path, body).await;
                assert_eq!(refused.status, 404, "{method} {path}: {}", refused.text());
            }
        }
        let path = format!("/v1/keys?workspace_id={id}");
        let page = sent(&office, Method::GET, &path, "").await;
        assert!([400, 404].contains(&page.status.as_u16()), "{path}: {}", page.text());
    }
    assert_eq!(office.get("/v1/keys").await["total_count"], 2);
    assert_eq!(office.get("/v1/workspaces").await["total_count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_takes_its_own_methods_and_says_which() {
    let office = Office::open().await;
    for (path, allowed) in [
        ("/v1/keys", "GET, HEAD, POST"),
        ("/v1/keys/x", "GET, HEAD, PATCH, DELETE"),
        ("/v1/key", "GET, HEAD"),
        ("/v1/workspaces/x/budgets/daily", "GET, HEAD, PUT, DELETE"),
        ("/openapi.json", "GET, HEAD"),
    ] {
        for method in [Method::TRACE, Method::OPTIONS, Method::from_bytes(b"QUERY").unwrap()] {
            let refused = office.manage(method.clone(), path, &Value::Null).await;
            assert_eq!(refused.status, 405, "{method} {path}");
            assert_eq!(refused.header("allow"), Some(allowed), "{method} {path}");
        }
    }
}
