//! Cutting a provider's stream into frames, wherever the network cut it.

mod event_stream;
mod ndjson;
mod sse;

use plugway_engine::{Frame, Framing};

/// Why a stream cannot be cut into frames any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A frame outgrew the limit.
    #[error("a frame of the stream is larger than {limit} bytes")]
    TooLarge {
        /// Bytes.
        limit: usize,
    },
    /// A frame that has checksums does not match them, or contradicts itself.
    #[error("a frame of the stream is corrupt")]
    Corrupt,
    /// The stream ended within a frame that says how long it is.
    #[error("the stream ended within a frame")]
    Truncated,
}

/// Cuts one body into frames. Holds at most one unfinished frame, and no more of it
/// than the limit. After an error the stream is beyond reading.
pub struct Framer {
    kind: Kind,
    max_frame_bytes: usize,
}

enum Kind {
    Sse(sse::Lines),
    Ndjson(ndjson::Lines),
    EventStream(event_stream::Messages),
    Raw,
}

impl Framer {
    /// For one body; no frame may have more than `max_frame_bytes`.
    pub fn new(framing: Framing, max_frame_bytes: usize) -> Self {
        let kind = match framing {
            Framing::Sse => Kind::Sse(sse::Lines::default()),
            Framing::Ndjson => Kind::Ndjson(ndjson::Lines::default()),
            Framing::Raw => Kind::Raw,
            Framing::AwsEventStream => Kind::EventStream(event_stream::Messages::default()),
        };
        Self { kind, max_frame_bytes }
    }

    /// Takes what arrived and appends the frames that it completes.
    ///
    /// # Errors
    /// Where a frame is too large or corrupt. Frames that were complete before have
    /// been appended.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<Frame>) -> Result<(), FrameError> {
        let limit = self.max_frame_bytes;
        match &mut self.kind {
            Kind::Sse(lines) => lines.push(chunk, limit, out),
            Kind::Ndjson(lines) => lines.push(chunk, limit, out),
            Kind::EventStream(messages) => messages.push(chunk, limit, out),
            Kind::Raw => {
                out.extend(
                    chunk
                        .chunks(limit.max(1))
                        .map(|piece| Frame { kind: None, data: piece.to_vec() }),
                );
                Ok(())
            }
        }
    }

    /// The body ended cleanly. Appends the last frame where it lacks nothing but
    /// its end mark: providers stop after `data: [DONE]` without the empty line that
    /// WHATWG asks for. Not to be called where the connection broke: there the last
    /// frame may be half a one.
    ///
    /// # Errors
    /// As [`Framer::push`], and where a frame that says how long it is lacks its end.
    pub fn end(&mut self, out: &mut Vec<Frame>) -> Result<(), FrameError> {
        let limit = self.max_frame_bytes;
        match &mut self.kind {
            Kind::Sse(lines) => lines.end(limit, out),
            Kind::Ndjson(lines) => {
                lines.end(out);
                Ok(())
            }
            Kind::EventStream(messages) => messages.end(),
            Kind::Raw => Ok(()),
        }
    }
}

/// Appends to a buffer that must not outgrow the limit.
fn append(buffer: &mut Vec<u8>, bytes: &[u8], limit: usize) -> Result<(), FrameError> {
    if buffer.len().saturating_add(bytes.len()) > limit {
        return Err(FrameError::TooLarge { limit });
    }
    buffer.extend_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests;
