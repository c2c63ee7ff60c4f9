//! A streamed answer of either API. Converse names its events on the frames; Invoke
//! wraps each event of the model's own format in a frame called `chunk`.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use plugway_formats::anthropic_messages;
use plugway_formats::json::Fields;
use plugway_sdk::chat::{Event, Failure};
use plugway_sdk::log;
use plugway_sdk::provider::{Frame, ResponseHead, StreamDecoder};

use crate::decode::stream::{self, Decoder as Converse};
use crate::decode::unreadable;
use crate::errors;
use crate::memo::Memo;

/// Reads one answer; its first frame tells which API it is of.
pub struct Decoder {
    converse: Converse,
    invoke: anthropic_messages::Decoder,
    is_invoke: bool,
}

impl StreamDecoder for Decoder {
    fn new(head: ResponseHead, memo: String) -> Self {
        let memo = Memo::read(&memo);
        let dialect = memo.for_messages().to_owned();
        let converse = Converse::new(&head, memo);
        let invoke = anthropic_messages::Decoder::new(head, dialect);
        Self { converse, invoke, is_invoke: false }
    }

    fn push(&mut self, frame: Frame, events: &mut Vec<Event>) {
        let is_chunk = frame.kind.as_deref() == Some("chunk");
        let read = if is_chunk && self.converse.has_begun() {
            log::skipped("a chunk within an answer of Converse");
            Ok(())
        } else if is_chunk {
            self.is_invoke = true;
            unwrapped(&frame.data).map(|data| self.invoke.push(Frame { kind: None, data }, events))
        } else if self.is_invoke {
            // Of the other events only errors belong to it.
            stream::other(frame.kind.as_deref().unwrap_or_default(), &frame.data)
        } else {
            self.converse.push(&frame, events)
        };
        if let Err(failure) = read {
            events.push(failure.into());
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        if self.is_invoke {
            self.invoke.end(events);
        } else if !self.converse.is_complete() {
            events.push(Failure::unavailable("Bedrock's answer broke off").into());
        }
    }
}

/// The event in a chunk.
fn unwrapped(chunk: &[u8]) -> Result<Vec<u8>, Failure> {
    let chunk = std::str::from_utf8(chunk).ok().and_then(Fields::read).ok_or_else(unreadable)?;
    match chunk.text("bytes") {
        Some(bytes) => BASE64_STANDARD.decode(bytes).map_err(|_| unreadable()),
        None => Err(errors::inside(&chunk).unwrap_or_else(unreadable)),
    }
}
