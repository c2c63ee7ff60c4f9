//! How the blocks of an answer look, whole or streamed.

use plugway_engine::chat::{
    Citation, Finish, FinishReason, MediaKind, Part, PartBody, Reasoning, ToolCall,
};

use super::{carried, citations, input, media};
use crate::json::{Writer, write_extra};
use crate::routed;

/// Names of a message that no native field may take.
pub(super) const MESSAGE_FIELDS: [&str; 12] = [
    "id",
    "type",
    "role",
    "model",
    "provider",
    "content",
    "stop_reason",
    "stop_sequence",
    "stop_details",
    "usage",
    "error",
    routed::FIELD,
];

const TEXT_FIELDS: [&str; 3] = ["type", "text", "citations"];

const CALL_FIELDS: [&str; 4] = ["type", "id", "name", "input"];

/// What the dialect says of the end of an answer; a provider's own word is taken where
/// it is one of these.
const STOP_REASONS: [&str; 8] = [
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
    "compaction",
];

/// What an answer holds, as far as that bears on the word for its end.
#[derive(Clone, Copy, Default)]
pub(super) struct Said {
    pub(super) called: bool,
    pub(super) refused: bool,
}

impl Said {
    pub(super) fn note(&mut self, body: &PartBody) {
        self.called |= matches!(body, PartBody::ToolCall(_));
        self.refused |= matches!(body, PartBody::Refusal(_));
    }
}

/// The blocks of one part; none where it says nothing that the dialect has a form for.
pub(super) fn write_part(json: &mut Writer<'_>, part: &Part, include_reasoning: bool) {
    match &part.body {
        PartBody::Text(text) | PartBody::Refusal(text) => {
            if !text.is_empty() || part.citations.iter().any(citations::is_told) {
                write_text(json, text, &part.citations, &part.extra);
            }
            if let Some(signature) = &part.signature {
                write_redacted(json, &carried::proof(part.format.as_deref(), signature, None));
            }
        }
        PartBody::Reasoning(Reasoning::Text(text) | Reasoning::Summary(text)) => {
            let text = if include_reasoning { text } else { "" };
            if !text.is_empty() || must_come_back(part) {
                write_thinking(json, text, &carried::signature(part));
            }
        }
        PartBody::ToolCall(call) => {
            if let Some(signature) = &part.signature {
                let proof = carried::proof(part.format.as_deref(), signature, Some(&call.id));
                write_redacted(json, &proof);
            }
            write_call(json, call, &input::object(&call.input), &part.extra);
        }
        _ if is_told_whole(part) => write_whole(json, part),
        _ => {}
    }
}

/// Whether reasoning that shows nothing must be told all the same.
pub(super) fn must_come_back(part: &Part) -> bool {
    part.signature.is_some() || part.id.is_some()
}

/// Whether a part is one of those that come in one bit, and has a form.
pub(super) fn is_told_whole(part: &Part) -> bool {
    match &part.body {
        PartBody::Reasoning(Reasoning::Encrypted(data)) => !data.is_empty(),
        PartBody::Media(medium) => {
            matches!(medium.kind, MediaKind::Image | MediaKind::Document)
        }
        PartBody::Native(_) => true,
        _ => false,
    }
}

/// The block of such a part.
pub(super) fn write_whole(json: &mut Writer<'_>, part: &Part) {
    match &part.body {
        PartBody::Reasoning(Reasoning::Encrypted(sealed)) => {
            write_redacted(json, &carried::data(part, sealed));
        }
        PartBody::Media(medium) => {
            json.open(b'{');
            media::write(json, medium);
            json.close(b'}');
        }
        PartBody::Native(block) => json.raw(block),
        _ => {}
    }
}

pub(super) fn write_text(
    json: &mut Writer<'_>,
    text: &str,
    sources: &[Citation],
    extra: &[(String, String)],
) {
    json.open(b'{');
    json.key("type").string("text");
    json.key("text").string(text);
    let mut sources = sources.iter().filter(|it| citations::is_told(it)).peekable();
    if sources.peek().is_some() {
        json.key("citations").open(b'[');
        for citation in sources {
            citations::write(json, citation);
        }
        json.close(b']');
    } else {
        json.key("citations").literal("null");
    }
    write_extra(json, extra, &TEXT_FIELDS);
    json.close(b'}');
}

pub(super) fn write_thinking(json: &mut Writer<'_>, text: &str, signature: &str) {
    json.open(b'{');
    json.key("type").string("thinking");
    json.key("thinking").string(text);
    json.key("signature").string(signature);
    json.close(b'}');
}

pub(super) fn write_redacted(json: &mut Writer<'_>, data: &str) {
    json.open(b'{');
    json.key("type").string("redacted_thinking");
    json.key("data").string(data);
    json.close(b'}');
}

/// A call, with its input as the JSON of an object.
pub(super) fn write_call(
    json: &mut Writer<'_>,
    call: &ToolCall,
    input: &str,
    extra: &[(String, String)],
) {
    json.open(b'{');
    json.key("type").string("tool_use");
    json.key("id").string(&call.id);
    json.key("name").string(&call.name);
    json.key("input").raw(input);
    if !extra.iter().any(|(name, _)| name == "caller") {
        json.key("caller").raw(r#"{"type":"direct"}"#);
    }
    write_extra(json, extra, &CALL_FIELDS);
    json.close(b'}');
}

/// Why the answer ended; all null while it has not.
pub(super) fn write_end(json: &mut Writer<'_>, finish: Option<&Finish>, said: Said) {
    json.key("stop_reason").string_or_null(finish.map(|finish| stop_reason(finish, said)));
    let sequence = finish.and_then(|finish| finish.stop_sequence.as_deref());
    json.key("stop_sequence").string_or_null(sequence);
    let extra = finish.map_or(&[][..], |finish| &finish.extra);
    let details = extra.iter().rev().find(|(name, _)| name == "stop_details");
    json.key("stop_details").raw(details.map_or("null", |(_, json)| json));
    write_extra(json, extra, &[&MESSAGE_FIELDS[..], &["container"]].concat());
}

fn stop_reason(finish: &Finish, said: Said) -> &'static str {
    let known = STOP_REASONS.iter().find(|known| **known == finish.native);
    // Some servers end so whatever the model did, and the calls would not be run.
    let known = known.filter(|known| !(said.called && **known == "end_turn"));
    if let Some(known) = known {
        return known;
    }
    match finish.reason {
        FinishReason::Stop if finish.stop_sequence.is_some() => "stop_sequence",
        FinishReason::Stop if said.refused => "refusal",
        // Clients run what was called only where this word says so.
        FinishReason::Stop if said.called => "tool_use",
        FinishReason::Stop | FinishReason::Error => "end_turn",
        FinishReason::Length => "max_tokens",
        FinishReason::ToolCalls => "tool_use",
        FinishReason::ContentFilter => "refusal",
        FinishReason::Paused => "pause_turn",
    }
}
