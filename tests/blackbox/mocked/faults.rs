//! Failures in every format.

use super::{DIALECTS, Dialect, Errors, Mock, Streams};
use plugway_tests::{Answer, TestRouter};
use serde_json::{Value, json};

/// The same failure whole and streamed, before anything was said.
async fn failed(router: &TestRouter, dialect: &Dialect, scene: &str) -> [Answer; 2] {
    let mut request = dialect.ask(scene);
    let whole = router.client().chat(&request).await;
    request["stream"] = json!(true);
    [whole, router.client().chat(&request).await]
}

fn check(answer: &Answer, status: u16, error_type: &str, context: &str) {
    assert_eq!(answer.status, status, "{context}: {}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(error["metadata"]["code"], error_type, "{context}: {error}");
}

/// The provider's own words are passed on where they stand where they should.
fn check_words(dialect: &Dialect, answer: &Answer, words: &str) {
    let message = &answer.json()["error"]["message"];
    let words = if dialect.lacks(Errors) { "answered with status" } else { words };
    assert!(message.as_str().unwrap().contains(words), "{}: {message}", dialect.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mocked_providers_rate_limit_is_told_with_its_pause_in_every_format() {
    let Some((_mock, router)) = Mock::start("limit").await else { return };
    for dialect in &DIALECTS {
        let whole = router.client().chat(&dialect.ask("slow down")).await;
        check(&whole, 429, "rate_limit_exceeded", dialect.name);
        assert_eq!(whole.header("retry-after"), Some("7"), "{}", dialect.name);
        check_words(dialect, &whole, "Slow down, please.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mocked_providers_error_is_told_in_every_format() {
    let Some((_mock, router)) = Mock::start("errors").await else { return };
    for dialect in &DIALECTS {
        for answer in failed(&router, dialect, "broken").await {
            check(&answer, 502, "provider_unavailable", dialect.name);
            check_words(dialect, &answer, "Out of order.");
        }
        for answer in failed(&router, dialect, "refused").await {
            check(&answer, 400, "invalid_request", dialect.name);
            check_words(dialect, &answer, "This field is wrong.");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mocked_providers_garbage_is_no_answer_in_any_format() {
    let Some((_mock, router)) = Mock::start("garbage").await else { return };
    for dialect in &DIALECTS {
        for answer in failed(&router, dialect, "garbage").await {
            check(&answer, 502, "provider_unavailable", dialect.name);
            assert!(!answer.text().contains("chaos"), "{}", answer.text());
        }
        for answer in failed(&router, dialect, "hung up").await {
            check(&answer, 502, "provider_unavailable", dialect.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mocked_providers_stream_that_breaks_off_is_told_as_that_in_every_format() {
    let Some((_mock, router)) = Mock::start("cut").await else { return };
    for dialect in DIALECTS.iter().filter(|dialect| !dialect.lacks(Streams)) {
        let streamed = router.client().stream(&dialect.ask("cut")).await;
        assert_eq!(streamed.status, 200, "{}", dialect.name);
        let said = streamed.content();
        let whole = "This goes on for a while, and then all of a sudden it does not.";
        assert!(!said.is_empty() && whole.starts_with(&said), "{}: {said}", dialect.name);
        let errors = streamed.chunks.iter().map(|chunk| &chunk["error"]);
        let errors: Vec<&Value> = errors.filter(|error| !error.is_null()).collect();
        assert_eq!(errors.len(), 1, "{}: {:?}", dialect.name, streamed.chunks);
        assert_eq!(errors[0]["metadata"]["code"], "provider_unavailable");
    }
}
