//! Answers as chat events. A whole answer is a stream of one chunk, so both are read
//! by one reader.

mod calls;
mod candidate;
mod chunk;
mod citations;
mod logprobs;
mod reader;
mod texts;
mod usage;

use plugway_formats::anthropic_messages;
use plugway_sdk::chat::{Event, Failure};
use plugway_sdk::provider::{Frame, ResponseHead, StreamDecoder};

use crate::{DIALECT, claude};
use reader::Reader;

/// `memo` is the dialect of the client, or what [`claude`] made of it.
pub(crate) fn whole(body: &[u8], memo: &str) -> Vec<Event> {
    if let Some(dialect) = claude::dialect(memo) {
        return anthropic_messages::decode(body, dialect);
    }
    let mut events = Vec::new();
    let mut reader = Reader::new(memo == DIALECT);
    let read = reader.read(body, &mut events);
    if let Err(failure) = read.and_then(|()| reader.end(true, &mut events)) {
        events.push(failure.into());
    }
    events
}

/// The provider answered with something that is no answer.
fn unreadable() -> Failure {
    Failure::unavailable("Gemini sent an answer that cannot be read")
}

/// Decodes a stream of either format.
pub struct Decoder(Format);

enum Format {
    Gemini { reader: Box<Reader>, failed: bool },
    Claude(Box<anthropic_messages::Decoder>),
}

impl StreamDecoder for Decoder {
    fn new(head: ResponseHead, memo: String) -> Self {
        Self(match claude::dialect(&memo) {
            Some(dialect) => {
                Format::Claude(Box::new(anthropic_messages::Decoder::new(head, dialect.into())))
            }
            None => {
                Format::Gemini { reader: Box::new(Reader::new(memo == DIALECT)), failed: false }
            }
        })
    }

    fn push(&mut self, frame: Frame, events: &mut Vec<Event>) {
        match &mut self.0 {
            Format::Claude(decoder) => decoder.push(frame, events),
            Format::Gemini { failed: true, .. } => {}
            // The format has no such mark; servers that imitate others send it.
            Format::Gemini { .. } if frame.data == b"[DONE]" => {}
            Format::Gemini { reader, failed } => {
                if let Err(failure) = reader.read(&frame.data, events) {
                    *failed = true;
                    events.push(failure.into());
                }
            }
        }
    }

    /// The end of a stream is the end of its body: what ends a choice may still be
    /// followed by counts and sources.
    fn end(&mut self, events: &mut Vec<Event>) {
        match &mut self.0 {
            Format::Claude(decoder) => decoder.end(events),
            Format::Gemini { failed: true, .. } => {}
            Format::Gemini { reader, .. } => {
                if let Err(failure) = reader.end(false, events) {
                    events.push(failure.into());
                }
            }
        }
    }
}
