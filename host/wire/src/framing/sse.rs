//! Server-sent events, by the rules of the WHATWG's HTML standard (section 9.2.6),
//! with two exceptions. One is at [`super::Framer::end`]. The other: a body that begins
//! as a JSON value is no event stream, whatever its `content-type` says, and is one
//! frame. Providers answer so with errors, and with whole answers.

use memchr::memchr2;
use plugway_engine::Frame;

use super::{FrameError, append};

/// A byte order mark may open the stream.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// What a field's name may add to the limit of a line, whose value is the frame.
const LONGEST_PREFIX: usize = 16;

/// The stream so far: an unfinished line and an unfinished event.
#[derive(Default)]
pub(super) struct Lines {
    /// Start of a line whose end has not arrived.
    line: Vec<u8>,
    /// The last chunk ended in CR: a LF to come belongs to it.
    after_cr: bool,
    /// The first line is over, and with it the chance of a byte order mark.
    begun: bool,
    event: Event,
    /// Something was there that is not white space.
    spoken: bool,
    /// What its line began with until then, as much of it as could be a mark and more.
    indent: Vec<u8>,
    /// The body, if it is a JSON value.
    json: Option<Vec<u8>>,
}

impl Lines {
    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        limit: usize,
        out: &mut Vec<Frame>,
    ) -> Result<(), FrameError> {
        let Some(chunk) = self.begin(chunk) else { return Ok(()) };
        if let Some(json) = &mut self.json {
            return append(json, chunk, limit);
        }
        let mut rest = chunk;
        if std::mem::take(&mut self.after_cr) {
            // An empty chunk tells nothing about what follows the CR.
            self.after_cr = rest.is_empty();
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
            let (line, mut after) = rest.split_at(end);
            let ended_by_cr = after.starts_with(b"\r");
            after = after.get(1..).unwrap_or_default();
            if ended_by_cr {
                self.after_cr = after.is_empty();
                after = after.strip_prefix(b"\n").unwrap_or(after);
            }
            self.finish_line(line, limit, out)?;
            rest = after;
        }
        append(&mut self.line, rest, limit.saturating_add(LONGEST_PREFIX))
            .map_err(|_| FrameError::TooLarge { limit })
    }

    pub(super) fn end(&mut self, limit: usize, out: &mut Vec<Frame>) -> Result<(), FrameError> {
        if let Some(data) = self.json.take() {
            out.push(Frame { kind: None, data });
            return Ok(());
        }
        if !self.line.is_empty() {
            self.finish_line(b"", limit, out)?;
        }
        let unfinished = std::mem::take(&mut self.event);
        if !unfinished.data.is_empty() {
            out.extend(unfinished.into_frame());
        }
        Ok(())
    }

    /// The chunk without what comes before the body's first word; none where that is
    /// all. The first word tells whether the body is a JSON value.
    fn begin<'c>(&mut self, chunk: &'c [u8]) -> Option<&'c [u8]> {
        if self.spoken {
            return Some(chunk);
        }
        let at = chunk.iter().position(|byte| !is_silent(*byte));
        let (silent, words) = chunk.split_at(at.unwrap_or(chunk.len()));
        for byte in silent {
            if matches!(byte, b'\n' | b'\r') {
                self.indent.clear();
                self.begun = true;
            } else if self.indent.len() <= BOM.len() {
                self.indent.push(*byte);
            }
        }
        let first = words.first()?;
        self.spoken = true;
        match first {
            b'{' | b'[' => self.json = Some(Vec::new()),
            // A mark opens the stream; anything else makes its line one of no field.
            _ => self.line = std::mem::take(&mut self.indent),
        }
        Some(words)
    }

    /// Takes the rest of a line, its end mark removed.
    fn finish_line(
        &mut self,
        rest: &[u8],
        limit: usize,
        out: &mut Vec<Frame>,
    ) -> Result<(), FrameError> {
        if self.line.is_empty() {
            // One that came in a single chunk is bounded like any other, also where
            // it is a comment: what fails must not depend on where the stream is cut.
            if rest.len() > limit.saturating_add(LONGEST_PREFIX) {
                return Err(FrameError::TooLarge { limit });
            }
            return self.take_line(rest, limit, out);
        }
        let mut line = std::mem::take(&mut self.line);
        append(&mut line, rest, limit.saturating_add(LONGEST_PREFIX))
            .map_err(|_| FrameError::TooLarge { limit })?;
        self.take_line(&line, limit, out)?;
        // Its room serves the next line.
        line.clear();
        self.line = line;
        Ok(())
    }

    fn take_line(
        &mut self,
        mut line: &[u8],
        limit: usize,
        out: &mut Vec<Frame>,
    ) -> Result<(), FrameError> {
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        if line.is_empty() {
            out.extend(std::mem::take(&mut self.event).into_frame());
            return Ok(());
        }
        self.event.field(line, limit)
    }
}

/// White space, or part of a byte order mark.
fn is_silent(byte: u8) -> bool {
    byte.is_ascii_whitespace() || BOM.contains(&byte)
}

/// An event whose empty line has not come.
#[derive(Default)]
struct Event {
    kind: Vec<u8>,
    data: Vec<u8>,
    /// A data field was there, be it an empty one.
    has_data: bool,
}

impl Event {
    fn field(&mut self, line: &[u8], limit: usize) -> Result<(), FrameError> {
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    append(&mut self.data, b"\n", limit)?;
                }
                append(&mut self.data, value, limit)
            }
            b"event" => {
                self.kind.clear();
                append(&mut self.kind, value, limit)
            }
            // A comment, `id`, `retry`, or a field that is to be ignored.
            _ => Ok(()),
        }
    }

    fn into_frame(self) -> Option<Frame> {
        let kind = (!self.kind.is_empty()).then(|| String::from_utf8_lossy(&self.kind).into());
        self.has_data.then_some(Frame { kind, data: self.data })
    }
}
