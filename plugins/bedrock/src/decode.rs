//! A whole answer as events, and what whole and streamed answers share.

pub(crate) mod content;
pub(crate) mod stream;
mod usage;

use plugway_formats::anthropic_messages;
use plugway_formats::json::Fields;
use plugway_sdk::chat::{Event, Extra, Failure, Finish, FinishReason, Origin, Piece};
use plugway_sdk::provider::{ResponseHead, UpstreamResponse};
use serde_json::value::RawValue;

use crate::errors;
use crate::memo::Memo;

/// Fields of a response that events model; the others are native to it.
const MODELLED: [&str; 5] = [
    "output",
    "stopReason",
    "usage",
    "serviceTier",
    // Padding against the measuring of packet lengths.
    "p",
];

/// The answer of either API: Anthropic's has content or an error, Converse's an output.
pub(crate) fn whole(response: &UpstreamResponse, memo: &str) -> Vec<Event> {
    let memo = Memo::read(memo);
    let body = std::str::from_utf8(&response.body).ok().and_then(Fields::read);
    let Some(body) = body else {
        return vec![unreadable().into()];
    };
    if body.get("content").is_some() || body.get("error").is_some() {
        return anthropic_messages::decode(&response.body, memo.for_messages());
    }
    match events(&body, &response.head, &memo) {
        Some(events) => events,
        None => vec![errors::inside(&body).unwrap_or_else(unreadable).into()],
    }
}

/// The service answered with something that is no message.
pub(crate) fn unreadable() -> Failure {
    Failure::unavailable("Bedrock sent an answer that cannot be read")
}

fn events(body: &Fields, head: &ResponseHead, memo: &Memo) -> Option<Vec<Event>> {
    let message = Fields::read(body.get("output")?)?;
    let message = Fields::read(message.get("message")?)?;
    let content: Vec<&RawValue> = serde_json::from_str(message.get("content")?).ok()?;

    let mut events = vec![Event::Origin(Origin { id: id(head), ..origin(body, memo) })];
    let blocks = content.iter().filter_map(|block| Fields::read(block.get()));
    let parts = blocks.filter_map(|block| content::part(&block, memo));
    for (index, part) in (0..).zip(parts) {
        events.push(Piece::new(0, index, part).into());
    }
    events.extend(body.get("usage").and_then(usage::usage).map(Event::Usage));
    events.push(Event::Finish(finish(body)));
    Some(events)
}

/// The response is named in its head only.
pub(crate) fn id(head: &ResponseHead) -> Option<String> {
    head.header("x-amzn-requestid").map(Into::into)
}

/// What a body, or the metadata of a stream, says of the response as a whole.
fn origin(body: &Fields, memo: &Memo) -> Origin {
    let object = |fields: &Fields, name| fields.get(name).and_then(Fields::read);
    let tier = object(body, "serviceTier").and_then(|tier| tier.text("type"));
    // A router of prompts picks the model by itself.
    let router = object(body, "trace").and_then(|trace| object(&trace, "promptRouter"));
    Origin {
        id: None,
        model: router.and_then(|router| router.text("invokedModelId")),
        service_tier: tier,
        extra: extra(body, memo),
    }
}

/// Native fields, for clients of this dialect.
fn extra(body: &Fields, memo: &Memo) -> Vec<Extra> {
    if memo.takes_native() { body.extra(&MODELLED) } else { Vec::new() }
}

/// Why the answer ended, from a body or from the event that ends a stream.
fn finish(ended: &Fields) -> Finish {
    let word = ended.text("stopReason").unwrap_or_default();
    let more = ended.get("additionalModelResponseFields").and_then(Fields::read);
    Finish {
        stop_sequence: more.and_then(|more| more.text("stop_sequence")),
        ..Finish::new(0, reason(&word), word)
    }
}

fn reason(word: &str) -> FinishReason {
    match word {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "content_filtered" | "guardrail_intervened" | "refusal" => FinishReason::ContentFilter,
        "malformed_model_output" | "malformed_tool_use" => FinishReason::Error,
        "pause_turn" => FinishReason::Paused,
        _ => FinishReason::Stop,
    }
}
