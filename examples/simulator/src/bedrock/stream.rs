//! Writing Converse's answer as a stream of events.

use serde_json::{Value, json};

use super::answer::{additional, call_id, citation, redacted, stop_reason, usage};
use super::event_stream;
use crate::dialect::Answer;
use crate::ids;
use crate::reply::pieces;
use crate::speech::{Cite, Say};
use crate::timeline::{Frames, Part};

/// Characters of a tool's input in one delta.
const INPUT_CHARS: u32 = 8;

/// The service pads its events, so that their sizes do not betray the tokens.
const PADDING: &str = "abcdefghijklmnopqrstuvwxyz";

pub(super) fn stream(answer: &Answer<'_>, frames: &mut Frames) {
    let mut events = Events { answer, frames, block: 0 };
    events.event("messageStart", json!({"role": "assistant"}), Part::Structure);
    if answer.extras {
        events.event("weatherReport", json!({"sky": "clear"}), Part::Structure);
    }
    for (place, say) in answer.reply.parts.iter().enumerate() {
        events.say(place, say);
        let stop = json!({"contentBlockIndex": events.block});
        events.event("contentBlockStop", stop, Part::Structure);
        events.block += 1;
    }
    let mut stop = json!({"stopReason": stop_reason(&answer.reply.finish)});
    if let Some(fields) = additional(answer) {
        stop["additionalModelResponseFields"] = fields;
    }
    events.event("messageStop", stop, Part::Closing);
    let metadata = json!({"usage": usage(&answer.reply.usage), "metrics": {"latencyMs": 1}});
    events.event("metadata", metadata, Part::Closing);
}

/// Writes the events of one stream.
struct Events<'a, 'f> {
    answer: &'a Answer<'a>,
    frames: &'f mut Frames,
    /// The content block that is told of.
    block: usize,
}

impl Events<'_, '_> {
    fn say(&mut self, place: usize, say: &Say) {
        match say {
            Say::Text(text) | Say::Refusal(text) => self.text(text, &[]),
            Say::Cited { text, sources } => self.text(text, sources),
            Say::Reasoning(text) => {
                for piece in pieces(text, self.answer.chunk_chars) {
                    self.delta(json!({"reasoningContent": {"text": piece}}));
                }
                self.delta(json!({"reasoningContent": {"signature": ids::signature(text)}}));
            }
            Say::Sealed(data) => {
                self.delta(json!({"reasoningContent": {"redactedContent": redacted(data)}}));
            }
            Say::Call { name, arguments } => {
                let call = json!({"toolUseId": call_id(self.answer, place), "name": name});
                let start = json!({"contentBlockIndex": self.block, "start": {"toolUse": call}});
                self.event("contentBlockStart", start, Part::Structure);
                for piece in pieces(arguments, INPUT_CHARS) {
                    self.delta(json!({"toolUse": {"input": piece}}));
                }
            }
        }
    }

    fn text(&mut self, text: &str, sources: &[Cite]) {
        for piece in pieces(text, self.answer.chunk_chars) {
            self.delta(json!({"text": piece}));
        }
        for source in sources {
            self.delta(json!({"citation": citation(source)}));
        }
    }

    fn delta(&mut self, delta: Value) {
        let delta = json!({"contentBlockIndex": self.block, "delta": delta});
        self.event("contentBlockDelta", delta, Part::Content);
    }

    fn event(&mut self, name: &'static str, mut data: Value, part: Part) {
        let buffer = self.frames.buffer();
        data["p"] = PADDING[..buffer.len() % PADDING.len()].into();
        buffer.extend_from_slice(&event_stream::event(name, data.to_string().as_bytes()));
        self.frames.end(part);
    }
}
