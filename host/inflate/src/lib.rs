//! Bodies that come compressed, made plain again: the codings of HTTP that clients use,
//! undone in steps, so that whoever asks can stop where it is enough.
//!
//! A step is bounded on both sides: by what it may write, which the caller says, and by
//! what it may read, because much of a body can come to nothing. What no step can see is
//! bounded here too: the memory of a decoder, and how many parts a body has.

mod brotli;
mod gzip;
mod zstd;

use bytes::Bytes;

use brotli::Stream;
use gzip::Members;
use zstd::Frames;

/// The codings that are undone, as a header lists them.
pub const TAKEN: &str = "gzip, br, zstd";

/// What a step reads at most, in bytes: some milliseconds of work at the worst.
const STEP_BYTES: usize = 64 * 1024;

/// Members or frames of one body. To begin one takes far longer than its few bytes tell;
/// who compresses in parts writes one for each 64 KiB or more.
const MAX_PARTS: usize = 1024;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878, with the windows of RFC 9659.
    Zstd,
}

impl Coding {
    /// The coding of this name; none where it is not one of those that are [`TAKEN`].
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match &*name.to_ascii_lowercase() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// The body is not what its coding says, ends before it does, or is in more parts than
/// anybody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is broken, or not in the coding that its header names")]
pub struct Broken;

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many plain bytes, at least one.
    Plain(usize),
    /// Nothing yet: what was read so far came to nothing.
    Pause,
    /// The body has ended.
    End,
}

/// A body that is being made plain.
pub struct Inflating {
    decoder: Decoder,
}

enum Decoder {
    Gzip(Box<Members>),
    Brotli(Stream),
    Zstd(Box<Frames>),
}

impl Inflating {
    /// Begins with a whole body.
    #[must_use]
    pub fn new(coding: Coding, body: Bytes) -> Self {
        let decoder = match coding {
            Coding::Gzip => Decoder::Gzip(Box::new(Members::new(body))),
            Coding::Brotli => Decoder::Brotli(Stream::new(body)),
            Coding::Zstd => Decoder::Zstd(Box::new(Frames::new(body))),
        };
        Self { decoder }
    }

    /// Writes the next plain bytes into a buffer, which has room for one at least.
    ///
    /// # Errors
    /// Where the body does not go on as its coding says, or asks for more than is
    /// granted.
    pub fn read(&mut self, into: &mut [u8]) -> Result<Step, Broken> {
        match &mut self.decoder {
            _ if into.is_empty() => Ok(Step::Pause),
            Decoder::Gzip(members) => members.read(into),
            Decoder::Brotli(stream) => stream.read(into),
            Decoder::Zstd(frames) => frames.read(into),
        }
    }
}

#[cfg(test)]
mod tests;
