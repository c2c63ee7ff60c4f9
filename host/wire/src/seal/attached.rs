//! Content that the router itself puts into a request, for one attempt.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rand::RngExt;
use rand::distr::Alphanumeric;

use crate::json::unescape;

use super::{NONCE_LENGTH, Seals, TOKEN_LENGTH, Table, token};

/// Bytes in base64, which nothing in a JSON string has to be escaped of.
#[derive(Clone)]
pub struct Attached(Bytes);

impl Attached {
    /// Takes what the bytes are in base64, a third more.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(STANDARD.encode(bytes).into())
    }

    /// For an adapter that is granted content.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl Seals {
    /// These and one more for the content, which crosses as the text beside it.
    #[must_use]
    pub fn with(&self, attached: &Attached) -> (Self, String) {
        // A token must never be longer than what it stands for.
        if attached.0.len() <= TOKEN_LENGTH {
            return (self.clone(), attached.text());
        }
        self.and(attached.0.clone())
    }

    /// The same for a text, of which this stands between the quotes of a JSON string.
    pub(crate) fn with_text(&self, escaped: &Bytes) -> (Self, String) {
        if escaped.len() <= TOKEN_LENGTH {
            let text = String::from_utf8_lossy(escaped);
            return (self.clone(), unescape(&text).into_owned());
        }
        self.and(escaped.clone())
    }

    fn and(&self, content: Bytes) -> (Self, String) {
        let mut contents = self.table.contents.clone();
        contents.push(content);
        let nonce = match self.table.nonce.is_empty() {
            true => {
                let random = rand::rng().sample_iter(Alphanumeric);
                random.take(NONCE_LENGTH).map(char::from).collect()
            }
            false => self.table.nonce.clone(),
        };
        let token = token(&nonce, contents.len() - 1);
        (Self { table: Arc::new(Table { nonce, contents }) }, token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_attached_leaves_where_its_token_stands() {
        let one = Attached::new(&[0xfb; 60]);
        let two = Attached::new(&[0x07; 90]);
        let (seals, first) = Seals::default().with(&one);
        let (seals, second) = seals.with(&two);
        let (seals, again) = seals.with(&one);
        assert_eq!(seals.len(), 3);
        assert_eq!(seals.open(&second), Some(two.text()));
        let body = format!(r#"["{first}","{second}","{again}"]"#).into_bytes();
        let spliced = seals.splice(body, true).unwrap();
        let sent: Vec<u8> = spliced.chunks.concat();
        let expected = format!(r#"["{}","{}","{}"]"#, one.text(), two.text(), one.text());
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
    }

    #[test]
    fn what_is_short_stays_plain() {
        let (seals, text) = Seals::default().with(&Attached::new(b"abc"));
        assert!(seals.is_empty());
        assert_eq!(text, "YWJj");
    }
}
