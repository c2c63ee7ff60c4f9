//! The adapter on hand-written requests and transcripts.

use crate::{OpenAiChat, Xai};
use plugway_formats::testing::{check_broken, read_stream, read_whole};
use plugway_sdk::chat::*;
use plugway_sdk::testing::{Transcript, explained};
use serde_json::{Value, json};

type Adapter = OpenAiChat<Xai>;

#[test]
fn what_was_thought_is_written_too() {
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 53,
        "prompt_tokens_details": {"cached_tokens": 4, "text_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 40}, "num_sources_used": 2,
        "cost_in_usd_ticks": 3_530_500});
    let sources = json!(["https://example.com/a", "https://example.com/b"]);
    let whole = json!({"id": "x1", "model": "m", "usage": usage, "citations": sources,
        "choices": [{"index": 0, "finish_reason": "stop", "message":
            {"role": "assistant", "content": "Yes", "reasoning_content": "Hm", "refusal": null}}]});
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "x1", "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let mut last = chunk(json!({}), json!("stop"));
    last["citations"] = sources;
    let data = [
        chunk(json!({"role": "assistant", "reasoning_content": "H"}), Value::Null),
        chunk(json!({"reasoning_content": "m"}), Value::Null),
        chunk(json!({"content": "Yes"}), Value::Null),
        last,
        json!({"id": "x1", "model": "m", "choices": [], "usage": usage}),
        json!("[DONE]"),
    ];
    let answer = read_whole::<Adapter>(&whole, "openai-chat");
    assert_eq!(answer, read_stream::<Adapter>(&data, "openai-chat"));
    let counted = &answer.usage[0];
    assert_eq!((counted.completion_tokens, counted.reasoning_tokens), (43, 40));
    assert_eq!(counted.cost, Some(353_050_000));
    assert_eq!(counted.meters, [("sources".into(), 2)]);
    let urls: Vec<_> =
        answer.parts[&(0, 1)].citations.iter().map(|citation| citation.url.as_deref()).collect();
    assert_eq!(urls, [Some("https://example.com/a"), Some("https://example.com/b")]);
    check_broken::<Adapter>(&whole, &data, "openai-chat");
}

#[test]
fn responses_have_reasoning_of_its_own_format() {
    let whole = json!({"id": "r", "model": "m", "status": "completed", "output": [
        {"id": "rs_1", "type": "reasoning", "encrypted_content": "E",
            "summary": [{"type": "summary_text", "text": "Hm"}]},
        {"id": "msg", "type": "message", "content": [{"type": "output_text", "text": "Yes"}]}],
        "usage": {"input_tokens": 5, "output_tokens": 9, "total_tokens": 14, "cost_in_usd_ticks": 7}});
    let answer = read_whole::<Adapter>(&whole, "responses openai-responses");
    for part in [&answer.parts[&(0, 0)], &answer.parts[&(0, 1)]] {
        assert_eq!(part.format.as_deref(), Some("xai-responses-v1"));
    }
    assert_eq!(answer.usage[0].cost, Some(700));
}

#[test]
fn a_refused_key_comes_as_a_bad_request() {
    let check = |error: &str, expected| {
        let body = json!({"code": "invalid-argument", "error": error});
        let failure = explained::<Adapter>(&Transcript::new(400, body.to_string()));
        assert_eq!(failure.kind, expected);
        assert_eq!(failure.code.as_deref(), Some("invalid-argument"));
    };
    check("Incorrect API key provided.", FailureKind::Authentication);
    check("Model not found: m", FailureKind::ModelNotFound);
}
