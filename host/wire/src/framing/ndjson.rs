//! Newline-delimited JSON: a frame per line that is not blank.

use memchr::memchr;
use plugway_engine::Frame;

use super::{FrameError, append};

/// The stream so far: a line whose end has not arrived.
#[derive(Default)]
pub(super) struct Lines {
    line: Vec<u8>,
}

impl Lines {
    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        limit: usize,
        out: &mut Vec<Frame>,
    ) -> Result<(), FrameError> {
        let mut rest = chunk;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            append(&mut self.line, line, limit)?;
            self.end(out);
            rest = after.get(1..).unwrap_or_default();
        }
        append(&mut self.line, rest, limit)
    }

    /// Ends the line that there is. The last one of a body may lack its newline.
    pub(super) fn end(&mut self, out: &mut Vec<Frame>) {
        let line = std::mem::take(&mut self.line);
        let data = line.trim_ascii();
        if data.is_empty() {
            return;
        }
        let data = if data.len() == line.len() { line } else { data.to_vec() };
        out.push(Frame { kind: None, data });
    }
}
