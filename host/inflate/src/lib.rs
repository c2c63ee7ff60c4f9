//! Bodies that come compressed, made plain again: the codings of HTTP that clients use,
//! undone in steps, so that whoever asks can stop where it is enough.
//!
//! Nothing is bounded here but what a step cannot see: the memory of a decoder. How much
//! may come out is the caller's to say, step by step.

mod zstd;

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use flate2::bufread::MultiGzDecoder;

use zstd::Frames;

/// The codings that are undone, as a header lists them.
pub const TAKEN: &str = "gzip, br, zstd";

/// What brotli's decoder reads at once, in bytes.
const BROTLI_BUFFER_BYTES: usize = 4096;

/// The first bits of a brotli stream with a window beyond what the format allows: an
/// extension, whose windows of up to a gigabyte nobody may ask for here.
const LARGE_BROTLI_WINDOW: u8 = 0x11;

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

/// The body is not what its coding says, or ends before it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is broken, or not in the coding that its header names")]
pub struct Broken;

/// A body that is being made plain.
pub struct Inflating {
    decoder: Decoder,
}

enum Decoder {
    Gzip(MultiGzDecoder<Reader<Bytes>>),
    Brotli(Box<Decompressor<Reader<Bytes>>>),
    Zstd(Box<Frames>),
}

impl Inflating {
    /// Begins with a whole body.
    ///
    /// # Errors
    /// Where its first bytes are not of this coding, or ask for more memory than is
    /// granted.
    pub fn new(coding: Coding, body: Bytes) -> Result<Self, Broken> {
        let decoder = match coding {
            Coding::Gzip => Decoder::Gzip(MultiGzDecoder::new(body.reader())),
            Coding::Brotli => {
                if body.first().is_some_and(|first| first & 0x7f == LARGE_BROTLI_WINDOW) {
                    return Err(Broken);
                }
                let decoder = Decompressor::new(body.reader(), BROTLI_BUFFER_BYTES);
                Decoder::Brotli(Box::new(decoder))
            }
            Coding::Zstd => Decoder::Zstd(Box::new(Frames::new(body))),
        };
        Ok(Self { decoder })
    }

    /// Writes the next plain bytes, and says how many; 0 at the end.
    ///
    /// # Errors
    /// Where the body does not go on as its coding says.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, Broken> {
        let decoder: &mut dyn Read = match &mut self.decoder {
            Decoder::Gzip(decoder) => decoder,
            Decoder::Brotli(decoder) => decoder,
            Decoder::Zstd(frames) => frames,
        };
        loop {
            match decoder.read(into) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Broken),
            }
        }
    }
}

#[cfg(test)]
mod tests;
