//! Brotli: one stream, and nothing behind it.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use bytes::{Buf, Bytes};

use crate::{Broken, STEP_BYTES, Step};

/// The stream of one body.
pub(crate) struct Stream {
    rest: Bytes,
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    is_ended: bool,
}

impl Stream {
    pub(crate) fn new(body: Bytes) -> Self {
        let alloc = StandardAlloc::default;
        // Strict: without an extension to the format, whose windows of up to a gigabyte
        // nobody may ask for here.
        let state = BrotliState::new_strict(alloc(), alloc(), alloc());
        Self { rest: body, state: Box::new(state), is_ended: false }
    }

    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<Step, Broken> {
        if self.is_ended {
            return Ok(Step::End);
        }
        let input = self.rest.slice(..self.rest.len().min(STEP_BYTES));
        let (mut unread, mut read) = (input.len(), 0);
        let (mut room, mut written, mut all) = (into.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut unread,
            &mut read,
            &input,
            &mut room,
            &mut written,
            into,
            &mut all,
            &mut self.state,
        );
        self.rest.advance(read);
        match result {
            BrotliResult::ResultFailure => return Err(Broken),
            BrotliResult::ResultSuccess if !self.rest.is_empty() => return Err(Broken),
            BrotliResult::ResultSuccess => self.is_ended = true,
            BrotliResult::NeedsMoreInput if self.rest.is_empty() && written == 0 => {
                return Err(Broken);
            }
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
        }
        match written {
            0 if self.is_ended => Ok(Step::End),
            0 => Ok(Step::Pause),
            count => Ok(Step::Plain(count)),
        }
    }
}
