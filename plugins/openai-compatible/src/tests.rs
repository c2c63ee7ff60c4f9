//! The adapter on hand-written requests and transcripts.

use crate::{Compatible, DocumentRerank, OpenAiChat, OpenAiEmbeddings};
use plugway_formats::testing::{body, check_broken, read_sse, read_stream, read_whole};
use plugway_sdk::chat::*;
use plugway_sdk::embeddings::{EmbedInput, EmbedRequest, Embeddings};
use plugway_sdk::provider::{Provider, ResponseHead, UpstreamResponse};
use plugway_sdk::rerank::{Rerank, RerankRequest};
use plugway_sdk::testing::{endpoint, request};
use serde_json::{Value, json};

type Adapter = OpenAiChat<Compatible>;

/// Checks one field of the body that a request becomes.
fn check(asked: &Request, options: &[(&str, &str)], field: &str, expected: Value) {
    let body = body::<Adapter>(asked.clone(), options).unwrap();
    assert_eq!(body.get(field).cloned().unwrap_or(Value::Null), expected, "{field} of {body}");
}

#[test]
fn ways_to_ask_for_reasoning() {
    let asked = |wanted: ReasoningOptions| Request { reasoning: Some(wanted), ..request() };
    let on = asked(ReasoningOptions {
        enabled: Some(true),
        effort: Some("max".into()),
        ..ReasoningOptions::default()
    });
    let off = asked(ReasoningOptions { enabled: Some(false), ..ReasoningOptions::default() });
    let way = |name| [("reasoning_field", name)];
    check(&on, &[], "reasoning_effort", json!("max"));
    check(&on, &[("efforts", r#"["low","high"]"#)], "reasoning_effort", json!("high"));
    check(&on, &[("efforts", "[]")], "reasoning_effort", Value::Null);
    check(&on, &way(r#""none""#), "reasoning_effort", Value::Null);
    check(&on, &way(r#""reasoning""#), "reasoning", json!({"enabled": true, "effort": "max"}));
    check(&on, &way(r#""thinking""#), "thinking", json!({"type": "enabled"}));
    check(&off, &way(r#""thinking""#), "thinking", json!({"type": "disabled"}));
    check(&off, &way(r#""enable_thinking""#), "enable_thinking", json!(false));
    let template = json!({"enable_thinking": false});
    check(&off, &way(r#""chat_template_kwargs""#), "chat_template_kwargs", template);
    let wrong = body::<Adapter>(request(), &way(r#""aloud""#)).unwrap_err();
    assert!(wrong.message.contains("reasoning_field") && wrong.message.contains("thinking"));
}

#[test]
fn what_a_server_refuses() {
    let sampling = Sampling { seed: Some(1), top_k: Some(2), ..Sampling::default() };
    let asked = Request { sampling, ..request() };
    check(&asked, &[], "top_k", json!(2));
    check(&asked, &[("refused", r#"["seed"]"#)], "seed", Value::Null);
    let several = Request { choices: 2, ..request() };
    check(&several, &[], "n", json!(2));
    let failure = body::<Adapter>(several, &[("refused", r#"["n"]"#)]).unwrap_err();
    assert_eq!((failure.kind, failure.param.as_deref()), (FailureKind::Unsupported, Some("n")));
    let streamed = Request { streaming: true, ..request() };
    check(&streamed, &[], "stream_options", json!({"include_usage": true}));
    check(&streamed, &[("stream_usage", "false")], "stream_options", Value::Null);
    check(&streamed, &[("refused", r#"["stream_options"]"#)], "stream_options", Value::Null);
}

#[test]
fn other_names_and_paths() {
    let asked = Request {
        messages: vec![Message::system("s"), Message::new(Role::Developer, vec![Part::text("d")])],
        max_tokens: Some(9),
        ..request()
    };
    let roles = json!([{"role": "system", "content": "s"}, {"role": "system", "content": "d"}]);
    check(&asked, &[], "messages", roles);
    let renamed = [("system_role", r#""user""#), ("developer_role", r#""developer""#)];
    let roles = json!([{"role": "user", "content": "s"}, {"role": "developer", "content": "d"}]);
    check(&asked, &renamed, "messages", roles);
    check(&asked, &[], "max_tokens", json!(9));
    let newer = [("max_tokens_field", r#""max_completion_tokens""#)];
    check(&asked, &newer, "max_completion_tokens", json!(9));
    let path = [("path", r#""/api/v2/cortex/v1/chat/completions""#)];
    let upstream = Adapter::encode(request(), endpoint(&path)).unwrap();
    assert_eq!(upstream.path, "/api/v2/cortex/v1/chat/completions");
}

#[test]
fn media_by_address() {
    let image = Media {
        kind: MediaKind::Image,
        source: MediaSource::Uri("https://example.com/i.png".into()),
        mime: None,
        name: None,
        detail: None,
    };
    let messages = vec![Message::new(Role::User, vec![image.into()])];
    let asked = Request { messages, ..request() };
    let content = json!([{"role": "user", "content": [{"type": "image_url",
        "image_url": {"url": "https://example.com/i.png"}}]}]);
    check(&asked, &[], "messages", content);
    let failure = body::<Adapter>(asked, &[("image_urls", "false")]).unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("fetch"));
    assert_eq!(failure.param.as_deref(), Some("https://example.com/i.png"));
}

#[test]
fn cache_breakpoints() {
    let mut part = Part::text("long");
    part.cache = Some(CachePoint { ttl: None });
    let messages = vec![Message::new(Role::User, vec![part])];
    let native = Request { messages, ..request() };
    let foreign = Request { dialect: "anthropic-messages".into(), ..native.clone() };
    let marked = json!([{"role": "user", "content": [{"type": "text", "text": "long",
        "cache_control": {"type": "ephemeral"}}]}]);
    let plain = json!([{"role": "user", "content": "long"}]);
    check(&native, &[], "messages", marked.clone());
    check(&foreign, &[], "messages", plain.clone());
    check(&foreign, &[("cache_points", r#""cache_control""#)], "messages", marked);
    check(&native, &[("cache_points", r#""none""#)], "messages", plain);
}

#[test]
fn sets_of_allowed_tools_and_tools_without_a_schema() {
    let function = |name: &str| {
        Tool::Function(FunctionTool {
            name: name.into(),
            description: None,
            parameters: None,
            strict: None,
            cache: None,
            extra: Vec::new(),
        })
    };
    let allowed = AllowedTools { names: vec!["g".into()], required: true };
    let asked = Request {
        tools: vec![function("f"), function("g")],
        tool_choice: Some(ToolChoice::Allowed(allowed)),
        ..request()
    };
    check(&asked, &[], "tools", json!([{"type": "function", "function": {"name": "g"}}]));
    check(&asked, &[], "tool_choice", json!("required"));
    let freeform =
        FreeformTool { name: "sh".into(), description: None, grammar: None, extra: Vec::new() };
    let asked = Request { tools: vec![Tool::Freeform(freeform)], ..request() };
    assert_eq!(body::<Adapter>(asked.clone(), &[]).unwrap_err().kind, FailureKind::Unsupported);
    let known = [("freeform_tools", "true")];
    check(&asked, &known, "tools", json!([{"type": "custom", "custom": {"name": "sh"}}]));
}

#[test]
fn proofs_in_extra_content() {
    let body_ = json!({"id": "r-9", "choices": [{"finish_reason": "tool_calls", "message": {"tool_calls":
        [{"id": "", "function": {"name": "f", "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": "S"}}}]}}]});
    let answer = read_whole::<Adapter>(&body_, "openai-chat");
    let part = answer.parts[&(0, 0)].clone();
    assert_eq!(part.signature.as_deref(), Some("S"));
    assert_eq!(part.format.as_deref(), Some("google-gemini-v1"));
    let mut back = part;
    back.extra.clear();
    let messages = vec![Message::new(Role::Assistant, vec![back])];
    let asked = Request { messages, ..request() };
    let sent = body::<Adapter>(asked, &[("send_reasoning", r#""extra_content""#)]).unwrap();
    assert_eq!(
        sent["messages"][0]["tool_calls"][0]["extra_content"],
        json!({"google": {"thought_signature": "S"}})
    );
}

/// A server that writes every field of its types, mostly empty, and never says why it
/// ended.
#[test]
fn empty_fields_say_nothing() {
    let nothing = json!({"data": "", "id": "", "expires_at": 0, "transcript": ""});
    let whole = json!({"id": "", "model": "m", "service_tier": "", "choices": [{"index": 0,
        "finish_reason": "", "logprobs": {"content": null, "refusal": null}, "message":
            {"role": "assistant", "content": "4", "refusal": "", "annotations": null, "audio": nothing,
                "function_call": {"name": "", "arguments": ""}, "tool_calls": null}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}});
    let chunk = |content: &str| {
        json!({"id": "", "model": "m", "choices": [{"index": 0, "delta":
            {"content": content, "refusal": "", "role": "assistant", "tool_calls": null}}]})
    };
    let data = [
        chunk(""),
        chunk("4"),
        json!({"id": "", "model": "m", "choices": [], "usage": whole["usage"]}),
        json!("[DONE]"),
    ];
    let answer = read_whole::<Adapter>(&whole, "openai-chat");
    assert_eq!(answer, read_stream::<Adapter>(&data, "openai-chat"));
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::Stop, "")]);
    check_broken::<Adapter>(&whole, &data, "openai-chat");
}

#[test]
fn a_null_that_is_a_word_ends_nothing() {
    let chunk = |text: &str, finish: &str| json!({"choices": [{"delta": {"content": text}, "finish_reason": finish}]});
    let data = [chunk("a", "null"), chunk("b", "null"), chunk("", "stop"), json!("[DONE]")];
    assert_eq!(read_stream::<Adapter>(&data, "openai-chat").text(0), "ab");
}

#[test]
fn usage_that_never_comes_is_none() {
    let data =
        "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"eos\"}]}\n\n";
    let answer = read_sse::<Adapter>(data, "openai-chat");
    assert!(answer.usage.is_empty());
    assert_eq!(answer.finishes[0].reason, FinishReason::Stop);
}

fn response(body: &str) -> UpstreamResponse {
    UpstreamResponse {
        head: ResponseHead { status: 200, headers: Vec::new() },
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn documents_are_ranked_in_every_shape() {
    let asked = RerankRequest {
        model: "r".into(),
        query: "q".into(),
        documents: vec!["a".into(), "b".into()],
        top_n: Some(1),
        extra: Vec::new(),
    };
    let options = [("rerank_path", r#""/v1/rerank""#), ("top_n_field", r#""top_k""#)];
    let upstream =
        <DocumentRerank<Compatible> as Rerank>::encode(asked, endpoint(&options)).unwrap();
    assert_eq!(upstream.path, "/v1/rerank");
    let body: Value = serde_json::from_slice(&upstream.body).unwrap();
    assert_eq!(body, json!({"model": "r", "query": "q", "documents": ["a", "b"], "top_k": 1}));
    let read = |body: &str| {
        let read = <DocumentRerank<Compatible> as Rerank>::decode(response(body), "2".into());
        read.map(|answer| {
            let order = answer.rankings.iter().map(|ranking| ranking.document).collect::<Vec<_>>();
            (order, answer.usage.map(|usage| usage.prompt_tokens))
        })
    };
    let ranked = r#"[{"index":0,"relevance_score":-4.5},{"index":1,"relevance_score":0.5}]"#;
    let usage = r#""usage":{"total_tokens":7}"#;
    let expected = (vec![1, 0], Some(7));
    assert_eq!(read(&format!(r#"{{"results":{ranked},{usage}}}"#)).unwrap(), expected);
    assert_eq!(read(&format!(r#"{{"data":{ranked},{usage}}}"#)).unwrap(), expected);
    assert_eq!(read(&ranked.replace("relevance_score", "score")).unwrap(), (vec![1, 0], None));
    let kind = |body: &str| read(body).unwrap_err().kind;
    assert_eq!(kind(r#"{"results":[{"index":2,"relevance_score":1}]}"#), FailureKind::Unavailable);
    assert_eq!(kind("<html>"), FailureKind::Unavailable);
}

#[test]
fn what_vectors_are_for() {
    let asked = EmbedRequest {
        model: "v".into(),
        dialect: "openai-chat".into(),
        input: vec![EmbedInput::Text("a".into())],
        dimensions: Some(8),
        purpose: Some("search_query".into()),
        user: None,
        extra: Vec::new(),
    };
    let options = [
        ("dimensions_field", r#""output_dimension""#),
        ("purpose_field", r#""input_type""#),
        ("purposes", r#"{"search_query":"query"}"#),
    ];
    let upstream =
        <OpenAiEmbeddings<Compatible> as Embeddings>::encode(asked, endpoint(&options)).unwrap();
    let body: Value = serde_json::from_slice(&upstream.body).unwrap();
    assert_eq!(
        body,
        json!({"model": "v", "input": ["a"], "output_dimension": 8, "input_type": "query"})
    );
}
