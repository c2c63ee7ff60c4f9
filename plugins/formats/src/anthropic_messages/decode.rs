//! A whole answer as events, and what whole and streamed answers share.

use plugway_sdk::chat::{Event, Extra, Failure, Finish, FinishReason, Origin, Piece};
use serde::Deserialize;

use crate::anthropic_messages::usage::Counts;
use crate::anthropic_messages::{DIALECT, content, errors};
use crate::json::Fields;

/// Fields of a message that events model; the others are native to it.
pub(super) const MESSAGE_FIELDS: [&str; 9] = [
    "id",
    "type",
    "role",
    "model",
    "content",
    "stop_reason",
    "stop_sequence",
    "stop_details",
    "usage",
];

/// `memo` is the dialect of the client.
pub(super) fn decode(body: &[u8], memo: &str) -> Vec<Event> {
    let message = std::str::from_utf8(body).ok().and_then(Fields::read);
    let Some(message) = message else {
        return vec![unreadable().into()];
    };
    if let Some(failure) = errors::inside(&message) {
        return vec![failure.into()];
    }
    events(&message, memo == DIALECT).unwrap_or_else(|| vec![unreadable().into()])
}

pub(super) fn decode_count(body: &[u8]) -> Result<u64, Failure> {
    #[derive(Deserialize)]
    struct Count {
        input_tokens: u64,
    }
    let count: Result<Count, _> = serde_json::from_slice(body);
    count.map(|count| count.input_tokens).map_err(|_| unreadable())
}

/// The provider answered with something that is no message.
pub(super) fn unreadable() -> Failure {
    Failure::unavailable("Anthropic sent an answer that cannot be read")
}

fn events(message: &Fields, native: bool) -> Option<Vec<Event>> {
    let content: Vec<Fields> = serde_json::from_str(message.get("content")?).ok()?;
    let usage = message.get("usage").and_then(Counts::read);

    let tier = usage.as_ref().and_then(|it| it.service_tier.clone());
    let mut events = vec![Event::Origin(origin(message, tier, native))];
    let parts = content.iter().filter_map(|block| content::part(block, native));
    for (index, part) in (0..).zip(parts) {
        events.push(Piece::new(0, index, part).into());
    }
    events.extend(usage.iter().flat_map(Counts::events));
    events.push(Event::Finish(finish(message, native)));
    Some(events)
}

/// Who answered.
pub(super) fn origin(message: &Fields, service_tier: Option<String>, native: bool) -> Origin {
    Origin {
        id: message.text("id"),
        model: message.text("model"),
        service_tier,
        extra: extra(message, &MESSAGE_FIELDS, native),
    }
}

/// Why the answer ended, from the message or, in a stream, its last delta.
pub(super) fn finish(ended: &Fields, native: bool) -> Finish {
    let word = ended.text("stop_reason").unwrap_or_default();
    let mut finish = Finish::new(0, reason(&word), word);
    finish.stop_sequence = ended.text("stop_sequence");
    if native {
        let details = ended.get("stop_details").filter(|json| *json != "null");
        let details = details.map(|json| ("stop_details".into(), json.into()));
        finish.extra = details.into_iter().collect();
    }
    finish
}

/// Native fields, for clients of this dialect.
pub(super) fn extra(fields: &Fields, except: &[&str], native: bool) -> Vec<Extra> {
    if native { fields.extra(except) } else { Vec::new() }
}

fn reason(word: &str) -> FinishReason {
    match word {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "pause_turn" | "compaction" => FinishReason::Paused,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}
