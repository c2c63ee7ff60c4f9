//! What clients may not send, and what they are told.

use crate::setup::{Pair, ask};
use http::Method;
use plugway_simulator::Behaviour;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_names_the_field() {
    let pair = Pair::start(Behaviour::new()).await;
    for (body, status, said) in [
        ("", 400, "JSON"),
        ("{", 400, "JSON"),
        ("[]", 400, "object"),
        (r#"{"model":"test/open"}"#, 400, "messages"),
        (r#"{"messages":[{"role":"user","content":"x"}]}"#, 400, "model"),
        (
            r#"{"model":"test/open","messages":[{"role":"king","content":"x"}]}"#,
            400,
            "messages[0].role",
        ),
        (
            r#"{"model":"test/open","messages":[{"role":"user","content":7}]}"#,
            400,
            "messages[0].content",
        ),
        (
            r#"{"model":"test/open","messages":[{"role":"user","content":"\ud800"}]}"#,
            400,
            "surrogate",
        ),
        (r#"{"model":"test/opem","messages":[{"role":"user","content":"x"}]}"#, 400, "test/open"),
    ] {
        let answer = pair.router.client().post(body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        let text = answer.text();
        assert!(text.contains(said), "{body}: {text}");
        assert!(answer.header("x-generation-id").is_some());
    }
    assert!(pair.open.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_the_bound_is_refused() {
    let pair = Pair::with(Behaviour::new(), "[server]\nmax_body = \"64KiB\"").await;
    let answer = pair.router.client().chat(&ask("test/open", &"x".repeat(65_536))).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_web_page_is_refused() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    for (name, value, status) in [
        ("host", "evil.example", 403),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://localhost:3000", 200),
    ] {
        let body = ask("test/open", "Hi").to_string();
        let mut request = client.request(Method::POST, "/v1/chat/completions", body);
        request.headers_mut().insert(name, value.parse().unwrap());
        let response = client.send(request).await;
        assert_eq!(response.status(), status, "{name}: {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_routes_and_methods_are_refused() {
    let pair = Pair::start(Behaviour::new()).await;
    let client = pair.router.client();
    assert_eq!(client.get("/v1/nothing").await.status, 404);
    let wrong_method = client.get("/v1/chat/completions").await;
    assert_eq!(wrong_method.status, 405);
    assert_eq!(wrong_method.header("allow"), Some("POST"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_adapter_can_express_is_refused_by_name() {
    let pair = Pair::start(Behaviour::new()).await;
    let mut request = ask("test/anth", "Hi");
    request["n"] = json!(3);
    let answer = pair.router.client().chat(&request).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["error"]["metadata"]["code"], "unsupported");
    assert!(pair.anth.requests().is_empty());
}
