//! Putting the content back into the body that an adapter wrote.

use std::fmt;

use bytes::Bytes;
use memchr::{memchr, memchr2, memmem};

use super::{Seals, TOKEN_LENGTH};

/// A body ready to be sent: slices of what the adapter wrote and of what the
/// client sent, in turn. `Debug` shows no content.
#[derive(Clone, Default)]
pub struct Spliced {
    /// In the order of sending; none is empty.
    pub chunks: Vec<Bytes>,
    /// Bytes in sum.
    pub len: usize,
}

impl fmt::Debug for Spliced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spliced({} chunks, {} bytes)", self.chunks.len(), self.len)
    }
}

impl Spliced {
    fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.len += chunk.len();
            self.chunks.push(chunk);
        }
    }
}

/// The rule about seals that a body breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A seal that the adapter was shown is nowhere in the body.
    #[error("the body leaves out a seal")]
    Missing,
    /// A seal stands in the body more than once.
    #[error("the body holds a seal twice")]
    Doubled,
    /// The body holds something like a seal, but none that the adapter was shown.
    #[error("the body holds a seal that was never made")]
    Forged,
    /// A seal stands outside the JSON strings of the body.
    #[error("the body holds a seal outside a JSON string")]
    Misplaced,
    /// A seal stands in the path, a header or the memo.
    #[error("a seal stands outside the body")]
    Elsewhere,
}

impl Seals {
    /// Puts the content back into a body. `shown` tells whether the adapter was
    /// shown seals; one that was shown the content must not send any.
    ///
    /// # Errors
    /// Where a seal is missing, doubled, forged or outside a JSON string.
    pub fn splice(&self, body: Vec<u8>, shown: bool) -> Result<Spliced, SealError> {
        let body = Bytes::from(body);
        let mut spliced = Spliced::default();
        if self.is_empty() {
            spliced.push(body);
            return Ok(spliced);
        }
        let mut left = vec![shown; self.len()];
        let mut strings = Strings::of(&body);
        let mut written = 0;
        for start in memmem::find_iter(&body, self.table.nonce.as_bytes()) {
            let end = start + TOKEN_LENGTH;
            let index = body.get(start..end).and_then(|token| self.index(token));
            let (Some(index), true) = (index, shown) else {
                return Err(SealError::Forged);
            };
            let (Some(left), Some(content)) = (left.get_mut(index), self.table.contents.get(index))
            else {
                return Err(SealError::Forged);
            };
            // A nonce that begins with zeros begins within the number of the seal before.
            if start < written {
                return Err(SealError::Forged);
            }
            if !std::mem::take(left) {
                return Err(SealError::Doubled);
            }
            if !strings.holds(start) {
                return Err(SealError::Misplaced);
            }
            spliced.push(body.slice(written..start));
            spliced.push(content.clone());
            written = end;
        }
        if left.contains(&true) {
            return Err(SealError::Missing);
        }
        // Without seals the body need not be JSON at all.
        if shown && strings.stays_open() {
            return Err(SealError::Misplaced);
        }
        spliced.push(body.slice(written..));
        Ok(spliced)
    }
}

/// Follows the JSON strings of a body from its start, on demand.
struct Strings<'b> {
    body: &'b [u8],
    at: usize,
    inside: bool,
}

impl<'b> Strings<'b> {
    fn of(body: &'b [u8]) -> Self {
        Self { body, at: 0, inside: false }
    }

    /// Whether a string holds the character at `place`, and no escape reaches into
    /// it. Places must be asked for in ascending order.
    fn holds(&mut self, place: usize) -> bool {
        while let Some(ahead) = self.body.get(self.at..place).filter(|a| !a.is_empty()) {
            let next = if self.inside { memchr2(b'"', b'\\', ahead) } else { memchr(b'"', ahead) };
            let Some(next) = next else {
                self.at = place;
                break;
            };
            self.at += next;
            if self.body.get(self.at) == Some(&b'"') {
                self.inside = !self.inside;
                self.at += 1;
            } else {
                let unicode = self.body.get(self.at + 1) == Some(&b'u');
                self.at += if unicode { 6 } else { 2 };
            }
        }
        self.inside && self.at == place
    }

    /// Whether the last string is never closed.
    fn stays_open(&mut self) -> bool {
        self.holds(self.body.len());
        self.inside
    }
}
