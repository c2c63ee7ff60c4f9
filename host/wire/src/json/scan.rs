//! The one check of a body, and the splitting that relies on it.

use std::borrow::Cow;
use std::fmt;

use memchr::{memchr, memmem};
use serde::de::IgnoredAny;

/// Levels of nesting that a value may have, as in the contract's `json`.
pub(crate) const MAX_DEPTH: usize = 64;

/// Values that a body may have. Each takes room of its own, so that without a bound
/// a body of numbers alone would take many times its bytes. The longest
/// conversations have a tenth of it.
pub(crate) const MAX_VALUES: usize = 1 << 20;

/// Why a text is not the JSON we take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Not JSON, from this line and column on.
    Syntax { line: usize, column: usize },
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// More values than [`MAX_VALUES`].
    TooMany,
    /// `\ud800` and its like without their other half: no valid text anywhere.
    LoneSurrogate,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { line, column } => {
                write!(f, "is not valid JSON at line {line}, column {column}")
            }
            Self::TooDeep => write!(f, "is nested deeper than {MAX_DEPTH} levels"),
            Self::TooMany => write!(f, "has more than {MAX_VALUES} values"),
            Self::LoneSurrogate => f.write_str("holds a \\u escape of half a surrogate pair"),
        }
    }
}

/// Checks that `text` is one JSON value that everybody can read, and counts the
/// values in it.
pub(crate) fn check(text: &str) -> Result<usize, Flaw> {
    judge(text).map_err(|(flaw, _)| flaw)
}

/// The same; a flaw comes with the byte at which it is. Bad syntax is told by its line,
/// and is the whole text's.
pub(super) fn judge(text: &str) -> Result<usize, (Flaw, usize)> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let (line, column) = (error.line(), error.column());
        // The parser itself gives up on what is nested much too deep.
        let read = text.get(..offset(text, line, column)).unwrap_or(text);
        count(read, |_, at| Ok(skip_string(read.as_bytes(), at)))?;
        return Err((Flaw::Syntax { line, column }, 0));
    }
    count(text, checked_string_end)
}

/// The byte at this line and column, both counted from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let lines = text.split_inclusive('\n').take(line.saturating_sub(1));
    lines.map(str::len).sum::<usize>() + column
}

/// Counts the values of a text of which every string ends where `string_end` says.
fn count(
    text: &str,
    string_end: impl Fn(&[u8], usize) -> Result<usize, Flaw>,
) -> Result<usize, (Flaw, usize)> {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut values) = (0, 0_usize, 1_usize);
    while at < bytes.len() {
        match byte(bytes, at) {
            b'"' => {
                at = string_end(bytes, at).map_err(|flaw| (flaw, at + 1))?;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                values += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err((Flaw::TooDeep, at));
        }
        if values > MAX_VALUES {
            return Err((Flaw::TooMany, 0));
        }
        at += 1;
    }
    Ok(values)
}

/// One past the closing quote of the string that opens at `at`, whose surrogates
/// must come in pairs.
fn checked_string_end(bytes: &[u8], at: usize) -> Result<usize, Flaw> {
    let end = skip_string(bytes, at);
    let string = bytes.get(..end).unwrap_or_default();
    // Where the other half of a pair must stand.
    let mut half = None;
    for escape in memmem::find_iter(string.get(at..).unwrap_or_default(), b"\\u") {
        let escape = at + escape;
        if is_escaped(bytes, escape) {
            continue;
        }
        let second = half.take() == Some(escape);
        match code_unit(string, escape) {
            Some(0xDC00..=0xDFFF) if second => {}
            Some(0xD800..=0xDBFF) if !second && code_unit(string, escape + 6).is_some() => {
                half = Some(escape + 6);
            }
            Some(0xD800..=0xDFFF) => return Err(Flaw::LoneSurrogate),
            _ if second => return Err(Flaw::LoneSurrogate),
            _ => {}
        }
    }
    Ok(end)
}

/// Whether an odd number of backslashes stands before the byte at `at`.
fn is_escaped(bytes: &[u8], at: usize) -> bool {
    let before = bytes.get(..at).unwrap_or_default();
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}

/// The UTF-16 code unit of the `\uXXXX` at `at`; none where there is no such escape.
fn code_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Splits a checked object into keys, still escaped, and values.
pub(super) fn members(object: &str) -> Vec<(&str, &str)> {
    let bytes = object.as_bytes();
    let mut members = Vec::new();
    let mut at = skip_space(bytes, 1);
    while byte(bytes, at) == b'"' {
        let key_end = skip_string(bytes, at);
        let key = object.get(at + 1..key_end - 1).unwrap_or_default();
        // Past the colon.
        let value = skip_space(bytes, skip_space(bytes, key_end) + 1);
        let value_end = skip_value(bytes, value);
        members.push((key, object.get(value..value_end).unwrap_or_default()));
        // Past the comma or the closing brace.
        at = skip_space(bytes, skip_space(bytes, value_end) + 1);
    }
    members
}

/// Splits a checked array.
pub(super) fn items(array: &str) -> Vec<&str> {
    let bytes = array.as_bytes();
    let mut items = Vec::new();
    let mut at = skip_space(bytes, 1);
    while at < bytes.len() && byte(bytes, at) != b']' {
        let end = skip_value(bytes, at);
        items.push(array.get(at..end).unwrap_or_default());
        at = skip_space(bytes, skip_space(bytes, end) + 1);
    }
    items
}

/// The text that the escaped content of a checked string, or a part of it that
/// cuts no escape in two, stands for.
pub(crate) fn unescape(content: &str) -> Cow<'_, str> {
    if memchr(b'\\', content.as_bytes()).is_none() {
        return Cow::Borrowed(content);
    }
    // Checked content always parses; were it not checked, it would stay as it is.
    serde_json::from_str(&format!("\"{content}\""))
        .map_or(Cow::Borrowed(content), |text: String| Cow::Owned(text))
}

fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(byte(bytes, at), b' ' | b'\t' | b'\n' | b'\r') {
        at += 1;
    }
    at
}

/// One past the closing quote of the string that opens at `at`. Looks for quotes
/// alone: text is full of escapes, but few of them are of quotes.
pub(super) fn skip_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(quote) = memchr(b'"', bytes.get(at..).unwrap_or_default()) {
        at += quote + 1;
        if !is_escaped(bytes, at - 1) {
            return at;
        }
    }
    bytes.len()
}

fn skip_value(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < bytes.len() {
        match byte(bytes, at) {
            b'"' => {
                at = skip_string(bytes, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return if depth == 1 { at + 1 } else { at },
            b'}' | b']' => depth -= 1,
            b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
