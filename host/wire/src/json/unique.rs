//! Whether every field of a value that travels on as it is has a name of its own.
//! Readers disagree on which of two fields counts, so what one checks another may
//! never see.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;

use super::node::shown;
use super::scan::{skip_string, unescape};

/// Names up to which repeated ones are looked for by comparing all pairs.
const FEW_NAMES: usize = 24;

/// The first name that stands more than once in a list.
pub(super) fn repeated<'n>(names: &'n [Cow<'_, str>]) -> Option<&'n str> {
    if names.len() > FEW_NAMES {
        let mut seen = HashSet::with_capacity(names.len());
        return names.iter().map(|name| &**name).find(|name| !seen.insert(*name));
    }
    names.iter().enumerate().find_map(|(index, name)| {
        names.get(..index).unwrap_or_default().contains(name).then_some(&**name)
    })
}

/// An object or array that is open at some place of the walk.
enum Level<'v> {
    Object {
        names: Vec<Cow<'v, str>>,
        /// The next string is a name.
        at_name: bool,
    },
    Array {
        index: usize,
    },
}

/// The way below a checked value to the first field that its object has twice,
/// such as `.items[2].name`. One walk, however deep the value is.
pub(super) fn repeated_below(value: &str) -> Option<String> {
    let bytes = value.as_bytes();
    let mut levels: Vec<Level<'_>> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, levels.last_mut()) {
            (b'"', level) => {
                let end = skip_string(bytes, at);
                if let Some(Level::Object { names, at_name }) = level
                    && std::mem::take(at_name)
                {
                    names.push(unescape(value.get(at + 1..end - 1).unwrap_or_default()));
                }
                at = end;
                continue;
            }
            (b'{', _) => levels.push(Level::Object { names: Vec::new(), at_name: true }),
            (b'[', _) => levels.push(Level::Array { index: 0 }),
            (b',', Some(Level::Object { at_name, .. })) => *at_name = true,
            (b',', Some(Level::Array { index })) => *index += 1,
            (b'}' | b']', _) => {
                if let Some(Level::Object { names, .. }) = levels.pop()
                    && let Some(name) = repeated(&names)
                {
                    return Some(way(&levels, name));
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn way(levels: &[Level<'_>], name: &str) -> String {
    let mut way = String::new();
    for level in levels {
        // A string takes whatever is written to it.
        let _ = match level {
            Level::Object { names, .. } => {
                write!(way, ".{}", shown(names.last().map_or("", |name| name)))
            }
            Level::Array { index } => write!(way, "[{index}]"),
        };
    }
    let _ = write!(way, ".{}", shown(name));
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<&str>) {
        assert_eq!(repeated_below(value).as_deref(), expected, "{value}");
    }

    #[test]
    fn repeated_names_are_found_wherever_they_stand() {
        check(r#"{"a":1,"a":2}"#, Some(".a"));
        check(r#"{"a":{"b":[0,{"c":1,"d":[],"c":{}}]}}"#, Some(".a.b[1].c"));
        check(r#"[{"a":1},{"\u0061":1,"a":2}]"#, Some("[1].a"));
        let many: Vec<String> = (0..100).map(|n| format!("\"{n}\":0")).collect();
        check(&format!("{{{}}}", many.join(",")), None);
        check(&format!("{{{},\"7\":0}}", many.join(",")), Some(".7"));
    }

    #[test]
    fn what_only_looks_repeated_is_not() {
        check(r#"{"a":"a","b":["a","a"],"c":{"a":{"a":1}}}"#, None);
        check(r#"{"a":"{\"b\":1,\"b\":2}","b":"\"a\":1,","c":"}"}"#, None);
        check(r#""a""#, None);
        check("7", None);
    }
}
