//! Embeddings through the adapters that have them.

use super::{MODEL, Scene, two_texts, two_vectors};
use crate::wire::json_response;
use plugway_tests::{KEY, LogLines, Play, Python};
use serde_json::{Value, json};
use std::time::Duration;

/// An interpreter starts, and imports the client, in two or three seconds.
const LIMIT: Duration = Duration::from_secs(120);

/// Adapter, what its provider answers to two texts, and what it was to be asked.
pub(super) fn providers() -> [(&'static str, Value, &'static str, Value); 4] {
    let vectors = json!([[1.0, 0.5], [0.25, -1.0]]);
    [
        (
            "openai-compatible",
            two_vectors(),
            "POST /v1/embeddings",
            json!({"model": "upstream-p1", "input": ["one text", "and another"]}),
        ),
        (
            "cohere",
            json!({"embeddings": {"float": vectors},
                "meta": {"billed_units": {"input_tokens": 5}}}),
            "POST /v1/embed",
            json!({"model": "upstream-p1", "texts": ["one text", "and another"],
                "input_type": "search_document", "embedding_types": ["float"]}),
        ),
        (
            "gemini",
            json!({"embeddings": [{"values": [1.0, 0.5]}, {"values": [0.25, -1.0]}],
                "usageMetadata": {"promptTokenCount": 5}}),
            "POST /v1/models/upstream-p1:batchEmbedContents",
            json!({"requests": [gemini_request("one text"), gemini_request("and another")]}),
        ),
        (
            "ollama",
            json!({"model": "m", "embeddings": vectors, "prompt_eval_count": 5}),
            "POST /v1/api/embed",
            json!({"model": "upstream-p1", "input": ["one text", "and another"]}),
        ),
    ]
}

