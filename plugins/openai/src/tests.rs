//! The adapter on hand-written requests and transcripts.

use crate::{OpenAi, OpenAiChat, OpenAiEmbeddings, OpenAiModels};
use plugway_formats::testing::{body, check_broken, read_stream, read_whole};
use plugway_sdk::chat::*;
use plugway_sdk::embeddings::{EmbedInput, EmbedRequest, EmbedResponse, Embeddings};
use plugway_sdk::models::Models;
use plugway_sdk::provider::{Provider, ResponseHead, UpstreamResponse};
use plugway_sdk::testing::{Transcript, endpoint, explained, request};
use serde_json::{Value, json};

type Adapter = OpenAiChat<OpenAi>;

fn response(body: &str) -> UpstreamResponse {
    UpstreamResponse {
        head: ResponseHead { status: 200, headers: Vec::new() },
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn it_says_who_it_is() {
    let info = Adapter::describe();
    assert_eq!(info.name, "openai");
    assert_eq!(info.default_base_url.as_deref(), Some("https://api.openai.com/v1"));
    assert_eq!(info.dialects, ["openai-chat", "openai-responses"]);
    assert_eq!(info.reasoning_formats, ["openai-responses-v1"]);
    assert!(info.supported_parameters.iter().any(|name| name == "tools"));
}

#[test]
fn a_conversation_with_tools_whole_and_streamed() {
    let usage = json!({"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29,
        "prompt_tokens_details": {"cached_tokens": 16},
        "completion_tokens_details": {"reasoning_tokens": 5, "accepted_prediction_tokens": 1}});
    let call = |arguments: &str| {
        json!({"id": "call_1", "type": "function",
        "function": {"name": "tide", "arguments": arguments}})
    };
    let whole = json!({"id": "c1", "model": "m-1", "service_tier": "flex", "usage": usage,
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message":
            {"role": "assistant", "content": null, "refusal": null, "tool_calls": [call("{\"port\":\"Texel\"}")]}}]});
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "c1", "model": "m-1", "service_tier": "flex", "obfuscation": "xyz",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": null})
    };
    let bit = |arguments: &str| json!({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]});
    let mut first = call("");
    first["index"] = json!(0);
    let data = [
        chunk(json!({"role": "assistant", "content": null, "tool_calls": [first]}), Value::Null),
        chunk(bit("{\"port\":"), Value::Null),
        chunk(bit("\"Texel\"}"), Value::Null),
        chunk(json!({}), json!("tool_calls")),
        json!({"id": "c1", "model": "m-1", "choices": [], "usage": usage}),
        json!("[DONE]"),
    ];
    let answer = read_whole::<Adapter>(&whole, "openai-chat");
    assert_eq!(answer, read_stream::<Adapter>(&data, "openai-chat"));
    assert_eq!(answer.calls(0), [("tide", "{\"port\":\"Texel\"}")]);
    assert_eq!((answer.usage[0].cache_read_tokens, answer.usage[0].reasoning_tokens), (16, 5));
    assert_eq!(answer.usage[0].meters, [("accepted-prediction-tokens".into(), 1)]);
    check_broken::<Adapter>(&whole, &data, "openai-chat");
}

