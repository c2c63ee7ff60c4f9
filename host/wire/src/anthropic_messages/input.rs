//! The input of a call, which the dialect shows as an object.

use std::borrow::Cow;

use bytes::BytesMut;

use crate::json::{self, Writer};

/// The name under which text is shown that is no object: the one that Anthropic's own
/// guides give it.
const INVALID: &str = "INVALID_JSON";

/// What a model wrote, as an object: itself where it is one, an empty one where it is
/// nothing, and else one that holds the text.
pub(super) fn object(input: &str) -> Cow<'_, str> {
    let trimmed = input.trim();
    if trimmed.is_empty() || trimmed == "null" {
        return Cow::Borrowed("{}");
    }
    if trimmed.starts_with('{') && json::check(trimmed).is_ok() {
        return Cow::Borrowed(trimmed);
    }
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    json.key(INVALID).string(input);
    json.close(b'}');
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// Whether a text that comes in bits is an object, and where it ends.
#[derive(Default)]
pub(super) struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
    ended: bool,
}

impl Scan {
    /// Reads the next bit.
    pub(super) fn read(&mut self, bit: &str) {
        for byte in bit.bytes() {
            match (self.in_string, byte) {
                (true, _) if self.escaped => self.escaped = false,
                (true, b'\\') => self.escaped = true,
                (_, b'"') => self.in_string = !self.in_string,
                (false, b'{' | b'[') => self.depth += 1,
                (false, b'}' | b']') => {
                    self.depth = self.depth.saturating_sub(1);
                    self.ended |= self.depth == 0;
                }
                _ => {}
            }
        }
    }

    /// The object is whole.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_model_wrote_is_shown_as_an_object() {
        for (input, expected) in [
            ("", "{}"),
            (" \n", "{}"),
            ("null", "{}"),
            (r#"{"a": 1}"#, r#"{"a": 1}"#),
            (r#" {"a":{}} "#, r#"{"a":{}}"#),
            ("[1]", r#"{"INVALID_JSON":"[1]"}"#),
            (r#"{"a": "#, r#"{"INVALID_JSON":"{\"a\": "}"#),
            (r#"{"a":"\ud800"}"#, r#"{"INVALID_JSON":"{\"a\":\"\\ud800\"}"}"#),
            ("Oslo", r#"{"INVALID_JSON":"Oslo"}"#),
        ] {
            assert_eq!(object(input), expected, "{input}");
        }
    }

    #[test]
    fn an_object_ends_where_its_braces_do() {
        let whole = r#"{"a":"}\"{","b":[{}],"c":"\\"}"#;
        for cut in 0..whole.len() {
            let mut scan = Scan::default();
            scan.read(&whole[..cut]);
            assert!(!scan.has_ended(), "{}", &whole[..cut]);
            scan.read(&whole[cut..]);
            assert!(scan.has_ended());
        }
    }
}
