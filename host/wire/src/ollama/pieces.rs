//! How the pieces of an answer look, whole or streamed.

use plugway_engine::chat::{
    FinishReason, Media, MediaKind, MediaSource, Part, PartBody, Reasoning,
};

use super::{Kind, Told, rfc3339};
use crate::json::{self, Writer, write_extra};
use crate::{Bill, Head};

/// Names of an answer that no native field may take.
const ANSWER_FIELDS: [&str; 14] = [
    "model",
    "created_at",
    "message",
    "response",
    "thinking",
    "image",
    "tool_calls",
    "done",
    "done_reason",
    "prompt_eval_count",
    "eval_count",
    "logprobs",
    "error",
    "context",
];

const CALL_FIELDS: [&str; 3] = ["id", "type", "function"];

/// What took how long, in nanoseconds. Clients compute speeds of these and some insist
/// on them; who did not measure says 0.
const DURATIONS: [&str; 4] =
    ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"];

/// What one object of an answer says.
#[derive(Default)]
pub(super) struct Said<'p> {
    pub(super) text: String,
    pub(super) thinking: String,
    /// Images and calls.
    pub(super) whole: Vec<&'p Part>,
}

impl Said<'_> {
    pub(super) fn write(&self, json: &mut Writer<'_>, kind: Kind) {
        match kind {
            Kind::Chat => {
                json.key("message").open(b'{');
                json.key("role").string("assistant");
                json.key("content").string(&self.text);
                self.write_rest(json, kind);
                json.close(b'}');
            }
            Kind::Generate => {
                json.key("response").string(&self.text);
                self.write_rest(json, kind);
            }
        }
    }

    fn write_rest(&self, json: &mut Writer<'_>, kind: Kind) {
        if !self.thinking.is_empty() {
            json.key("thinking").string(&self.thinking);
        }
        let images: Vec<&str> = self.whole.iter().filter_map(|part| image(part)).collect();
        match (kind, images.first()) {
            (_, None) => {}
            // There is room for one.
            (Kind::Generate, Some(image)) => json.key("image").string(image),
            (Kind::Chat, Some(_)) => {
                json.key("images").open(b'[');
                images.iter().for_each(|image| json.string(image));
                json.close(b']');
            }
        }
        write_calls(json, &self.whole);
    }
}

/// The base64 of an image.
fn image(part: &Part) -> Option<&str> {
    match &part.body {
        PartBody::Media(Media {
            kind: MediaKind::Image,
            source: MediaSource::Base64(data),
            ..
        }) => Some(data),
        _ => None,
    }
}

fn write_calls(json: &mut Writer<'_>, parts: &[&Part]) {
    let calls = parts.iter().filter_map(|part| match &part.body {
        PartBody::ToolCall(call) => Some((part, call)),
        _ => None,
    });
    let mut calls = calls.zip(0..).peekable();
    if calls.peek().is_none() {
        return;
    }
    json.key("tool_calls").open(b'[');
    for ((part, call), index) in calls {
        json.open(b'{');
        json.key("id").string(&call.id);
        json.key("function").open(b'{');
        json.key("index").number(index);
        json.key("name").string(&call.name);
        write_arguments(json.key("arguments"), &call.input);
        json.close(b'}');
        write_extra(json, &part.extra, &CALL_FIELDS);
        json.close(b'}');
    }
    json.close(b']');
}

/// Arguments are an object. What the model wrote and is none stays the text that it is:
/// something else in its place would be a call that nobody made.
fn write_arguments(json: &mut Writer<'_>, input: &str) {
    match input.trim() {
        "" => json.literal("{}"),
        object if object.starts_with('{') && json::check(object).is_ok() => json.raw(object),
        _ => json.string(input),
    }
}

/// The thought that a person can read.
pub(super) fn readable(reasoning: &Reasoning) -> &str {
    match reasoning {
        Reasoning::Text(text) | Reasoning::Summary(text) => text,
        Reasoning::Encrypted(_) => "",
    }
}

/// What every object of an answer begins with.
pub(super) fn write_head(json: &mut Writer<'_>, head: &Head) {
    json.key("model").string(&head.model);
    json.key("created_at").string(&rfc3339(head.created));
}

/// Arrays of probabilities as one.
pub(super) fn write_logprobs<'l>(
    json: &mut Writer<'_>,
    arrays: impl IntoIterator<Item = &'l String>,
) {
    let items = arrays.into_iter().filter_map(|array| {
        let items = array.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
        (!items.is_empty()).then_some(items)
    });
    let mut items = items.peekable();
    if items.peek().is_none() {
        return;
    }
    json.key("logprobs").open(b'[');
    items.for_each(|items| json.raw(items));
    json.close(b']');
}

/// How an answer ended, and what it took. `extra` is what its provider told of it in
/// this very format.
pub(super) fn write_end(
    json: &mut Writer<'_>,
    told: Told,
    finish: Option<FinishReason>,
    bill: Option<&Bill>,
    extra: &[(String, String)],
) {
    json.key("done").boolean(true);
    json.key("done_reason").string(finish.map_or(told.idle_reason, done_reason));
    write_extra(json, extra, &ANSWER_FIELDS);
    for name in DURATIONS {
        if !extra.iter().any(|(known, _)| known == name) {
            json.key(name).number(0);
        }
    }
    if let Some(bill) = bill {
        json.key("prompt_eval_count").number(bill.usage.prompt_tokens);
        json.key("eval_count").number(bill.usage.completion_tokens);
    }
}

fn done_reason(reason: FinishReason) -> &'static str {
    match reason {
        // Whoever calls a tool has stopped, here.
        FinishReason::Stop | FinishReason::ToolCalls => "stop",
        FinishReason::Length => "length",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Paused => "paused",
        FinishReason::Error => "error",
    }
}
