//! The adapter on hand-written requests and transcripts.

use crate::{OpenAiChat, Perplexity};
use plugway_formats::testing::{body, read_stream, read_whole};
use plugway_sdk::chat::*;
use plugway_sdk::testing::request;
use serde_json::{Value, json};

type Adapter = OpenAiChat<Perplexity>;

fn chunk(so_far: &str, new: &str, finish: Value, written: u64) -> Value {
    json!({"id": "p1", "model": "m", "object": "chat.completion",
        "usage": {"prompt_tokens": 5, "completion_tokens": written, "total_tokens": 5 + written,
            "search_context_size": "low", "num_search_queries": 1, "citation_tokens": 30,
            "cost": {"input_tokens_cost": 0.001, "request_cost": 0.005, "total_cost": 0.006}},
        "citations": ["https://example.com/a"],
        "search_results": [{"title": "A", "url": "https://example.com/a", "date": null, "snippet": "said so"}],
        "choices": [{"index": 0, "finish_reason": finish,
            "message": {"role": "assistant", "content": so_far},
            "delta": {"role": "assistant", "content": new}}]})
}

#[test]
fn a_stream_that_repeats_itself_and_has_no_end_mark() {
    let whole = chunk("It rains [1].", "", json!("stop"), 3);
    let data = [
        chunk("It", "It", Value::Null, 1),
        chunk("It rains", " rains", Value::Null, 2),
        chunk("It rains [1].", " [1].", json!("stop"), 3),
    ];
    let answer = read_whole::<Adapter>(&whole, "openai-chat");
    assert_eq!(answer, read_stream::<Adapter>(&data, "openai-chat"));
    assert_eq!(answer.text(0), "It rains [1].");
    let source = Citation {
        url: Some("https://example.com/a".into()),
        title: Some("A".into()),
        quote: Some("said so".into()),
        ..Citation::default()
    };
    assert_eq!(answer.parts[&(0, 0)].citations, [source]);
    let counted = &answer.usage[0];
    assert_eq!((counted.completion_tokens, counted.cost), (3, Some(6_000_000_000)));
    let meters = [("web-searches".to_owned(), 1), ("citation-tokens".to_owned(), 30)];
    assert_eq!(counted.meters, meters);
    let cut = read_stream::<Adapter>(&data[..2], "openai-chat");
    assert_eq!(cut.failure.map(|failure| failure.kind), Some(FailureKind::Unavailable));
}

#[test]
fn what_it_searches_with_is_native() {
    let asked = Request {
        extra: vec![("search_context_size".into(), "\"low\"".into())],
        sampling: Sampling { top_k: Some(3), seed: Some(1), ..Sampling::default() },
        ..request()
    };
    assert_eq!(
        body::<Adapter>(asked, &[]).unwrap(),
        json!({"model": "test-model", "messages": [{"role": "user", "content": "hi"}],
            "top_k": 3, "search_context_size": "low"})
    );
}

#[test]
fn tools_are_refused_by_name() {
    let tool = Tool::Native(r#"{"type":"function"}"#.into());
    let failure = body::<Adapter>(Request { tools: vec![tool], ..request() }, &[]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert_eq!(failure.param.as_deref(), Some("tools"));
}
