//! Documents in the order of their relevance.

use super::{MODEL, Scene, reasons};
use crate::wire::json_response;
use plugway_tests::{LogLines, Play};
use serde_json::{Value, json};

const ROUTES: [&str; 2] = ["/v1/rerank", "/v2/rerank"];

fn request() -> Value {
    json!({"model": MODEL, "query": "Which is a river?",
        "documents": ["Oslo", {"text": "The Glomma"}, "Norway"], "top_n": 2})
}

/// As Cohere answers, and most servers of open models.
fn ranking(more: &str, counts: Value) -> Value {
    let mut ranking = json!({"results": [
        {"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.25}]});
    ranking[more] = counts;
    ranking
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_come_first_at_the_catalogues_price() {
    let searches = ranking("meta", json!({"billed_units": {"search_units": 1}}));
    let tokens = ranking("usage", json!({"total_tokens": 30}));
    for (adapter, answer, usage) in [
        ("cohere", &searches, json!({"total_tokens": 0, "search_units": 1, "cost": 0.001})),
        ("openai-compatible", &tokens, json!({"total_tokens": 30, "cost": 0.00006})),
        (
            "openai-compatible",
            &searches,
            json!({"total_tokens": 0, "search_units": 1, "cost": 0.001}),
        ),
    ] {
        let scene = Scene::start(&[adapter]).await;
        scene.answers(answer);
        for path in ROUTES {
            let answer = scene.post(path, &request()).await;
            assert_eq!(answer.status, 200, "{adapter}: {}", answer.text());
            let body = answer.json();
            let ranked = |index: u32, score: f64, text: &str| {
                let mut ranked = json!({"index": index, "relevance_score": score});
                // Cohere's second version repeats no document.
                if path == ROUTES[0] {
                    ranked["document"] = json!({"text": text});
                }
                ranked
            };
            let expected = [ranked(1, 0.9, "The Glomma"), ranked(0, 0.25, "Oslo")];
            assert_eq!(body["results"], json!(expected), "{adapter}");
            assert_eq!(body["usage"], usage, "{adapter}");
            assert_eq!((&body["model"], &body["provider"]), (&json!(MODEL), &json!("p1")));
            assert_eq!(answer.header("x-generation-id"), body["id"].as_str());
            let line = LogLines::access(body["id"].as_str().unwrap()).await;
            assert_eq!((&line["route"], &line["estimated"]), (&json!(path), &json!(false)));
            let picodollars = (usage["cost"].as_f64().unwrap() * 1e12).round();
            assert_eq!(line["cost_picodollars"].as_f64(), Some(picodollars));
        }
        let (line, asked) = scene.asked(0);
        assert_eq!(line, "POST /v1/rerank");
        let expected = json!({"model": "upstream-p1", "query": "Which is a river?",
            "documents": ["Oslo", "The Glomma", "Norway"], "top_n": 2});
        assert_eq!(asked, expected, "{adapter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_no_more_documents_than_it_wants_and_none_that_it_did_not_send() {
    let scene = Scene::start(&["openai-compatible", "openai-compatible"]).await;
    let mut two = request();
    two["top_n"] = json!(1);
    two["provider"] = json!({"order": ["p1", "p2"]});
    scene.answers(&ranking("usage", json!({"total_tokens": 30})));
    let answer = scene.post("/v1/rerank", &two).await;
    assert_eq!(answer.json()["results"].as_array().unwrap().len(), 1, "{}", answer.text());

    let good = ranking("usage", json!({"total_tokens": 30}));
    scene.upstreams[1].play([Play::write(json_response(&good)), Play::Close]);
    let entry = |index: u32| json!({"index": index, "relevance_score": 0.5});
    for results in [json!([entry(3)]), json!([entry(1), entry(1)]), json!([])] {
        scene.answers(&json!({"results": results}));
        let answer = scene.post("/v1/rerank", &two).await;
        assert_eq!(answer.json()["provider"], "p2", "{results}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn coheres_own_fields_go_to_cohere_alone() {
    let mut request = request();
    request["max_tokens_per_doc"] = json!(512);
    let scene = Scene::start(&["openai-compatible"]).await;
    let answer = scene.post("/v2/rerank", &request).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["error"]["param"], "max_tokens_per_doc");
    let reason = "the request holds native parts of a format that it does not speak";
    assert_eq!(reasons(&answer), [("p1/upstream-p1".to_owned(), reason.to_owned())]);
    let scene = Scene::start(&["openai-compatible", "cohere"]).await;
    let good = ranking("meta", json!({"billed_units": {"search_units": 1}}));
    scene.upstreams[1].play([Play::write(json_response(&good)), Play::Close]);
    let answer = scene.post("/v2/rerank", &request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(scene.asked(1).1["max_tokens_per_doc"], 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_does_not_count_is_estimated() {
    let scene = Scene::start(&["openai-compatible"]).await;
    scene.answers(&json!([{"index": 0, "score": 1.5}]));
    let request = json!({"model": MODEL, "query": "q".repeat(20), "documents": ["d".repeat(60)]});
    let answer = scene.post("/v1/rerank", &request).await;
    assert_eq!(answer.json()["usage"]["total_tokens"], 20, "{}", answer.text());
    let line = LogLines::access(answer.header("x-generation-id").unwrap()).await;
    assert_eq!((&line["estimated"], &line["cost_picodollars"]), (&json!(true), &json!(40_000_000)));
}
