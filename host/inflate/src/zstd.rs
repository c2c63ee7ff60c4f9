//! Zstandard: frames one after the other, with windows of a bounded size.

use std::io::Read;

use bytes::{Buf, Bytes};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::{Broken, MAX_PARTS, Step};

/// Largest window, in bytes: what RFC 9659 has every decoder of HTTP take, and no encoder
/// exceed. A decoder keeps as much in memory.
const MAX_WINDOW_BYTES: u64 = 8 * 1024 * 1024;

/// Blocks that a step decodes. None is larger than 128 KiB on either side.
const STEP_BLOCKS: usize = 16;

/// How a frame begins that holds nothing of the content, but for the last four bits.
const SKIPPABLE: u32 = 0x184d_2a50;

/// The frames of one body.
pub(crate) struct Frames {
    /// What has not been read.
    rest: Bytes,
    decoder: FrameDecoder,
    /// A frame has begun, and not all that it holds has been written.
    is_within: bool,
    begun: usize,
}

impl Frames {
    pub(crate) fn new(body: Bytes) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW_BYTES);
        Self { rest: body, decoder, is_within: false, begun: 0 }
    }

    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<Step, Broken> {
        for _ in 0..STEP_BLOCKS {
            if !self.is_within && !self.next()? {
                return Ok(Step::End);
            }
            if self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                let decoded = self.decoder.decode_blocks((&mut self.rest).reader(), one);
                decoded.map_err(|_| Broken)?;
            }
            match self.decoder.read(into).map_err(|_| Broken)? {
                0 if self.decoder.is_finished() => self.end()?,
                0 => {}
                count => return Ok(Step::Plain(count)),
            }
        }
        Ok(Step::Pause)
    }

    /// Begins the next frame with content; false where there is none.
    fn next(&mut self) -> Result<bool, Broken> {
        while !self.rest.is_empty() {
            self.begun += 1;
            if self.begun > MAX_PARTS {
                return Err(Broken);
            }
            match skippable(&self.rest)? {
                Some(skipped) => self.rest.advance(skipped),
                None => {
                    self.decoder.init((&mut self.rest).reader()).map_err(|_| Broken)?;
                    self.is_within = true;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Ends a frame, whose content must be what its checksum says.
    fn end(&mut self) -> Result<(), Broken> {
        self.is_within = false;
        let said = self.decoder.get_checksum_from_data();
        match said.is_none() || said == self.decoder.get_calculated_checksum() {
            true => Ok(()),
            false => Err(Broken),
        }
    }
}

/// Length of the skippable frame at the head of `body`, if there is one.
fn skippable(body: &Bytes) -> Result<Option<usize>, Broken> {
    let word = |at: usize| {
        let bytes = body.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_le_bytes)
    };
    match word(0) {
        Some(magic) if magic & !0xf == SKIPPABLE => {
            let length = word(4).and_then(|length| usize::try_from(length).ok()?.checked_add(8));
            let length = length.filter(|length| *length <= body.len());
            length.map(Some).ok_or(Broken)
        }
        _ => Ok(None),
    }
}
