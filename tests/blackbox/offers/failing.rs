//! What happens when a provider cannot do what is asked for, or fails at it.

use super::{MODEL, Scene, reasons, two_texts, two_vectors};
use crate::wire::json_response;
use plugway_tests::{LogLines, Play};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_provider_is_passed_over_before_anything_was_told() {
    let scene = Scene::start(&["openai-compatible", "openai-compatible"]).await;
    scene.upstreams[1].play([Play::write(json_response(&two_vectors())), Play::Close]);
    let error = json!({"error": {"message": "down"}});
    let one = json!({"data": [{"index": 0, "embedding": [1.0]}]});
    let mut none = two_vectors();
    none["data"][1]["embedding"] = json!([]);
    for (status, body) in [
        ("500 Internal Server Error", &error),
        // One vector for two texts, and a vector of nothing.
        ("200 OK", &one),
        ("200 OK", &none),
        ("200 OK", &json!("nonsense")),
    ] {
        scene.fails(0, status, body);
        let mut request = two_texts();
        // The order of the endpoints, whatever happened before.
        request["provider"] = json!({"order": ["p1", "p2"]});
        let answer = scene.post("/v1/embeddings", &request).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        assert_eq!(answer.json()["provider"], "p2");
        let line = LogLines::access(answer.header("x-generation-id").unwrap()).await;
        let attempts = line["attempts"].as_str().unwrap();
        assert!(attempts.starts_with("p1/upstream-p1:provider_unavailable:"), "{attempts}");
        assert!(attempts.contains(" p2/upstream-p2:ok:"), "{attempts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_asks_for_a_pause_gets_it() {
    let scene = Scene::start(&["openai-compatible"]).await;
    let error = json!({"error": {"message": "slow down", "type": "rate_limit_error"}});
    scene.fails(0, "429 Too Many Requests\r\nretry-after: 30", &error);
    let answer = scene.post("/v1/embeddings", &two_texts()).await;
    assert_eq!(answer.status, 429, "{}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(error["metadata"]["error_type"], "rate_limit_exceeded");
    assert_eq!(answer.header("retry-after"), Some("30"));
    let asked = scene.upstreams[0].requests().len();
    let again = scene.post("/v1/embeddings", &two_texts()).await;
    assert_eq!(again.status, 503, "{}", again.text());
    assert!(reasons(&again)[0].1.contains("cooling down"), "{}", again.text());
    assert_eq!(scene.upstreams[0].requests().len(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_that_does_not_offer_it_is_not_asked() {
    let scene = Scene::start(&["anthropic", "openai-compatible"]).await;
    scene.upstreams[1].play([Play::write(json_response(&two_vectors())), Play::Close]);
    let answer = scene.post("/v1/embeddings", &two_texts()).await;
    assert_eq!(answer.json()["provider"], "p2", "{}", answer.text());
    assert!(scene.upstreams[0].requests().is_empty());

    let scene = Scene::start(&["anthropic"]).await;
    let ranking = json!({"model": MODEL, "query": "q", "documents": ["a"]});
    for (path, request, what, offer) in [
        ("/v1/embeddings", two_texts(), "makes embeddings", "embeddings"),
        ("/v1/rerank", ranking, "orders documents", "rerank"),
    ] {
        let answer = scene.post(path, &request).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let error = &answer.json()["error"];
        assert_eq!(error["metadata"]["code"], "unsupported");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("No endpoint of `{MODEL}` {what}")), "{message}");
        let reason = format!("its adapter `anthropic` offers no {offer}");
        assert_eq!(reasons(&answer), [("p1/upstream-p1".to_owned(), reason)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_body_is_named_in_openais_envelope() {
    let scene = Scene::start(&["openai-compatible"]).await;
    for (path, body, param) in [
        ("/v1/embeddings", json!({"model": MODEL, "input": ["a", 7]}), json!("input[1]")),
        ("/v1/embeddings", json!({"input": "a"}), json!("model")),
        (
            "/v1/rerank",
            json!({"model": MODEL, "query": "q", "documents": [1]}),
            json!("documents[0]"),
        ),
        ("/v2/rerank", json!({"model": MODEL, "documents": ["a"]}), json!("query")),
        ("/v1/completions", json!({"model": MODEL, "prompt": [[1]]}), json!("prompt")),
    ] {
        let answer = scene.post(path, &body).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        let error = &answer.json()["error"];
        assert_eq!((&error["param"], &error["code"]), (&param, &json!(400)), "{error}");
        assert_eq!(error["type"], "invalid_request_error");
        let line = LogLines::access(answer.header("x-generation-id").unwrap()).await;
        assert_eq!((&line["route"], &line["outcome"]), (&json!(path), &json!("invalid_request")));
    }
    let unknown = scene.post("/v1/embeddings", &json!({"model": "no/such", "input": "a"})).await;
    assert_eq!(unknown.status, 400, "{}", unknown.text());
    assert_eq!(unknown.json()["error"]["metadata"]["code"], "model_not_found");
    for path in ["/v1/embeddings", "/api/v1/embeddings", "/v1/rerank", "/v2/rerank"] {
        let answer = scene.router.client().get(path).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")), "{path}");
    }
    assert!(scene.upstreams[0].requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_leaves_nothing_counted() {
    let scene = Scene::start(&["openai-compatible"]).await;
    scene.upstreams[0].play([Play::Hang]);
    let client = scene.router.client();
    let body = two_texts().to_string();
    let request = client.request(http::Method::POST, "/v1/embeddings", body);
    let asking = tokio::spawn(async move { client.read(request).await });
    while scene.upstreams[0].requests().is_empty() {
        tokio::task::yield_now().await;
    }
    asking.abort();
    let cancelled = |line: &serde_json::Value| {
        line["route"] == "/v1/embeddings" && line["status"] == 499 && line["model"] == MODEL
    };
    let line = LogLines::wait(cancelled).await;
    assert_eq!(line["outcome"], "cancelled");
    assert!(line["attempts"].as_str().unwrap().contains(":cancelled:"), "{line}");
    let metrics = scene.router.client().get("/metrics").await.text();
    let none = "plugway_endpoint_in_flight{endpoint=\"p1/upstream-p1\"} 0";
    assert!(metrics.lines().any(|line| line == none), "{metrics}");
}
