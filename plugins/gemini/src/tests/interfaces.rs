//! What the adapter offers beside chat: counts, vectors, lists.

use super::*;
use plugway_sdk::chat::*;
use plugway_sdk::embeddings::{EmbedInput, EmbedRequest, Embeddings};
use plugway_sdk::models::Models;
use plugway_sdk::provider::{ResponseHead, UpstreamResponse};
use plugway_sdk::token_count::TokenCount;

fn ok(body: Value) -> UpstreamResponse {
    let head = ResponseHead { status: 200, headers: Vec::new() };
    UpstreamResponse { head, body: body.to_string().into_bytes() }
}

fn json_of(upstream: &UpstreamRequest) -> Value {
    serde_json::from_slice(&upstream.body).unwrap()
}

fn embed(input: Vec<EmbedInput>) -> EmbedRequest {
    EmbedRequest {
        model: "gemini-embedding-001".into(),
        dialect: "openai-chat".into(),
        input,
        dimensions: None,
        purpose: None,
        user: None,
        extra: vec![("title".into(), "\"t\"".into())],
    }
}

fn texts() -> Vec<EmbedInput> {
    vec![EmbedInput::Text(SEAL.into()), EmbedInput::Text("two".into())]
}

#[test]
fn tokens_of_contents_and_of_whole_requests() {
    let count = |request, options: &[(&str, &str)]| {
        <Gemini as TokenCount>::encode(request, endpoint(options)).unwrap()
    };
    let plain = count(request(), &[]);
    assert_eq!(plain.path, "/models/gemini-3-flash:countTokens");
    let contents = json!([{"role": "user", "parts": [{"text": "hi"}]}]);
    assert_eq!(json_of(&plain), json!({"contents": contents}));

    let messages = vec![Message::system(SEAL), Message::user("hi")];
    let whole = Request { messages, ..request() };
    let whole = Request { tool_choice: Some(ToolChoice::Auto), ..whole };
    let system = json!({"parts": [{"text": SEAL}]});
    assert_eq!(
        json_of(&count(whole.clone(), &[])),
        json!({"generateContentRequest": {"model": "models/gemini-3-flash",
            "systemInstruction": system, "contents": contents,
            "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}}})
    );
    assert_eq!(
        json_of(&count(whole, &VERTEX)),
        json!({"systemInstruction": system, "contents": contents})
    );
}

#[test]
fn counted_tokens() {
    let decode = |body| <Gemini as TokenCount>::decode(ok(body), String::new());
    assert_eq!(decode(json!({"totalTokens": 31, "promptTokensDetails": []})), Ok(31));
    for body in [json!({}), json!({"totalTokens": null}), json!({"totalTokens": "x"}), json!([])] {
        assert_eq!(decode(body).unwrap_err().kind, FailureKind::Unavailable);
    }
}

#[test]
fn texts_to_embed_in_a_batch() {
    let wished = EmbedRequest {
        dimensions: Some(64),
        purpose: Some("search_query".into()),
        ..embed(texts())
    };
    let upstream = <Gemini as Embeddings>::encode(wished, endpoint(&[])).unwrap();
    assert_eq!(upstream.path, "/models/gemini-embedding-001:batchEmbedContents");
    let one = |text: &str| {
        json!({"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]},
            "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 64})
    };
    assert_eq!(json_of(&upstream), json!({"requests": [one(SEAL), one("two")]}));
}

#[test]
fn texts_to_embed_on_vertex() {
    let wished =
        EmbedRequest { dimensions: Some(64), purpose: Some("clustering".into()), ..embed(texts()) };
    let upstream = <Gemini as Embeddings>::encode(wished, endpoint(&VERTEX)).unwrap();
    assert!(upstream.path.ends_with("/models/gemini-embedding-001:predict"));
    assert_eq!(
        json_of(&upstream),
        json!({"instances": [{"content": SEAL, "task_type": "CLUSTERING"},
            {"content": "two", "task_type": "CLUSTERING"}],
            "parameters": {"outputDimensionality": 64}})
    );
    let newer = |input| {
        let model = "gemini-embedding-2".into();
        let wished = EmbedRequest { model, dialect: "gemini".into(), ..embed(input) };
        <Gemini as Embeddings>::encode(wished, endpoint(&VERTEX))
    };
    let upstream = newer(vec![EmbedInput::Text("one".into())]).unwrap();
    assert!(upstream.path.ends_with("/models/gemini-embedding-2:embedContent"));
    let expected = json!({"content": {"parts": [{"text": "one"}]}, "title": "t"});
    assert_eq!(json_of(&upstream), expected);
    assert_eq!(newer(texts()).unwrap_err().kind, FailureKind::Unsupported);
}

#[test]
fn what_else_is_embedded() {
    let image = Media {
        kind: MediaKind::Image,
        source: MediaSource::Base64(SEAL.into()),
        mime: Some("image/png".into()),
        name: None,
        detail: None,
    };
    let parts = vec![ResultBody::Text("see".into()).into(), ResultBody::Media(image).into()];
    let wished = embed(vec![EmbedInput::Parts(parts)]);
    let upstream = <Gemini as Embeddings>::encode(wished.clone(), endpoint(&[])).unwrap();
    assert_eq!(
        json_of(&upstream).pointer("/requests/0/content/parts"),
        Some(&json!([{"text": "see"}, {"inlineData": {"mimeType": "image/png", "data": SEAL}}]))
    );
    let refused = <Gemini as Embeddings>::encode(wished, endpoint(&VERTEX)).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Unsupported);
    let tokens = embed(vec![EmbedInput::Tokens(vec![1, 2])]);
    let refused = <Gemini as Embeddings>::encode(tokens, endpoint(&[])).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Unsupported);
}

#[test]
fn vectors_of_all_three_methods() {
    let decode = |body| <Gemini as Embeddings>::decode(ok(body), String::new());
    let check = |body, expected: &[&[f32]], tokens: Option<u64>| {
        let answer = decode(body).unwrap();
        assert_eq!(answer.vectors, expected);
        assert_eq!(answer.usage.map(|usage| usage.prompt_tokens), tokens);
    };
    let batch = json!({"embeddings": [{"values": [0.5, 1]}, {"values": [2.0]}]});
    check(batch, &[&[0.5, 1.0], &[2.0]], None);
    let one = json!({"embedding": {"values": [0.5]}, "usageMetadata": {"promptTokenCount": 3}});
    check(one, &[&[0.5]], Some(3));
    let predicted = |value: f64, tokens: f64| json!({"embeddings": {"values": [value], "statistics": {"token_count": tokens}}});
    let both = json!({"predictions": [predicted(0.5, 4.0), predicted(0.25, 3.0)]});
    check(both, &[&[0.5], &[0.25]], Some(7));
    for body in [json!({}), json!({"embeddings": [{}]}), json!("x"), json!({"embeddings": null})] {
        assert_eq!(decode(body).unwrap_err().kind, FailureKind::Unavailable);
    }
}

#[test]
fn lists_of_models_page_by_page() {
    let ask = |cursor: Option<&str>, options: &[(&str, &str)]| {
        let cursor = cursor.map(Into::into);
        <Gemini as Models>::encode(cursor, endpoint(options)).unwrap().path
    };
    assert_eq!(ask(None, &[]), "/models?pageSize=1000");
    assert_eq!(ask(Some("a/b=&c"), &[]), "/models?pageSize=1000&pageToken=a%2Fb%3D%26c");
    assert_eq!(ask(None, &VERTEX), "/publishers/google/models?pageSize=100");

    let decode = |body| <Gemini as Models>::decode(ok(body), String::new());
    let page = decode(json!({
        "models": [
            {"name": "models/gemini-9", "inputTokenLimit": 1000, "outputTokenLimit": 100,
                "thinking": true},
            {"name": "tunedModels/mine"},
            {"displayName": "nameless"},
        ],
        "nextPageToken": "next",
    }))
    .unwrap();
    let told: Vec<_> = page
        .models
        .iter()
        .map(|model| (model.id.as_str(), model.context_length, model.max_output_tokens))
        .collect();
    assert_eq!(told, [("gemini-9", Some(1000), Some(100)), ("tunedModels/mine", None, None)]);
    assert_eq!(page.models[0].extra, [("thinking".into(), "true".into())]);
    assert_eq!(page.cursor.as_deref(), Some("next"));

    let vertex = json!({"publisherModels": [{"name": "publishers/google/models/gemini-9"}]});
    assert_eq!(decode(vertex).unwrap().models[0].id, "gemini-9");
    assert_eq!(decode(json!({})).unwrap().cursor, None);
    for body in [json!([]), json!({"models": 5}), json!("x")] {
        assert_eq!(decode(body).unwrap_err().kind, FailureKind::Unavailable);
    }
}