#[test]
fn explicit_caching_is_asked_for_by_the_client() {
    let mut part = Part::text("long");
    part.cache = Some(CachePoint { ttl: None });
    let asked = |extra: &[(&str, &str)]| Request {
        messages: vec![Message::new(Role::User, vec![part.clone()])],
        extra: extra.iter().map(|(name, json)| ((*name).into(), (*json).into())).collect(),
        ..request()
    };
    let plain = body::<Adapter>(asked(&[]), &[]).unwrap();
    assert_eq!(plain["messages"][0]["content"], json!("long"));
    let explicit = [("prompt_cache_options", r#"{"mode":"explicit"}"#)];
    let marked = body::<Adapter>(asked(&explicit), &[]).unwrap();
    assert_eq!(
        marked["messages"][0]["content"][0]["prompt_cache_breakpoint"],
        json!({"mode": "explicit"})
    );
}

#[test]
fn the_api_is_an_option() {
    let api = [("api", r#""responses""#)];
    let upstream = Adapter::encode(request(), endpoint(&api)).unwrap();
    assert_eq!(upstream.path, "/responses");
    let answer = json!({"id": "resp_1", "model": "m", "status": "completed", "output": [
        {"id": "msg_1", "type": "message", "content": [{"type": "output_text", "text": "Hi"}]}]});
    assert_eq!(read_whole::<Adapter>(&answer, &upstream.memo).text(0), "Hi");
    let data = [
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"}),
        json!({"type": "response.completed", "response": answer}),
    ];
    assert_eq!(read_stream::<Adapter>(&data, &upstream.memo).text(0), "Hi");
}

fn embedding(input: Vec<EmbedInput>) -> EmbedRequest {
    EmbedRequest {
        model: "e".into(),
        dialect: "openai-chat".into(),
        input,
        dimensions: Some(2),
        purpose: None,
        user: Some("u".into()),
        extra: vec![("encoding_format".into(), "\"base64\"".into())],
    }
}

fn embedded(body: &str, memo: &str) -> Result<EmbedResponse, Failure> {
    <OpenAiEmbeddings<OpenAi> as Embeddings>::decode(response(body), memo.into())
}

#[test]
fn embeddings_come_back_in_the_order_of_the_input() {
    let inputs = vec![EmbedInput::Text("a".into()), EmbedInput::Tokens(vec![1, 2])];
    let upstream =
        <OpenAiEmbeddings<OpenAi> as Embeddings>::encode(embedding(inputs), endpoint(&[])).unwrap();
    assert_eq!((upstream.path.as_str(), upstream.memo.as_str()), ("/embeddings", "2"));
    let body: Value = serde_json::from_slice(&upstream.body).unwrap();
    assert_eq!(
        body,
        json!({"model": "e", "input": ["a", [1, 2]], "dimensions": 2, "user": "u",
            "encoding_format": "base64"})
    );
    let answer = r#"{"data":[{"index":1,"embedding":"AACAPwAAAL8="},{"index":0,"embedding":[0.5,2]}],
        "usage":{"prompt_tokens":3,"total_tokens":3}}"#;
    let response = embedded(answer, "2").unwrap();
    assert_eq!(response.vectors, [vec![0.5, 2.0], vec![1.0, -0.5]]);
    assert_eq!(response.usage.map(|usage| usage.prompt_tokens), Some(3));
    let kind = |body: &str| embedded(body, "2").unwrap_err().kind;
    assert_eq!(kind(r#"{"data":[{"index":0,"embedding":[1]}]}"#), FailureKind::Unavailable);
    assert_eq!(kind("<html>"), FailureKind::Unavailable);
    assert_eq!(
        kind(r#"{"error":{"message":"x","code":"insufficient_quota"}}"#),
        FailureKind::PaymentRequired
    );
    let parts = embedding(vec![EmbedInput::Parts(Vec::new())]);
    let refused = <OpenAiEmbeddings<OpenAi> as Embeddings>::encode(parts, endpoint(&[]));
    assert_eq!(refused.unwrap_err().kind, FailureKind::Unsupported);
}

#[test]
fn models_are_listed() {
    let page = |cursor: Option<&str>| {
        <OpenAiModels<OpenAi> as Models>::encode(cursor.map(Into::into), endpoint(&[])).unwrap()
    };
    assert_eq!((page(None).method.as_str(), page(None).path.as_str()), ("GET", "/models"));
    assert_eq!(page(Some("a/b")).path, "/models?after=a%2Fb");
    let read = |body: &str| <OpenAiModels<OpenAi> as Models>::decode(response(body), String::new());
    let listed = read(
        r#"{"data":[{"id":"a","owned_by":"x"},{"id":"b","context_window":9,"max_completion_tokens":4}],
            "has_more":true,"last_id":"b"}"#,
    )
    .unwrap();
    assert_eq!(listed.cursor.as_deref(), Some("b"));
    assert_eq!(listed.models[0].extra, [("owned_by".into(), "\"x\"".into())]);
    let limits = (listed.models[1].context_length, listed.models[1].max_output_tokens);
    assert_eq!(limits, (Some(9), Some(4)));
    assert_eq!(read("<html>").unwrap_err().kind, FailureKind::Unavailable);
}

#[test]
fn a_wait_that_only_the_message_names() {
    let told = |message: &str| {
        let error =
            json!({"error": {"message": message, "type": "tokens", "code": "rate_limit_exceeded"}});
        explained::<Adapter>(&Transcript::new(429, error.to_string())).retry_after_ms
    };
    assert_eq!(
        told("Limit 30000, Used 14567. Please try again in 18.642s. See docs."),
        Some(18_642)
    );
    assert_eq!(told("Please try again in 120ms."), Some(120));
    assert_eq!(told("Please try again in 1m2.5s."), Some(62_500));
    assert_eq!(told("Please try again later."), None);
}
