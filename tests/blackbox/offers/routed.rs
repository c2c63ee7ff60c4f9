//! What routing is to chats it is to vectors and to documents in order: presets, pins, and
//! what is told of a decision.

use super::{MODEL, Scene, endpoint, provider, two_vectors};
use crate::routing::metadata::{assert_is_as_published, assert_is_valid};
use crate::wire::json_response;
use http::Method;
use plugway_tests::{Answer, Play, RawUpstream, TestRouter};
use serde_json::{Value, json};

const FIELD: &str = "openrouter_metadata";

/// Path, request without a model, and what a provider answers.
fn offers() -> [(&'static str, Value, Value); 3] {
    let ranking = json!({"results": [{"index": 0, "relevance_score": 0.5}],
        "usage": {"total_tokens": 9}});
    let documents = json!({"query": "q", "documents": ["a", "b"]});
    [
        ("/v1/embeddings", json!({"input": ["one text", "and another"]}), two_vectors()),
        ("/v1/rerank", documents.clone(), ranking.clone()),
        ("/v2/rerank", documents, ranking),
    ]
}

/// Two providers, the first of which is broken; the second is in a region.
async fn failing_over(answer: &Value) -> (TestRouter, [RawUpstream; 2]) {
    let upstreams = [RawUpstream::start().await, RawUpstream::start().await];
    let toml = [
        "[routing]\nstrategies = [\"price\"]\n",
        &provider("p1", "openai-compatible", &upstreams[0]),
        &provider("p2", "openai-compatible", &upstreams[1]),
        &format!("[models.\"{MODEL}\"]\n"),
        &endpoint(MODEL, "p1"),
        &endpoint(MODEL, "p2"),
        "region = \"eu\"\n",
    ];
    let broken = crate::wire::response("503 Service Unavailable", "{}");
    upstreams[0].play([Play::write(broken), Play::Close]);
    upstreams[1].play([Play::write(json_response(answer)), Play::Close]);
    (TestRouter::start(&toml.join("")).await, upstreams)
}

async fn told(router: &TestRouter, path: &str, body: &Value) -> Answer {
    let client = router.client();
    let mut request = client.request(Method::POST, path, body.to_string());
    request.headers_mut().insert("x-openrouter-metadata", "enabled".parse().unwrap());
    client.read(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_is_told_how_its_request_was_routed() {
    let mut told_of = Vec::new();
    for (path, mut body, answer) in offers() {
        let (router, _upstreams) = failing_over(&answer).await;
        body["model"] = MODEL.into();
        let answer = told(&router, path, &body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let metadata = answer.json()[FIELD].clone();
        assert_is_as_published(&metadata);
        assert_eq!((&metadata["requested"], &metadata["attempt"]), (&json!(MODEL), &json!(2)));
        assert_eq!(metadata["region"], "eu", "{path}: {metadata}");
        let statuses = metadata["attempts"].as_array().unwrap().iter().map(|it| &it["status"]);
        assert_eq!(statuses.collect::<Vec<_>>(), [503, 200], "{path}: {metadata}");
        told_of.push(metadata);

        body["provider"] = json!({"only": ["nobody"]});
        let refused = told(&router, path, &body).await;
        assert_eq!(refused.status, 404, "{path}: {}", refused.text());
        let metadata = refused.json()[FIELD].clone();
        assert_is_as_published(&metadata);
        assert_eq!(metadata["excluded"].as_array().unwrap().len(), 2, "{path}: {metadata}");
        told_of.push(metadata);

        body["provider"] = json!({"ignore": ["p1"]});
        let client = router.client();
        let silent = client.read(client.request(Method::POST, path, body.to_string())).await;
        assert_eq!(silent.status, 200, "{path}: {}", silent.text());
        assert_eq!(silent.json().get(FIELD), None, "{path}");
    }
    assert_is_valid(told_of).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_says_what_was_asked_for() {
    for (path, mut body, answer) in offers() {
        let (router, _upstreams) = failing_over(&answer).await;
        body["model"] = format!("{MODEL}@p1").into();
        let answer = told(&router, path, &body).await;
        assert_eq!(answer.status, 503, "{path}: {}", answer.text());
        assert_eq!(answer.json()["error"]["metadata"]["pinned"], true, "{path}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_is_named_as_model_behind_a_model_or_by_its_field() {
    for (path, body, answer) in offers() {
        let scene = Scene::start(&["openai-compatible", "openai-compatible"]).await;
        for upstream in &scene.upstreams {
            upstream.play([Play::write(json_response(&answer)), Play::Close]);
        }
        let kept = json!({
            "model": MODEL, "temperature": 0.5, "dimensions": 2, "top_n": 1,
            "provider": {"only": ["p2"]},
            "messages": [{"role": "system", "content": "Be brief."}],
        });
        let saved = scene.post("/v1/presets/mine/chat/completions", &kept).await;
        assert_eq!(saved.status, 200, "{}", saved.text());
        let named = [
            ("model", json!("@preset/mine")),
            ("model", json!(format!("{MODEL}@preset/mine"))),
            ("preset", json!("mine")),
        ];
        for (field, name) in named {
            let mut body = body.clone();
            body[field] = name;
            let answer = scene.post(path, &body).await;
            assert_eq!(answer.status, 200, "{path}: {body}: {}", answer.text());
            assert_eq!(answer.json()["model"], MODEL, "{path}: {body}");
            let asked = scene.asked(1).1;
            let kept = if path == "/v1/embeddings" { "dimensions" } else { "top_n" };
            assert!(asked[kept].is_u64(), "{path}: {asked}");
            // What is of a conversation is not for these.
            assert!(!asked.to_string().contains("temperature"), "{path}: {asked}");
            assert!(!asked.to_string().contains("brief"), "{path}: {asked}");
        }
        assert!(scene.upstreams[0].requests().is_empty(), "{path}");
        let mut unknown = body.clone();
        unknown["model"] = json!("@preset/none");
        let answer = scene.post(path, &unknown).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        assert_eq!(answer.json()["error"]["param"], "preset", "{path}: {}", answer.text());
    }
}
