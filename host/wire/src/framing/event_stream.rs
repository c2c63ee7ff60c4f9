//! `application/vnd.amazon.eventstream`: a frame per message. Lengths, headers and
//! both checksums are checked; a message that fails a check ends the reading.

use aws_smithy_eventstream::frame::read_message_from;
use plugway_engine::Frame;

use super::{FrameError, append};

/// Lengths and their checksum, in bytes.
const PRELUDE: usize = 12;

/// What names a message, by what the message is: one that the service models as an
/// exception, one that it does not, or an event.
const KINDS: [&str; 3] = [":exception-type", ":error-code", ":event-type"];

/// The text of an error that the service does not model. Such a message has no payload.
const ERROR_TEXT: &str = ":error-message";

/// The stream so far: a message whose end has not arrived.
#[derive(Default)]
pub(super) struct Messages {
    message: Vec<u8>,
}

impl Messages {
    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        limit: usize,
        out: &mut Vec<Frame>,
    ) -> Result<(), FrameError> {
        let mut rest = chunk;
        while !self.message.is_empty() || !rest.is_empty() {
            let missing = PRELUDE.saturating_sub(self.message.len());
            let lengths = take(&mut rest, missing);
            self.message.extend_from_slice(lengths);
            let Some(length) = length(&self.message) else { return Ok(()) };
            if length > limit {
                return Err(FrameError::TooLarge { limit });
            }
            let missing = length.checked_sub(self.message.len()).ok_or(FrameError::Corrupt)?;
            append(&mut self.message, take(&mut rest, missing), limit)?;
            if self.message.len() < length {
                return Ok(());
            }
            out.push(read(&self.message)?);
            // Its room serves the next message.
            self.message.clear();
        }
        Ok(())
    }

    pub(super) fn end(&self) -> Result<(), FrameError> {
        if self.message.is_empty() { Ok(()) } else { Err(FrameError::Truncated) }
    }
}

/// As many of the bytes as are there, at most `count`.
fn take<'b>(bytes: &mut &'b [u8], count: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(count.min(bytes.len()));
    *bytes = rest;
    taken
}

/// How long the message is as a whole, once its prelude is there.
fn length(message: &[u8]) -> Option<usize> {
    let length = message.get(..PRELUDE)?.first_chunk()?;
    usize::try_from(u32::from_be_bytes(*length)).ok()
}

/// Reads a message that is there as a whole.
fn read(message: &[u8]) -> Result<Frame, FrameError> {
    let message = read_message_from(message).map_err(|_| FrameError::Corrupt)?;
    let header = |name: &str| {
        let named = message.headers().iter().find(|header| header.name().as_str() == name)?;
        Some(named.value().as_string().ok()?.as_str())
    };
    let kind = KINDS.into_iter().find_map(header).map(str::to_owned);
    let mut data = message.payload().to_vec();
    if data.is_empty() {
        data.extend_from_slice(header(ERROR_TEXT).unwrap_or_default().as_bytes());
    }
    Ok(Frame { kind, data })
}

#[cfg(test)]
mod tests;
