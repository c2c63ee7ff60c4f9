//! Writing Converse's answer, whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::dialect::Answer;
use crate::ids;
use crate::reply::{Finish, Usage};
use crate::speech::{Cite, Say, arguments};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    output: Output<'a>,
    stop_reason: &'static str,
    usage: Value,
    metrics: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_fields: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_simulated: Option<Value>,
}

#[derive(Serialize)]
struct Output<'a> {
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Block<'a> {
    Text(&'a str),
    ReasoningContent(Value),
    CitationsContent(Value),
    ToolUse(ToolUse<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse<'a> {
    tool_use_id: String,
    name: &'a str,
    input: Box<RawValue>,
}

pub(super) fn whole(answer: &Answer<'_>, body: &mut Vec<u8>) {
    let reply = answer.reply;
    let blocks = reply.parts.iter().enumerate().map(|(place, say)| block(answer, place, say));
    let message = Message { role: "assistant", content: blocks.collect() };
    let whole = Whole {
        output: Output { message },
        stop_reason: stop_reason(&reply.finish),
        usage: usage(&reply.usage),
        metrics: json!({"latencyMs": 1}),
        additional_model_response_fields: additional(answer),
        x_simulated: answer.extras.then(|| json!({"note": "no client knows this"})),
    };
    // Writing into a Vec cannot fail.
    let _ = serde_json::to_writer(body, &whole);
}

fn block<'a>(answer: &Answer<'_>, place: usize, say: &'a Say) -> Block<'a> {
    match say {
        Say::Text(text) | Say::Refusal(text) => Block::Text(text),
        Say::Cited { text, sources } => Block::CitationsContent(json!({
            "content": [{"text": text}],
            "citations": sources.iter().map(citation).collect::<Vec<_>>()})),
        Say::Reasoning(text) => Block::ReasoningContent(json!({
            "reasoningText": {"text": text, "signature": ids::signature(text)}})),
        Say::Sealed(data) => Block::ReasoningContent(json!({"redactedContent": redacted(data)})),
        Say::Call { name, arguments: written } => Block::ToolUse(ToolUse {
            tool_use_id: call_id(answer, place),
            name,
            input: arguments(written),
        }),
    }
}

pub(super) fn citation(source: &Cite) -> Value {
    json!({
        "title": source.title,
        "sourceContent": [{"text": source.quote}],
        "location": {"web": {"url": source.url, "domain": "simulated.example"}},
    })
}

/// What is redacted travels as bytes: those of the text that Anthropic's API has.
pub(super) fn redacted(data: &str) -> String {
    STANDARD.encode(data)
}

pub(super) fn call_id(answer: &Answer<'_>, place: usize) -> String {
    ids::id("tooluse_", answer.number_of(place), 22)
}

pub(super) fn stop_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::ToolCalls => "tool_use",
        Finish::ContentFilter => "content_filtered",
        Finish::StopSequence(_) => "stop_sequence",
    }
}

/// Fields of the model's own answer that were asked for.
pub(super) fn additional(answer: &Answer<'_>) -> Option<Value> {
    let sequence = match &answer.reply.finish {
        Finish::StopSequence(sequence) => Some(sequence),
        _ => None,
    };
    answer.prompt.echoes_stop.then(|| json!({"stop_sequence": sequence}))
}

/// Prompt tokens are counted without those that a cache has a part in.
pub(super) fn usage(usage: &Usage) -> Value {
    let fresh = usage.prompt - usage.cache_read - usage.cache_written;
    json!({
        "inputTokens": fresh,
        "outputTokens": usage.completion,
        "totalTokens": usage.prompt.saturating_add(usage.completion),
        "cacheReadInputTokens": usage.cache_read,
        "cacheWriteInputTokens": usage.cache_written,
    })
}