fn gemini_request(text: &str) -> Value {
    json!({"model": "models/upstream-p1", "content": {"parts": [{"text": text}]}})
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_come_in_the_order_of_the_texts_at_the_catalogues_price() {
    for (adapter, answer, line, asked) in providers() {
        let scene = Scene::start(&[adapter]).await;
        scene.answers(&answer);
        let answer = scene.post("/v1/embeddings", &two_texts()).await;
        assert_eq!(answer.status, 200, "{adapter}: {}", answer.text());
        let body = answer.json();
        let embedding =
            |index: u32, of: Value| json!({"object": "embedding", "index": index, "embedding": of});
        assert_eq!(body["object"], "list");
        let expected = [embedding(0, json!([1.0, 0.5])), embedding(1, json!([0.25, -1.0]))];
        assert_eq!(body["data"], json!(expected), "{adapter}");
        assert_eq!((&body["model"], &body["provider"]), (&json!(MODEL), &json!("p1")));
        let usage = &body["usage"];
        assert_eq!((&usage["prompt_tokens"], &usage["total_tokens"]), (&json!(5), &json!(5)));
        assert_eq!(usage["cost"], 0.00001, "{adapter}");
        assert_eq!(usage["cost_details"]["upstream_inference_cost"], 0.00001);
        assert_eq!(scene.asked(0), (line.to_owned(), asked), "{adapter}");

        let id = answer.header("x-generation-id").unwrap().to_owned();
        assert_eq!(body["id"], id.as_str());
        let line = LogLines::access(&id).await;
        assert_eq!((&line["route"], &line["outcome"]), (&json!("/v1/embeddings"), &json!("ok")));
        assert_eq!((&line["endpoint"], &line["status"]), (&json!("p1/upstream-p1"), &json!(200)));
        assert_eq!((&line["prompt_tokens"], &line["estimated"]), (&json!(5), &json!(false)));
        assert_eq!(line["cost_picodollars"], 10_000_000);
        assert!(line["attempts"].as_str().unwrap().starts_with("p1/upstream-p1:ok:"), "{line}");
        assert!(!line.to_string().contains("another") && !line.to_string().contains(KEY));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_have_its_vectors_in_base64_whatever_the_provider_speaks() {
    for (adapter, answer, ..) in providers() {
        let scene = Scene::start(&[adapter]).await;
        scene.answers(&answer);
        let mut request = two_texts();
        request["encoding_format"] = json!("base64");
        let answer = scene.post("/v1/embeddings", &request).await;
        // 00 00 80 3f, 00 00 00 3f.
        assert_eq!(answer.json()["data"][0]["embedding"], "AACAPwAAAD8=", "{adapter}");
        // Whoever speaks the client's dialect is asked for the same.
        let asked = scene.asked(0).1;
        let expected = if adapter == "openai-compatible" { json!("base64") } else { json!(null) };
        assert_eq!(asked["encoding_format"], expected, "{adapter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_wants_reaches_the_provider_in_its_own_words() {
    let mut request = two_texts();
    request["dimensions"] = json!(2);
    request["input_type"] = json!("search_query");
    request["user"] = json!("someone@example.com");
    for (adapter, answer, ..) in providers() {
        let scene = Scene::start(&[adapter]).await;
        scene.answers(&answer);
        let answer = scene.post("/v1/embeddings", &request).await;
        assert_eq!(answer.status, 200, "{adapter}: {}", answer.text());
        let asked = scene.asked(0).1;
        let (dimensions, purpose) = match adapter {
            "cohere" => ("/output_dimension", Some(("/input_type", "search_query"))),
            "gemini" => (
                "/requests/1/outputDimensionality",
                Some(("/requests/1/taskType", "RETRIEVAL_QUERY")),
            ),
            _ => ("/dimensions", None),
        };
        assert_eq!(asked.pointer(dimensions), Some(&json!(2)), "{adapter}: {asked}");
        if let Some((place, word)) = purpose {
            assert_eq!(asked.pointer(place), Some(&json!(word)), "{adapter}: {asked}");
        }
        assert!(!asked.to_string().contains("someone"), "{adapter}: {asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_embedded_by_whoever_can() {
    let scene = Scene::start(&["openai-compatible", "cohere"]).await;
    let pixel = "data:image/png;base64,iVBORw0KGgo=";
    let vector = json!({"embeddings": {"float": [[1.0]]}, "meta": {"billed_units": {"images": 1}}});
    scene.upstreams[1].play([Play::write(json_response(&vector)), Play::Close]);
    let request = json!({"model": MODEL, "input": [{"content": [
        {"type": "image_url", "image_url": {"url": pixel}}]}]});
    let answer = scene.post("/v1/embeddings", &request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(scene.asked(1).1["images"], json!([pixel]));
    // The one that takes no images was not even asked.
    assert!(scene.upstreams[0].requests().is_empty());
    // It bills images, and counts no tokens.
    let line = LogLines::access(answer.header("x-generation-id").unwrap()).await;
    assert_eq!((&line["estimated"], &line["prompt_tokens"]), (&json!(false), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_does_not_count_is_estimated_and_marked() {
    let scene = Scene::start(&["openai-compatible"]).await;
    let mut vectors = two_vectors();
    vectors.as_object_mut().unwrap().remove("usage");
    scene.answers(&vectors);
    for (input, tokens) in
        [(json!(["word ".repeat(40), "word ".repeat(40)]), 100), (json!([[1, 2, 3], [4, 5]]), 5)]
    {
        let request = json!({"model": MODEL, "input": input});
        let answer = scene.post("/v1/embeddings", &request).await;
        assert_eq!(answer.json()["usage"]["prompt_tokens"], tokens, "{}", answer.text());
        let id = answer.header("x-generation-id").unwrap();
        let line = LogLines::access(id).await;
        assert_eq!((&line["estimated"], &line["unpriced"]), (&json!(true), &json!(false)));
        assert_eq!(line["cost_picodollars"], tokens * 2_000_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openai_client_reads_vectors_of_two_providers() {
    let mut scenes = Vec::new();
    for (adapter, answer, ..) in providers() {
        if matches!(adapter, "openai-compatible" | "cohere") {
            let scene = Scene::start(&[adapter]).await;
            scene.answers(&answer);
            scenes.push(scene);
        }
    }
    for scene in &scenes {
        let base_url = format!("http://{}/v1", scene.router.address());
        let run = move || {
            let python = Python::venv("clients", "tests/clients/python.txt")?;
            Some(python.run("tests/clients/openai_embeddings.py", &[&base_url, MODEL], LIMIT))
        };
        let Some(printed) = tokio::task::spawn_blocking(run).await.unwrap() else { return };
        assert!(printed.contains("ok what_is_wrong_is_named"), "the script ran nothing: {printed}");
    }
}
