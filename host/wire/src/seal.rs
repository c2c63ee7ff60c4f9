//! Seals: content that crosses the sandbox as a token and leaves as itself.
//!
//! A long string of a request is replaced by a short token that nobody can guess;
//! behind it stands a slice of the client's own body, still escaped. The adapter
//! carries the token to where the text belongs, and [`Seals::splice`] puts the
//! slice back as the body leaves: never unescaped, never escaped again, never
//! copied. A seal leaves exactly once, inside a string, or the attempt fails.
//!
//! What the assistant said is sealed like any other text, also in a last message
//! that the model is to go on from. An adapter that must look into it, say to trim
//! its end, has to be granted content.

mod attached;
mod decoded;
mod splice;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use plugway_engine::chat;
use rand::RngExt;
use rand::distr::Alphanumeric;

pub use attached::Attached;
pub use splice::{SealError, Spliced};

use crate::json::unescape;

/// Characters of a token that are drawn anew for each request: 130 bits.
const NONCE_LENGTH: usize = 22;

/// Characters that number the seals of a request, in base 62.
const INDEX_LENGTH: usize = 6;

/// Characters of a token.
const TOKEN_LENGTH: usize = NONCE_LENGTH + INDEX_LENGTH;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The seals of one request. Cheap to clone; keeps the client's body alive.
/// `Debug` shows no content and no token.
#[derive(Clone, Default)]
pub struct Seals {
    table: Arc<Table>,
}

#[derive(Default)]
struct Table {
    nonce: String,
    /// Escaped content of a JSON string, by index.
    contents: Vec<Bytes>,
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seals({})", self.len())
    }
}

impl Seals {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.contents.len()
    }

    /// Nothing was long enough to be sealed.
    pub fn is_empty(&self) -> bool {
        self.table.contents.is_empty()
    }

    /// The text behind a token; none where the string is no seal of this request.
    pub fn open(&self, token: &str) -> Option<String> {
        let content = self.table.contents.get(self.index(token.as_bytes())?)?;
        // Slices of a body that was checked to be UTF-8.
        let content = std::str::from_utf8(content).ok()?;
        Some(unescape(content).into_owned())
    }

    /// Whether a text holds a seal of this request, or what looks like one.
    pub fn occur_in(&self, text: &str) -> bool {
        !self.is_empty() && text.contains(&self.table.nonce)
    }

    /// The request as an adapter sees it that was granted content.
    pub fn unseal(&self, request: &chat::Request) -> chat::Request {
        let mut request = request.clone();
        if !self.is_empty() {
            let messages = request.messages.iter_mut();
            for part in messages.flat_map(|message| &mut message.parts) {
                self.unseal_part(&mut part.body);
            }
        }
        request
    }

    fn unseal_part(&self, body: &mut chat::PartBody) {
        match body {
            chat::PartBody::Text(text) => self.unseal_text(text),
            chat::PartBody::Media(media) => self.unseal_media(media),
            chat::PartBody::ToolResult(result) => {
                for part in &mut result.content {
                    match &mut part.body {
                        chat::ResultBody::Text(text) => self.unseal_text(text),
                        chat::ResultBody::Media(media) => self.unseal_media(media),
                        chat::ResultBody::Json(_) | chat::ResultBody::Native(_) => {}
                    }
                }
            }
            chat::PartBody::Refusal(_)
            | chat::PartBody::Reasoning(_)
            | chat::PartBody::ToolCall(_)
            | chat::PartBody::Native(_) => {}
        }
    }

    fn unseal_media(&self, media: &mut chat::Media) {
        match &mut media.source {
            chat::MediaSource::Base64(text) | chat::MediaSource::Text(text) => {
                self.unseal_text(text);
            }
            chat::MediaSource::Uri(_) | chat::MediaSource::FileId(_) => {}
        }
    }

    fn unseal_text(&self, text: &mut String) {
        if let Some(opened) = self.open(text) {
            *text = opened;
        }
    }

    /// Index of the seal that the token stands for.
    fn index(&self, token: &[u8]) -> Option<usize> {
        let digits = token.strip_prefix(self.table.nonce.as_bytes())?;
        if self.is_empty() || digits.len() != INDEX_LENGTH {
            return None;
        }
        let index = digits.iter().try_fold(0_usize, |index, digit| {
            let value = DIGITS.iter().position(|known| known == digit)?;
            index.checked_mul(DIGITS.len())?.checked_add(value)
        })?;
        (index < self.len()).then_some(index)
    }
}

/// Makes the seals of one request while its body is decoded.
pub(crate) struct Sealer {
    body: Bytes,
    /// Content of at most so many bytes stays plain.
    min_bytes: usize,
    table: Table,
}

impl Sealer {
    pub(crate) fn new(body: Bytes, min_bytes: usize) -> Self {
        Self {
            body,
            // A token must never be longer than what it stands for.
            min_bytes: min_bytes.max(TOKEN_LENGTH),
            table: Table::default(),
        }
    }

    /// One that seals nothing: for what is held in clear, and sealed for an adapter.
    pub(crate) fn unsealed(body: Bytes) -> Self {
        Self::new(body, usize::MAX)
    }

    /// The text of `content`, or a token for it. `content` is a slice of the body:
    /// what stands between the quotes of a checked JSON string, or a part of it
    /// that cuts no escape in two.
    pub(crate) fn seal(&mut self, content: &str) -> String {
        if content.len() <= self.min_bytes {
            return unescape(content).into_owned();
        }
        let Some(range) = self.range(content) else {
            return unescape(content).into_owned();
        };
        self.keep(self.body.slice(range))
    }

    /// A text that the body holds in another way, or a token for it: such as base64 in
    /// the standard alphabet. What a JSON string must not hold as it is gets escaped:
    /// content that closed its string would write the rest of the provider's request.
    pub(crate) fn seal_copy(&mut self, text: String) -> String {
        if text.len() <= self.min_bytes {
            return text;
        }
        let needs_escape = |byte| byte < b' ' || matches!(byte, b'"' | b'\\');
        if text.bytes().any(needs_escape) {
            return self.keep(escaped(&text));
        }
        self.keep(text.into())
    }

    fn keep(&mut self, content: Bytes) -> String {
        if self.table.nonce.is_empty() {
            let random = rand::rng().sample_iter(Alphanumeric);
            self.table.nonce = random.take(NONCE_LENGTH).map(char::from).collect();
        }
        self.table.contents.push(content);
        token(&self.table.nonce, self.table.contents.len() - 1)
    }

    /// Where the slice lies in the body; none where it is no slice of it.
    fn range(&self, content: &str) -> Option<Range<usize>> {
        let start = content.as_ptr().addr().checked_sub(self.body.as_ptr().addr())?;
        let end = start.checked_add(content.len())?;
        (end <= self.body.len()).then_some(start..end)
    }

    pub(crate) fn finish(self) -> Seals {
        Seals { table: Arc::new(self.table) }
    }
}

/// What stands between the quotes of the JSON string that says `text`.
pub(crate) fn escaped(text: &str) -> Bytes {
    // A string has no way to fail as JSON.
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let content = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    Bytes::copy_from_slice(content.as_bytes())
}

fn token(nonce: &str, index: usize) -> String {
    let mut digits = [b'0'; INDEX_LENGTH];
    let mut rest = index;
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS.get(rest % DIGITS.len()).copied().unwrap_or(b'0');
        rest /= DIGITS.len();
    }
    let digits = digits.iter().copied().map(char::from);
    nonce.chars().chain(digits).collect()
}

#[cfg(test)]
#[path = "seal/tests.rs"]
mod tests;
