//! Embeddings, rerank, and the list of models.

use cohere::Cohere;
use plugway_sdk::chat::{FailureKind, MediaSource, ResultBody, ResultPart, Usage};
use plugway_sdk::embeddings::{EmbedInput, EmbedRequest, Embeddings};
use plugway_sdk::models::Models;
use plugway_sdk::provider::{ResponseHead, UpstreamResponse};
use plugway_sdk::rerank::{Rerank, RerankRequest};
use plugway_sdk::testing::endpoint;
use serde_json::{Value, json};

use crate::{NATIVE, image};

fn response(body: Value) -> UpstreamResponse {
    let head = ResponseHead { status: 200, headers: Vec::new() };
    UpstreamResponse { head, body: body.to_string().into_bytes() }
}

fn embed(input: Vec<EmbedInput>, purpose: Option<&str>) -> EmbedRequest {
    EmbedRequest {
        model: "embed-x".into(),
        dialect: "openai-embeddings".into(),
        input,
        dimensions: None,
        purpose: purpose.map(Into::into),
        user: None,
        extra: vec![("truncate".into(), r#""NONE""#.into())],
    }
}

fn words(text: &str) -> EmbedInput {
    EmbedInput::Text(text.into())
}

fn picture(source: MediaSource) -> ResultPart {
    ResultBody::Media(image(source)).into()
}

#[track_caller]
fn check_embed(request: EmbedRequest, differences: Value) {
    let upstream = <Cohere as Embeddings>::encode(request, endpoint(&[])).unwrap();
    assert_eq!(upstream.path, "embed");
    let mut expected = json!({
        "model": "embed-x", "input_type": "search_document", "embedding_types": ["float"],
    });
    for (name, value) in differences.as_object().unwrap() {
        expected[name] = value.clone();
    }
    assert_eq!(serde_json::from_slice::<Value>(&upstream.body).unwrap(), expected);
}

#[test]
fn texts_are_embedded_for_a_purpose() {
    let purposes = [
        (None, "search_document"),
        (Some("search_query"), "search_query"),
        (Some("RETRIEVAL_QUERY"), "search_query"),
        (Some("query"), "search_query"),
        (Some("document"), "search_document"),
        (Some("classification"), "classification"),
        (Some("clustering"), "clustering"),
        (Some("semantic_similarity"), "search_document"),
    ];
    for (purpose, word) in purposes {
        let it = embed(vec![words("a"), words("b")], purpose);
        check_embed(it, json!({"texts": ["a", "b"], "input_type": word}));
    }
    let it = EmbedRequest { dimensions: Some(256), ..embed(vec![words("a")], None) };
    check_embed(it, json!({"texts": ["a"], "output_dimension": 256}));
}

#[test]
fn images_are_embedded_alone_or_with_text() {
    let data = || picture(MediaSource::Base64("AAAA".into()));
    let url = "data:image/webp;base64,AAAA";
    let it = embed(vec![EmbedInput::Parts(vec![data()])], None);
    check_embed(it, json!({"images": [url], "input_type": "image"}));
    let both = EmbedInput::Parts(vec![ResultBody::Text("a".into()).into(), data()]);
    let it = embed(vec![both, words("b")], None);
    let expected = json!({"inputs": [
        {"content": [
            {"type": "text", "text": "a"},
            {"type": "image_url", "image_url": {"url": url}},
        ]},
        {"content": [{"type": "text", "text": "b"}]},
    ]});
    check_embed(it, expected);
}

#[test]
fn native_fields_of_an_embedding_are_sent_to_their_own_provider_alone() {
    let mut it = embed(vec![words("a")], Some("a_purpose_of_the_future"));
    it.dialect = NATIVE.into();
    it.extra.push(("embedding_types".into(), r#"["int8"]"#.into()));
    let expected = json!({
        "texts": ["a"], "input_type": "a_purpose_of_the_future", "truncate": "NONE",
        "embedding_types": ["int8"],
    });
    check_embed(it, expected);
}

#[test]
fn what_cannot_be_embedded_is_refused() {
    let refused = |input| {
        let it = embed(vec![input], None);
        let failure = <Cohere as Embeddings>::encode(it, endpoint(&[])).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported);
        failure
    };
    refused(EmbedInput::Tokens(vec![1]));
    refused(EmbedInput::Parts(vec![ResultBody::Json("{}".into()).into()]));
    let uri = MediaSource::Uri("https://x.test/a.png".into());
    let failure = refused(EmbedInput::Parts(vec![picture(uri)]));
    assert_eq!(failure.code.as_deref(), Some("fetch"));
}

#[test]
fn vectors_are_read_and_counted() {
    let answer =
        |body: Value, memo: &str| <Cohere as Embeddings>::decode(response(body), memo.into());
    let body = json!({
        "embeddings": {"float": [[0.5], [1]]},
        "meta": {"billed_units": {"input_tokens": 3, "image_tokens": 40, "images": 1}},
    });
    let read = answer(body.clone(), "2").unwrap();
    assert_eq!(read.vectors, [[0.5], [1.0]]);
    let expected = Usage {
        prompt_tokens: 43,
        meters: vec![("prompt-image-tokens".into(), 40), ("images".into(), 1)],
        ..Usage::default()
    };
    assert_eq!(read.usage, Some(expected));
    for (body, memo) in [(body, "3"), (json!({"embeddings": null}), "1"), (json!([]), "1")] {
        assert_eq!(answer(body, memo).unwrap_err().kind, FailureKind::Unavailable);
    }
}

#[test]
fn documents_are_ranked() {
    let it = RerankRequest {
        model: "rerank-x".into(),
        query: "q".into(),
        documents: vec!["a".into(), "b".into()],
        top_n: Some(1),
        extra: vec![("max_tokens_per_doc".into(), "100".into())],
    };
    let upstream = <Cohere as Rerank>::encode(it, endpoint(&[])).unwrap();
    assert_eq!(upstream.path, "rerank");
    let expected = json!({
        "model": "rerank-x", "query": "q", "documents": ["a", "b"], "top_n": 1,
        "max_tokens_per_doc": 100,
    });
    assert_eq!(serde_json::from_slice::<Value>(&upstream.body).unwrap(), expected);

    let body = json!({
        "results": [
            {"index": 1, "relevance_score": 0.25}, {"index": 0, "relevance_score": 0.75},
        ],
        "meta": {"billed_units": {"search_units": 1}},
    });
    let answer = <Cohere as Rerank>::decode(response(body), String::new()).unwrap();
    let order: Vec<(u32, f64)> =
        answer.rankings.iter().map(|ranking| (ranking.document, ranking.score)).collect();
    assert_eq!(order, [(0, 0.75), (1, 0.25)]);
    assert_eq!(answer.usage.unwrap().meters, [("search-units".to_owned(), 1)]);
    for body in [json!({}), json!({"results": [{"index": -1, "relevance_score": 1}]})] {
        let failure = <Cohere as Rerank>::decode(response(body), String::new()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
    }
}

#[test]
fn models_are_listed_page_by_page() {
    let path = |cursor: Option<&str>| {
        let upstream = <Cohere as Models>::encode(cursor.map(Into::into), endpoint(&[])).unwrap();
        assert_eq!(upstream.method, "GET");
        upstream.path
    };
    assert_eq!(path(None), "models?page_size=1000");
    assert_eq!(path(Some("a/b=")), "models?page_size=1000&page_token=a%2Fb%3D");
    let page = |body: Value| <Cohere as Models>::decode(response(body), String::new());
    let models = json!([
        {"name": "command-x", "context_length": 128000.0, "endpoints": ["chat"], "none": null},
        {"name": "embed-x", "context_length": null},
        {"nameless": true},
    ]);
    let read = page(json!({"models": models, "next_page_token": "t"})).unwrap();
    assert_eq!(read.cursor.as_deref(), Some("t"));
    assert_eq!(read.models.len(), 2);
    assert_eq!(read.models[0].context_length, Some(128_000));
    assert_eq!(read.models[0].extra, [("endpoints".to_owned(), r#"["chat"]"#.to_owned())]);
    assert_eq!(page(json!({"models": [], "next_page_token": ""})).unwrap().cursor, None);
    assert_eq!(page(json!({"data": []})).unwrap_err().kind, FailureKind::Unavailable);
}
