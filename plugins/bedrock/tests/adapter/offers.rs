//! What the adapter offers beside chat: counting, listing and embeddings.

use bedrock::Bedrock;
use plugway_sdk::chat::{
    FailureKind, Media, MediaKind, MediaSource, Request, ResultBody, Tool, Usage,
};
use plugway_sdk::embeddings::{EmbedInput, EmbedRequest, Embeddings};
use plugway_sdk::models::Models;
use plugway_sdk::provider::{ResponseHead, UpstreamResponse};
use plugway_sdk::testing::endpoint;
use plugway_sdk::token_count::TokenCount;
use serde_json::{Value, json};

use crate::{CLAUDE, function, native_request, request};

fn response(headers: &[(&str, &str)], body: Value) -> UpstreamResponse {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let head = ResponseHead { status: 200, headers };
    UpstreamResponse { head, body: body.to_string().into() }
}

#[test]
fn a_count_asks_with_the_prompt_alone() {
    let mut it = native_request(CLAUDE);
    it.max_tokens = Some(9);
    it.tools = vec![Tool::Function(function("look", Some(r#"{"type":"object"}"#)))];
    it.extra = [
        ("additionalModelRequestFields", r#"{"anthropic_beta":["a"]}"#),
        ("requestMetadata", r#"{"a":"b"}"#),
    ]
    .map(|(name, json)| (name.into(), json.into()))
    .into();
    for api in ["\"converse\"", "\"invoke\""] {
        let upstream = <Bedrock as TokenCount>::encode(it.clone(), endpoint(&[("api", api)]));
        let upstream = upstream.unwrap();
        let path = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens";
        assert_eq!(upstream.path, path);
        let body: Value = serde_json::from_slice(&upstream.body).unwrap();
        let prompt = json!({
            "messages": [{"role": "user", "content": [{"text": "hi"}]}],
            "toolConfig": {"tools": [
                {"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}},
            ]},
            "additionalModelRequestFields": {"anthropic_beta": ["a"]},
        });
        assert_eq!(body, json!({"input": {"converse": prompt}}));
    }
}

#[test]
fn counts_are_read() {
    let count = |body| <Bedrock as TokenCount>::decode(response(&[], body), String::new());
    assert_eq!(count(json!({"inputTokens": 12, "future": 1})), Ok(12));
    for nonsense in [json!({}), json!([]), json!({"inputTokens": null}), json!("x")] {
        assert_eq!(count(nonsense).unwrap_err().kind, FailureKind::Unavailable);
    }
}

#[test]
fn models_are_listed_and_then_profiles() {
    let path = |cursor: Option<&str>| {
        let upstream = <Bedrock as Models>::encode(cursor.map(Into::into), endpoint(&[])).unwrap();
        assert_eq!(upstream.method, "GET");
        upstream.path
    };
    let page = |body| <Bedrock as Models>::decode(response(&[], body), String::new());
    assert_eq!(path(None), "/foundation-models");
    let models = page(json!({"modelSummaries": [
        {"modelId": "v.m-1", "modelName": "M", "inputModalities": ["TEXT"]}, {"modelName": "none"},
    ]}))
    .unwrap();
    assert_eq!(models.models.len(), 1);
    assert_eq!(models.models[0].id, "v.m-1");
    let cursor = models.cursor.unwrap();
    assert_eq!(path(Some(&cursor)), "/inference-profiles?maxResults=1000");

    let profiles = page(json!({
        "inferenceProfileSummaries": [{"inferenceProfileId": "us.v.m-1", "status": "ACTIVE"}],
        "nextToken": "a/b==",
    }))
    .unwrap();
    assert_eq!(profiles.models[0].id, "us.v.m-1");
    let cursor = profiles.cursor.unwrap();
    assert_eq!(path(Some(&cursor)), "/inference-profiles?maxResults=1000&nextToken=a%2Fb%3D%3D");
    assert_eq!(page(json!({"inferenceProfileSummaries": []})).unwrap().cursor, None);
    assert_eq!(page(json!({"other": 1})).unwrap_err().kind, FailureKind::Unavailable);
}

fn embed(model: &str, input: Vec<EmbedInput>) -> EmbedRequest {
    EmbedRequest {
        model: model.into(),
        dialect: "openai-chat".into(),
        input,
        dimensions: Some(256),
        purpose: Some("search_query".into()),
        user: None,
        extra: vec![("truncate".into(), "\"NONE\"".into())],
    }
}

fn text(text: &str) -> EmbedInput {
    EmbedInput::Text(text.into())
}

fn image() -> EmbedInput {
    let media = Media {
        kind: MediaKind::Image,
        source: MediaSource::Base64("AAAA".into()),
        mime: Some("image/png".into()),
        name: None,
        detail: None,
    };
    EmbedInput::Parts(vec![ResultBody::Media(media).into()])
}

fn embed_body(request: EmbedRequest) -> Value {
    let upstream = <Bedrock as Embeddings>::encode(request, endpoint(&[])).unwrap();
    assert!(upstream.path.ends_with("/invoke"));
    serde_json::from_slice(&upstream.body).unwrap()
}

#[test]
fn embeddings_are_asked_for_in_the_words_of_the_family() {
    let titan = embed_body(embed("amazon.titan-embed-text-v2:0", vec![text("a")]));
    assert_eq!(titan, json!({"inputText": "a", "dimensions": 256}));
    let titan = embed_body(embed("amazon.titan-embed-image-v1", vec![image()]));
    let config = json!({"outputEmbeddingLength": 256});
    assert_eq!(titan, json!({"inputImage": "AAAA", "embeddingConfig": config}));

    let nova = "amazon.nova-2-multimodal-embeddings-v1:0";
    let params = json!({"embeddingPurpose": "GENERIC_RETRIEVAL", "embeddingDimension": 256,
        "text": {"value": "a"}});
    let expected = json!({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params});
    assert_eq!(embed_body(embed(nova, vec![text("a")])), expected);

    let cohere = "cohere.embed-v4:0";
    let expected =
        json!({"texts": ["a", "b"], "input_type": "search_query", "output_dimension": 256});
    assert_eq!(embed_body(embed(cohere, vec![text("a"), text("b")])), expected);
    let native = EmbedRequest { dialect: "bedrock-invoke".into(), ..embed(cohere, vec![image()]) };
    let body = embed_body(native);
    assert_eq!(body["images"], json!(["data:image/png;base64,AAAA"]));
    assert_eq!(body["truncate"], "NONE");
}

#[test]
fn embeddings_that_a_family_cannot_make_are_refused() {
    let refused = |request| {
        let failure = <Bedrock as Embeddings>::encode(request, endpoint(&[])).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported);
    };
    refused(embed("amazon.titan-embed-text-v2:0", vec![text("a"), text("b")]));
    refused(embed("cohere.embed-v4:0", vec![text("a"), image()]));
    refused(embed("cohere.embed-v4:0", vec![EmbedInput::Tokens(vec![1])]));
}

#[test]
fn vectors_are_read_in_every_shape() {
    let header = [("x-amzn-bedrock-input-token-count", "4")];
    let bodies = [
        json!({"embedding": [0.5, -1], "inputTextTokenCount": 4}),
        json!({"embeddings": [[0.5, -1]]}),
        json!({"embeddings": {"float": [[0.5, -1]]}}),
        json!({"embeddings": [{"embeddingType": "TEXT", "embedding": [0.5, -1]}]}),
    ];
    for body in bodies {
        let held = <Bedrock as Embeddings>::decode(response(&header, body), String::new()).unwrap();
        assert_eq!(held.vectors, [[0.5, -1.0]]);
        assert_eq!(held.usage, Some(Usage { prompt_tokens: 4, ..Usage::default() }));
    }
    for body in [json!({}), json!([]), json!({"embeddings": ["x"]}), json!({"embedding": null})] {
        let held = <Bedrock as Embeddings>::decode(response(&[], body), String::new());
        assert_eq!(held.unwrap_err().kind, FailureKind::Unavailable);
    }
}

#[test]
fn a_prompt_that_cannot_be_said_cannot_be_counted() {
    let media = Media {
        kind: MediaKind::Image,
        source: MediaSource::Uri("https://a.test/i.png".into()),
        mime: None,
        name: None,
        detail: None,
    };
    let messages = vec![crate::user(vec![media.into()])];
    let it = Request { messages, ..request(CLAUDE) };
    let failure = <Bedrock as TokenCount>::encode(it, endpoint(&[])).unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("fetch"));
}
