//! Embeddings, and the list of models.

use ollama::Ollama;
use plugway_sdk::chat::{FailureKind, MediaKind, MediaSource, ResultBody, Usage};
use plugway_sdk::embeddings::{EmbedInput, EmbedRequest, Embeddings};
use plugway_sdk::models::Models;
use plugway_sdk::provider::{ResponseHead, UpstreamResponse};
use plugway_sdk::testing::endpoint;
use serde_json::{Value, json};

use crate::{NATIVE, media};

fn response(body: Value) -> UpstreamResponse {
    let head = ResponseHead { status: 200, headers: Vec::new() };
    UpstreamResponse { head, body: body.to_string().into_bytes() }
}

fn embed(input: Vec<EmbedInput>) -> EmbedRequest {
    EmbedRequest {
        model: "embed:1b".into(),
        dialect: "openai-embeddings".into(),
        input,
        dimensions: Some(64),
        purpose: Some("search_query".into()),
        user: None,
        extra: vec![("keep_alive".into(), "0".into())],
    }
}

#[test]
fn texts_are_embedded() {
    let body = |request: EmbedRequest| {
        let upstream = <Ollama as Embeddings>::encode(request, endpoint(&[])).unwrap();
        assert_eq!(upstream.path, "api/embed");
        serde_json::from_slice::<Value>(&upstream.body).unwrap()
    };
    let input = || {
        let text = ResultBody::Text("b".into());
        vec![EmbedInput::Text("a".into()), EmbedInput::Parts(vec![text.into()])]
    };
    let mut expected = json!({"model": "embed:1b", "input": ["a", "b"], "dimensions": 64});
    assert_eq!(body(embed(input())), expected);
    expected["keep_alive"] = json!(0);
    assert_eq!(body(EmbedRequest { dialect: NATIVE.into(), ..embed(input()) }), expected);
}

#[test]
fn what_is_no_text_is_not_embedded() {
    let image = media(MediaKind::Image, MediaSource::Base64("AAAA".into()));
    for input in
        [EmbedInput::Tokens(vec![1]), EmbedInput::Parts(vec![ResultBody::Media(image).into()])]
    {
        let failure = <Ollama as Embeddings>::encode(embed(vec![input]), endpoint(&[]));
        assert_eq!(failure.unwrap_err().kind, FailureKind::Unsupported);
    }
}

#[test]
fn vectors_are_read_and_counted() {
    let answer =
        |body: Value, memo: &str| <Ollama as Embeddings>::decode(response(body), memo.into());
    let body = json!({"embeddings": [[0.5, 1], [0, -1]], "prompt_eval_count": 3, "future": {}});
    let read = answer(body.clone(), "2").unwrap();
    assert_eq!(read.vectors, [[0.5, 1.0], [0.0, -1.0]]);
    assert_eq!(read.usage, Some(Usage { prompt_tokens: 3, ..Usage::default() }));
    assert_eq!(answer(json!({"embeddings": [[1]]}), "1").unwrap().usage, None);
    for (body, memo) in [(body, "3"), (json!({"embeddings": null}), "1"), (json!([]), "1")] {
        assert_eq!(answer(body, memo).unwrap_err().kind, FailureKind::Unavailable);
    }
}

#[test]
fn models_are_listed() {
    let upstream = <Ollama as Models>::encode(None, endpoint(&[])).unwrap();
    assert_eq!((upstream.method.as_str(), upstream.path.as_str()), ("GET", "api/tags"));
    let page = |body: Value| <Ollama as Models>::decode(response(body), String::new());
    let models = json!([
        {"name": "a", "model": "a:1b", "size": 7, "details": {"context_length": 4096}},
        {"name": "b:1b", "details": null},
        {"size": 7},
    ]);
    let read = page(json!({"models": models})).unwrap();
    let known: Vec<(&str, Option<u32>)> =
        read.models.iter().map(|model| (model.id.as_str(), model.context_length)).collect();
    assert_eq!(known, [("a:1b", Some(4096)), ("b:1b", None)]);
    assert!(read.models[0].extra.contains(&("size".into(), "7".into())));
    assert_eq!(read.cursor, None);
    assert_eq!(page(json!({"models": null})).unwrap().models.len(), 0, "an empty server");
    assert_eq!(page(json!({})).unwrap_err().kind, FailureKind::Unavailable);
}
