//! Long texts cross the sandbox as seals here too, and arrive as they were written.

use super::embeddings::providers;
use super::{MODEL, Scene, endpoint, provider};
use http::Method;
use plugway_tests::{RawUpstream, TestRouter};
use serde_json::{Value, json};

/// Long enough for a seal, and with whatever has to be escaped.
fn long(text: &str) -> String {
    format!("{text}: \"quotes\" \\ \n \t \u{0} e\u{301} \u{1f9ea} \u{2028} ").repeat(4)
}

/// The question for vectors or for an order, each with two long texts and a short one.
fn questions() -> [(&'static str, Value); 2] {
    let (one, two) = (long("one"), long("two"));
    [
        ("/v1/embeddings", json!({"model": MODEL, "input": [one, "short", two]})),
        ("/v1/rerank", json!({"model": MODEL, "query": one, "documents": ["short", two]})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn long_texts_reach_every_provider_as_they_were_written() {
    let texts = [long("one"), long("two")];
    for (adapter, answer, ..) in providers() {
        let scene = Scene::start(&[adapter]).await;
        scene.answers(&answer);
        let answer = scene.post("/v1/embeddings", &json!({"model": MODEL, "input": texts})).await;
        assert_eq!(answer.status, 200, "{adapter}: {}", answer.text());
        let asked = scene.asked(0).1;
        let places = match adapter {
            "cohere" => ["/texts/0", "/texts/1"],
            "gemini" => ["/requests/0/content/parts/0/text", "/requests/1/content/parts/0/text"],
            _ => ["/input/0", "/input/1"],
        };
        for (place, text) in places.iter().zip(&texts) {
            assert_eq!(asked.pointer(place), Some(&json!(text)), "{adapter}: {asked}");
        }
    }
    let ranking = json!({"results": [{"index": 0, "relevance_score": 0.5}]});
    for adapter in ["openai-compatible", "cohere"] {
        let scene = Scene::start(&[adapter]).await;
        scene.answers(&ranking);
        let (path, question) = &questions()[1];
        let answer = scene.post(path, question).await;
        assert_eq!(answer.status, 200, "{adapter}: {}", answer.text());
        let asked = scene.asked(0).1;
        assert_eq!(asked["query"], question["query"], "{adapter}");
        assert_eq!(asked["documents"], question["documents"], "{adapter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_sees_long_texts_only_where_that_was_granted() {
    let upstream = RawUpstream::start().await;
    for (grant, is_shown) in [("", false), ("[plugins.tells-seals]\nallow.content = true\n", true)]
    {
        let model = format!("[models.\"{MODEL}\"]\noutput_modalities = [\"embeddings\"]\n");
        let provider = provider("p1", "tells-seals", &upstream);
        let router =
            TestRouter::start(&[grant, &provider, &model, &endpoint(MODEL, "p1")].concat()).await;
        router.drop_plugin("tells-seals", "tells-seals").await;
        let client = router.client();
        for (path, question) in questions() {
            let asked = client.request(Method::POST, path, question.to_string());
            let refused = client.read(asked).await;
            let error = refused.json()["error"].clone();
            assert_eq!(error["metadata"]["code"], "unsupported", "{path}: {error}");
            let told = error["message"].as_str().unwrap();
            assert!(told.contains("short"), "{path}: {told}");
            assert_eq!(told.contains("quotes"), is_shown, "{path}: {told}");
            let is_seal = |word: &str| {
                word.len() == 28 && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
            };
            let seals = told.split(' ').filter(|word| is_seal(word)).count();
            assert_eq!(seals, if is_shown { 0 } else { 2 }, "{path}: {told}");
        }
    }
}
