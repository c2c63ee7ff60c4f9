//! One change of a transcript, from four bytes of a script: which kind, which frame, and
//! where in it. Most changes leave JSON that is JSON, with a value that nobody expects.

use plugway_engine::Frame;
use serde_json::{Map, Value};

/// A string that is longer than any field should be.
const LONG_BYTES: usize = 64 << 10;

/// Lists around a value: no more than JSON readers take.
const DEPTH: usize = 60;

/// Copies of an item in its list.
const COPIES: usize = 40;

/// Stands for a number that [`Value`] cannot hold, as long as the frame is one.
const RAW: &str = "@raw@";

/// Values as they are written, of which many are no JSON in the strict sense.
const RAWS: [&str; 16] = [
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775808",
    "-9223372036854775808",
    "4294967295",
    "4294967296",
    "1e308",
    "-1e308",
    "1e999",
    "1e15",
    "-0.0",
    "0.1",
    r#""\ud83e""#,
    r#""\u0000""#,
    "NaN",
    "\"\u{feff}\"",
];

/// What else may name a frame.
const KINDS: [&str; 16] = [
    "",
    "message",
    "error",
    "ping",
    "chunk",
    "metadata",
    "messageStop",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "throttlingException",
    "message_stop",
    "message-end",
    "response.completed",
    "internalServerException",
    "future",
];

/// Bytes that may stand anywhere.
const BYTES: [&[u8]; 12] = [
    b"\xff",
    b"\xc3",
    b"\xf0\x9f",
    b"\0",
    b"\r\n",
    b"\r",
    b"\\",
    b"\"",
    b"}",
    b"[",
    b",",
    b"[DONE]",
];

/// What a field may be called instead.
const NAMES: [&str; 10] =
    ["type", "index", "id", "text", "error", "usage", "content", "message", "delta", "future"];

/// One change.
pub(crate) struct Mutation {
    kind: u8,
    frame: u8,
    place: u8,
    more: u8,
}

/// Bytes of all frames.
pub(crate) fn size(frames: &[Frame]) -> usize {
    frames.iter().map(|frame| frame.data.len()).sum()
}

impl Mutation {
    /// Takes four bytes; missing ones are zero.
    pub(crate) fn from_script(bytes: &[u8]) -> Self {
        let byte = |at| bytes.get(at).copied().unwrap_or_default();
        Self { kind: byte(0), frame: byte(1), place: byte(2), more: byte(3) }
    }

    /// Makes the change.
    pub(crate) fn of(&self, frames: &mut Vec<Frame>) {
        if frames.is_empty() {
            return;
        }
        let at = usize::from(self.frame) % frames.len();
        let other = usize::from(self.more) % frames.len();
        match self.kind % 32 {
            0 => drop(frames.remove(at)),
            1 => frames.insert(other, frames[at].clone()),
            2 => frames.swap(at, other),
            3 => {
                let kind = KINDS[usize::from(self.more) % KINDS.len()];
                frames[at].kind = (!kind.is_empty()).then(|| kind.to_owned());
            }
            4 => {
                let data = &mut frames[at].data;
                let end = self.place(data.len() + 1);
                data.truncate(end);
            }
            5 => {
                let data = &mut frames[at].data;
                let place = self.place(data.len() + 1);
                let bytes = BYTES[usize::from(self.more) % BYTES.len()];
                data.splice(place..place, bytes.iter().copied());
            }
            6 => {
                let data = &mut frames[at].data;
                let start = self.place(data.len() + 1);
                let end = data.len().min(start + usize::from(self.more));
                data.drain(start..end);
            }
            7 => frames.truncate(at),
            8 => {
                let donor = read(&frames[other]).unwrap_or_default();
                self.edit(&mut frames[at], &donor);
            }
            _ => self.edit(&mut frames[at], &Value::Null),
        }
    }

    fn edit(&self, frame: &mut Frame, donor: &Value) {
        let Some(mut json) = read(frame) else { return };
        let count = nodes(&json);
        let donated = node(&mut donor.clone(), &mut self.number(nodes(donor))).map(|it| it.take());
        if let Some(chosen) = node(&mut json, &mut self.number(count)) {
            match (self.kind % 32, donated) {
                (8, Some(value)) => *chosen = value,
                (24.., _) => self.reshape(chosen),
                _ => *chosen = self.value(chosen.take()),
            }
        }
        let raw = RAWS[usize::from(self.more) % RAWS.len()];
        frame.data = json.to_string().replace(&format!("\"{RAW}\""), raw).into_bytes();
    }

    /// What may stand where a value stood.
    fn value(&self, former: Value) -> Value {
        match self.kind % 32 {
            9 => Value::Null,
            10 => Value::from(self.more),
            11 => Value::from(-i64::from(self.more)),
            12 => Value::from(f64::from(self.more) / 7.0),
            13 => Value::from("x"),
            14 => Value::from(""),
            15 => Value::from("\u{e9}".repeat(LONG_BYTES / 2)),
            16 => Value::Array(Vec::new()),
            17 => Value::Object(Map::new()),
            18 => Value::from(self.more % 2 == 0),
            19 => Value::Array(vec![former]),
            20 => Value::Object(std::iter::once(("text".to_owned(), former)).collect()),
            21 => (0..DEPTH).fold(former, |inner, _| Value::Array(vec![inner])),
            22 => Value::from(former.to_string()),
            _ => Value::from(RAW),
        }
    }

    /// Changes what a list or an object holds.
    fn reshape(&self, chosen: &mut Value) {
        match chosen {
            Value::Array(items) if !items.is_empty() => {
                let (at, to) = (self.place(items.len()), usize::from(self.more) % items.len());
                match self.kind % 4 {
                    0 => drop(items.remove(at)),
                    1 => items.swap(at, to),
                    2 => items.insert(to, items[at].clone()),
                    _ => items.extend(vec![items[at].clone(); COPIES]),
                }
            }
            Value::Object(fields) if !fields.is_empty() => {
                let at = self.place(fields.len());
                let Some(name) = fields.keys().nth(at).cloned() else { return };
                let other = NAMES[usize::from(self.more) % NAMES.len()].to_owned();
                let value = fields.get(&name).cloned().unwrap_or_default();
                match self.kind % 4 {
                    0 => drop(fields.remove(&name)),
                    1 => {
                        fields.remove(&name);
                        fields.insert(other, value);
                    }
                    2 => drop(fields.insert(other, value)),
                    _ => fields.extend((0..COPIES).map(|n| (format!("{name}{n}"), value.clone()))),
                }
            }
            // Of a value that holds nothing, a cut.
            Value::String(text) => {
                let end = text.floor_char_boundary(self.place(text.len() + 1));
                text.truncate(end);
            }
            other => *other = Value::Array(vec![other.clone(); COPIES]),
        }
    }

    /// A place among so many, of which the script may name each.
    fn place(&self, count: usize) -> usize {
        (usize::from(self.place) * 257 + usize::from(self.more)) % count.max(1)
    }

    /// The number of a node among so many.
    fn number(&self, count: usize) -> usize {
        usize::from(self.place) % count.max(1)
    }
}

fn read(frame: &Frame) -> Option<Value> {
    serde_json::from_slice(&frame.data).ok()
}

fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(nodes).sum(),
        Value::Object(fields) => fields.values().map(nodes).sum(),
        _ => 0,
    }
}

/// The node that has `left` others before it.
fn node<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| node(item, left)),
        Value::Object(fields) => fields.values_mut().find_map(|item| node(item, left)),
        _ => None,
    }
}
