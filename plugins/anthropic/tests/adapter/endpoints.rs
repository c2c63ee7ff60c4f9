//! What the adapter offers beside chat: counting tokens and listing models.

use anthropic::Anthropic;
use plugway_sdk::chat::{FailureKind, Tool};
use plugway_sdk::models::Models;
use plugway_sdk::provider::{ResponseHead, UpstreamResponse};
use plugway_sdk::testing::endpoint;
use plugway_sdk::token_count::TokenCount;
use serde_json::{Value, json};

use crate::{function, native_request, request, text};

fn response(body: &str) -> UpstreamResponse {
    let head = ResponseHead { status: 200, headers: Vec::new() };
    UpstreamResponse { head, body: body.into() }
}

#[test]
fn a_count_asks_with_the_prompt_alone() {
    let mut it = request();
    it.max_tokens = Some(9);
    it.streaming = true;
    it.sampling.temperature = Some(0.5);
    it.user = Some("u".into());
    it.tools = vec![Tool::Function(function("look", Some(r#"{"type":"object"}"#)))];
    let upstream = <Anthropic as TokenCount>::encode(it, endpoint(&[])).unwrap();
    assert_eq!(upstream.path, "messages/count_tokens");
    assert!(upstream.headers.contains(&("anthropic-version".into(), "2023-06-01".into())));
    let body: Value = serde_json::from_slice(&upstream.body).unwrap();
    let expected = json!({
        "model": "test-model",
        "messages": [{"role": "user", "content": [text("hi")]}],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    });
    assert_eq!(body, expected);
}

#[test]
fn a_count_takes_what_native_clients_add_to_the_prompt() {
    let mut it = native_request();
    it.extra = [("container", r#""c-1""#), ("context_management", r#"{"edits":[]}"#)]
        .map(|(name, json)| (name.into(), json.into()))
        .into();
    let upstream = <Anthropic as TokenCount>::encode(it, endpoint(&[])).unwrap();
    let body: Value = serde_json::from_slice(&upstream.body).unwrap();
    assert_eq!(body["context_management"], json!({"edits": []}));
    assert_eq!(body.get("container"), None);
}

#[test]
fn counts_are_read() {
    let count = |body| <Anthropic as TokenCount>::decode(response(body), String::new());
    assert_eq!(count(r#"{"input_tokens": 12, "future": {}}"#), Ok(12));
    for nonsense in ["", "{}", r#"{"input_tokens":null}"#, "<html>", r#"{"input_tokens":-1}"#] {
        assert_eq!(count(nonsense).unwrap_err().kind, FailureKind::Unavailable, "{nonsense}");
    }
}

#[test]
fn models_are_listed_page_by_page() {
    let path = |cursor: Option<&str>| {
        let upstream = <Anthropic as Models>::encode(cursor.map(Into::into), endpoint(&[]));
        let upstream = upstream.unwrap();
        assert_eq!(upstream.method, "GET");
        assert_eq!(upstream.headers, [("anthropic-version".into(), "2023-06-01".into())]);
        upstream.path
    };
    assert_eq!(path(None), "models?limit=1000");
    assert_eq!(path(Some("a/b")), "models?limit=1000&after_id=a%2Fb");

    let page = |body: Value| {
        let page = <Anthropic as Models>::decode(response(&body.to_string()), String::new());
        page.unwrap()
    };
    let full = page(json!({
        "data": [
            {"type": "model", "id": "m-1", "display_name": "One", "max_input_tokens": 1000,
             "max_tokens": 50, "future": null},
            {"type": "model", "id": "m-2", "max_tokens": "many"},
            {"type": "model", "id": null},
        ],
        "has_more": true, "last_id": "m-2",
    }));
    assert_eq!(full.cursor.as_deref(), Some("m-2"));
    assert_eq!(full.models.len(), 2, "a model without a name is none");
    let first = &full.models[0];
    assert_eq!((first.context_length, first.max_output_tokens), (Some(1000), Some(50)));
    assert_eq!(first.extra, [("display_name".into(), r#""One""#.into())]);
    assert_eq!(full.models[1].max_output_tokens, None);
    assert_eq!(page(json!({"data": [], "has_more": false, "last_id": "m-2"})).cursor, None);
}

#[test]
fn a_listing_that_is_none_fails() {
    for nonsense in ["", "{}", r#"{"data":"x"}"#, "[]"] {
        let page = <Anthropic as Models>::decode(response(nonsense), String::new());
        assert_eq!(page.unwrap_err().kind, FailureKind::Unavailable, "{nonsense}");
    }
}
