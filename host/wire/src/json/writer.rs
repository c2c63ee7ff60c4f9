//! Writing JSON straight into the bytes that leave.

use std::collections::HashMap;
use std::fmt::Write as _;

use bytes::{BufMut, BytesMut};
use memchr::memchr2;

/// Picodollars in a dollar.
const DOLLAR: u64 = 1_000_000_000_000;

/// Writes one JSON value, placing the commas. Whoever calls closes what it opens.
pub(crate) struct Writer<'o> {
    out: &'o mut BytesMut,
    /// Another value came before, at this level.
    comma: bool,
}

impl<'o> Writer<'o> {
    pub(crate) fn new(out: &'o mut BytesMut) -> Self {
        Self { out, comma: false }
    }

    /// Goes on inside an object that is open and not empty.
    pub(crate) fn resume(out: &'o mut BytesMut) -> Self {
        Self { out, comma: true }
    }

    /// Something was written at this level.
    pub(crate) fn wrote(&self) -> bool {
        self.comma
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.put_u8(b',');
        }
        self.comma = true;
    }

    /// Opens an object or array: `{` or `[`.
    pub(crate) fn open(&mut self, bracket: u8) {
        self.separate();
        self.out.put_u8(bracket);
        self.comma = false;
    }

    /// Closes it: `}` or `]`.
    pub(crate) fn close(&mut self, bracket: u8) {
        self.out.put_u8(bracket);
        self.comma = true;
    }

    /// Ends an event of a stream whose data was the value.
    pub(crate) fn end_event(self) {
        self.out.put_slice(b"\n\n");
    }

    /// A key that needs no escapes.
    pub(crate) fn key(&mut self, name: &str) -> &mut Self {
        self.separate();
        self.out.put_u8(b'"');
        self.out.put_slice(name.as_bytes());
        self.out.put_slice(b"\":");
        self.comma = false;
        self
    }

    /// Any key.
    pub(crate) fn foreign_key(&mut self, name: &str) -> &mut Self {
        self.string(name);
        self.out.put_u8(b':');
        self.comma = false;
        self
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.separate();
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer((&mut *self.out).writer(), text);
    }

    pub(crate) fn string_or_null(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.literal("null"),
        }
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.separate();
        // Writing to memory cannot fail.
        let _ = write!(self.out, "{number}");
    }

    /// A number of single precision, as short as it can be told. Must be finite.
    pub(crate) fn float(&mut self, number: f32) {
        self.separate();
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer((&mut *self.out).writer(), &number);
    }

    /// A number of double precision. Must be finite.
    pub(crate) fn double(&mut self, number: f64) {
        self.separate();
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer((&mut *self.out).writer(), &number);
    }

    /// A number, `true`, `false` or `null`.
    pub(crate) fn literal(&mut self, literal: &str) {
        self.separate();
        self.out.put_slice(literal.as_bytes());
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.literal(if value { "true" } else { "false" });
    }

    /// Picodollars as a number of dollars, or null where the price is unknown.
    pub(crate) fn dollars(&mut self, picodollars: Option<u64>) {
        match picodollars {
            Some(picodollars) => self.literal(&dollars(picodollars)),
            None => self.literal("null"),
        }
    }

    /// JSON that somebody else wrote. Line breaks between its tokens become spaces,
    /// for in an event stream a line break ends the data.
    pub(crate) fn raw(&mut self, json: &str) {
        self.separate();
        let start = self.out.len();
        self.out.put_slice(json.as_bytes());
        let written = self.out.get_mut(start..).unwrap_or_default();
        let mut at = 0;
        while let Some(next) = memchr2(b'\n', b'\r', written.get(at..).unwrap_or_default()) {
            at += next;
            if let Some(byte) = written.get_mut(at) {
                *byte = b' ';
            }
        }
    }
}

/// Native fields: those with a name of their own, and of two with the same name
/// the later.
pub(crate) fn write_extra(json: &mut Writer<'_>, extra: &[(String, String)], ours: &[&str]) {
    let names = extra.iter().enumerate().map(|(place, (name, _))| (name, place));
    // Looked up, not searched for: how many there are is the adapter's choice.
    let last: HashMap<&String, usize> = names.collect();
    for (place, (name, value)) in extra.iter().enumerate() {
        if last.get(name) == Some(&place) && !ours.contains(&name.as_str()) {
            json.foreign_key(name).raw(value);
        }
    }
}

/// An object of these fields, as JSON. Their values are JSON already.
pub(crate) fn object(fields: &[(String, String)]) -> String {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    for (name, value) in fields {
        json.foreign_key(name).raw(value);
    }
    json.close(b'}');
    // Written from texts alone.
    String::from_utf8_lossy(&out).into_owned()
}

/// What is left of a field that is modelled in part, as that field, to be merged back
/// into it by whoever speaks the dialect; none where nothing is left.
pub(crate) fn inside(name: &str, left: Vec<(String, String)>) -> Option<(String, String)> {
    (!left.is_empty()).then(|| (name.to_owned(), object(&left)))
}

/// Writes the items of several arrays, which are JSON already, as one array.
pub(crate) fn write_joined<'a>(
    json: &mut Writer<'_>,
    arrays: impl IntoIterator<Item = &'a String>,
) {
    json.open(b'[');
    for array in arrays {
        let items = array.trim().strip_prefix('[').and_then(|items| items.strip_suffix(']'));
        if let Some(items) = items.map(str::trim).filter(|items| !items.is_empty()) {
            json.raw(items);
        }
    }
    json.close(b']');
}

/// Picodollars as a decimal number of dollars, exact.
fn dollars(picodollars: u64) -> String {
    let (whole, part) = (picodollars / DOLLAR, picodollars % DOLLAR);
    if part == 0 {
        return whole.to_string();
    }
    let decimals = format!("{part:012}");
    format!("{whole}.{}", decimals.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_stand_between_values_alone() {
        let mut out = BytesMut::new();
        let mut json = Writer::new(&mut out);
        json.open(b'{');
        json.key("a").open(b'[');
        json.number(1);
        json.open(b'{');
        json.close(b'}');
        json.string("x\"\n");
        json.close(b']');
        json.foreign_key("b\"").string_or_null(None);
        json.key("c").raw("{\n\r\"d\": 1}");
        json.close(b'}');
        let expected = r#"{"a":[1,{},"x\"\n"],"b\"":null,"c":{  "d": 1}}"#;
        assert_eq!(out, expected);
    }

    #[test]
    fn dollars_are_exact() {
        for (picodollars, expected) in [
            (0, "0"),
            (1, "0.000000000001"),
            (50_250_000, "0.00005025"),
            (1_000_000_000_000, "1"),
            (1_500_000_000_000, "1.5"),
            (u64::MAX, "18446744.073709551615"),
        ] {
            assert_eq!(dollars(picodollars), expected);
        }
    }
}
