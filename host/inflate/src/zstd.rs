//! Zstandard: frames one after the other, with windows of a bounded size.

use std::io::{self, Read};

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// Largest window, in bytes: what RFC 9659 has every decoder of HTTP take, and no encoder
/// exceed. A decoder keeps as much in memory.
const MAX_WINDOW_BYTES: u64 = 8 * 1024 * 1024;

/// How a frame begins that holds nothing of the content, but for the last four bits.
const SKIPPABLE: u32 = 0x184d_2a50;

/// The frames of one body.
pub(crate) struct Frames {
    /// What has not been begun.
    rest: Bytes,
    frame: Option<StreamingDecoder<Reader<Bytes>, FrameDecoder>>,
}

impl Frames {
    pub(crate) fn new(body: Bytes) -> Self {
        Self { rest: body, frame: None }
    }

    /// Begins the next frame with content; false where there is none.
    fn next(&mut self) -> io::Result<bool> {
        while let Some(skipped) = skippable(&self.rest)? {
            self.rest.advance(skipped);
        }
        if self.rest.is_empty() {
            return Ok(false);
        }
        let rest = std::mem::take(&mut self.rest).reader();
        let frame = StreamingDecoder::new_with_max_window_size(rest, MAX_WINDOW_BYTES);
        self.frame = Some(frame.map_err(io::Error::other)?);
        Ok(true)
    }
}

impl Read for Frames {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let count = frame.read(into)?;
                if count > 0 || into.is_empty() {
                    return Ok(count);
                }
            }
            if let Some(frame) = self.frame.take() {
                self.rest = frame.into_inner().into_inner();
            }
            if !self.next()? {
                return Ok(0);
            }
        }
    }
}

/// Length of the skippable frame at the head of `body`, if there is one.
fn skippable(body: &Bytes) -> io::Result<Option<usize>> {
    let word = |at: usize| {
        let bytes = body.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_le_bytes)
    };
    match word(0) {
        Some(magic) if magic & !0xf == SKIPPABLE => {
            let length = word(4).and_then(|length| usize::try_from(length).ok()?.checked_add(8));
            let length = length.filter(|length| *length <= body.len());
            length.map(Some).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
        }
        _ => Ok(None),
    }
}
