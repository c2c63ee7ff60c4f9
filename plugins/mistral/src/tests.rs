//! The adapter on hand-written requests and transcripts.

use crate::{Mistral, OpenAiChat};
use plugway_formats::testing::{body, check_broken, read_stream, read_whole};
use plugway_sdk::chat::*;
use plugway_sdk::testing::request;
use serde_json::{Value, json};

type Adapter = OpenAiChat<Mistral>;

fn messages(messages: Vec<Message>) -> Value {
    body::<Adapter>(Request { messages, ..request() }, &[]).unwrap()["messages"].clone()
}

#[test]
fn thoughts_are_items_of_the_content() {
    let thinking =
        |text: &str| json!([{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]);
    let whole = json!({"id": "m1", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "tool_calls": null, "content": [
            {"type": "thinking", "closed": true, "thinking": [{"type": "text", "text": "Two and two"}]},
            {"type": "text", "text": "Four"}]}}]});
    let chunk = |content: Value, finish: Value| {
        json!({"id": "m1", "model": "m", "p": "abc", "choices":
            [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]})
    };
    let data = [
        chunk(thinking("Two "), Value::Null),
        chunk(thinking("and two"), Value::Null),
        chunk(json!([{"type": "text", "text": "Fo"}]), Value::Null),
        chunk(json!("ur"), Value::Null),
        chunk(json!(""), json!("stop")),
        json!("[DONE]"),
    ];
    let answer = read_whole::<Adapter>(&whole, "openai-chat");
    assert_eq!(answer, read_stream::<Adapter>(&data, "openai-chat"));
    assert_eq!((answer.reasoning(0).as_str(), answer.text(0).as_str()), ("Two and two", "Four"));
    check_broken::<Adapter>(&whole, &data, "openai-chat");
    let said = vec![Part::reasoning("Two and two"), Part::text("Four")];
    assert_eq!(
        messages(vec![Message::new(Role::Assistant, said), Message::user("u")])[0]["content"],
        json!([{"type": "thinking", "thinking": [{"type": "text", "text": "Two and two"}]},
            {"type": "text", "text": "Four"}])
    );
}

#[test]
fn thoughts_between_texts_stay_between_them() {
    let thought = |text: &str| json!({"type": "thinking", "thinking": text});
    let said = |text: &str| json!({"type": "text", "text": text});
    let whole = json!({"id": "m1", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content":
            [thought("One."), said("Two"), said("."), thought("Three."), said("Four.")]}}]});
    let chunk = |content: Value, finish: Value| {
        json!({"id": "m1", "model": "m", "choices":
            [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]})
    };
    let data = [
        chunk(json!(""), Value::Null),
        chunk(json!([thought("On")]), Value::Null),
        chunk(json!([thought("e."), said("Tw")]), Value::Null),
        chunk(json!("o."), Value::Null),
        chunk(json!([thought("Three.")]), Value::Null),
        chunk(json!("Four."), json!("stop")),
        json!("[DONE]"),
    ];
    let answer = read_whole::<Adapter>(&whole, "anthropic-messages");
    assert_eq!(answer, read_stream::<Adapter>(&data, "anthropic-messages"));
    let parts: Vec<_> = answer.parts.values().cloned().collect();
    let expected = [
        Part::reasoning("One."),
        Part::text("Two."),
        Part::reasoning("Three."),
        Part::text("Four."),
    ];
    assert_eq!(parts, expected);
}

#[test]
fn references_are_citations() {
    let whole = json!({"choices": [{"finish_reason": "stop", "message": {"content": [
        {"type": "text", "text": "It rains"},
        {"type": "reference", "reference_ids": [0, 3]},
        {"type": "text", "text": "."},
        {"type": "tool_reference", "tool": "web_search", "title": "T", "url": "https://example.com"}]}}]});
    let answer = read_whole::<Adapter>(&whole, "openai-chat");
    assert_eq!(answer.text(0), "It rains.");
    let citations = &answer.parts[&(0, 0)].citations;
    assert_eq!(citations[0].extra, [("reference_ids".into(), "[0,3]".into())]);
    assert_eq!(citations[1].url.as_deref(), Some("https://example.com"));
    // A number means nothing to another format's client.
    assert_eq!(read_whole::<Adapter>(&whole, "gemini").parts[&(0, 0)].citations.len(), 1);
}

#[test]
fn ids_of_calls_are_nine_letters_and_digits() {
    let call = |id: &str| {
        let result = ToolResult {
            call_id: id.into(),
            name: "f".into(),
            content: vec![ResultBody::Text("r".into()).into()],
            failed: false,
            freeform: false,
        };
        let said = messages(vec![
            Message::new(Role::Assistant, vec![ToolCall::new(id, "f", "{}").into()]),
            Message::new(Role::Tool, vec![result.into()]),
        ]);
        let ids = [&said[0]["tool_calls"][0]["id"], &said[1]["tool_call_id"]];
        assert_eq!(ids[0], ids[1]);
        ids[0].as_str().unwrap().to_owned()
    };
    assert_eq!(call("Df1cqWOle"), "Df1cqWOle");
    let mapped = call("toolu_01A");
    assert!(
        mapped.len() == 9 && mapped.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{mapped}"
    );
    assert_eq!(mapped, call("toolu_01A"));
    assert_ne!(mapped, call("toolu_01B"));
}

#[test]
fn its_own_names() {
    let function = FunctionTool {
        name: "f".into(),
        description: None,
        parameters: None,
        strict: None,
        cache: None,
        extra: Vec::new(),
    };
    let asked = Request {
        tools: vec![Tool::Function(function)],
        tool_choice: Some(ToolChoice::Required),
        sampling: Sampling { seed: Some(7), top_k: Some(5), ..Sampling::default() },
        max_tokens: Some(9),
        streaming: true,
        ..request()
    };
    let said = body::<Adapter>(asked, &[]).unwrap();
    assert_eq!((&said["random_seed"], &said["tool_choice"]), (&json!(7), &json!("any")));
    assert_eq!((&said["max_tokens"], &said["stream"]), (&json!(9), &json!(true)));
    assert!(said.get("top_k").is_none() && said.get("stream_options").is_none());
}

#[test]
fn documents_sounds_and_beginnings() {
    let media = |kind, source| Media { kind, source, mime: None, name: None, detail: None };
    let pdf = media(MediaKind::Document, MediaSource::Uri("https://example.com/a.pdf".into()));
    let sound = media(MediaKind::Audio, MediaSource::Base64("AAAA".into()));
    let said = messages(vec![
        Message::new(Role::User, vec![pdf.into(), sound.into()]),
        Message::assistant("Once upon"),
    ]);
    assert_eq!(
        said,
        json!([
            {"role": "user", "content": [
                {"type": "document_url", "document_url": "https://example.com/a.pdf"},
                {"type": "input_audio", "input_audio": "AAAA"}]},
            {"role": "assistant", "content": "Once upon", "prefix": true},
        ])
    );
}

#[test]
fn ends_and_counts() {
    let whole = json!({"choices": [{"finish_reason": "model_length", "message": {"content": "x"}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10,
            "num_cached_tokens": 4, "prompt_audio_seconds": 5}});
    let answer = read_whole::<Adapter>(&whole, "");
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::Length, "model_length")]);
    assert_eq!(answer.usage[0].cache_read_tokens, 4);
    assert_eq!(answer.usage[0].meters, [("prompt-audio-seconds".into(), 5)]);
}
