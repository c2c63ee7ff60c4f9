//! Where in a body something stands that makes it no body at all: the way there, for
//! whoever has to mend it.

use std::fmt::Write;

use super::node::shown;
use super::scan::{skip_string, unescape};

/// Steps of a way that are told. Whoever nests deeper finds the rest from there.
const MAX_STEPS: usize = 12;

/// An object or array that is open at some place of the walk.
enum Level {
    Object {
        name: String,
        /// The next string is a name.
        at_name: bool,
    },
    Array {
        index: usize,
    },
}

/// The way to the value that holds the byte at `at`, such as `messages[3].content`.
/// Everything before it is JSON. Empty where that is no field of the body's.
pub(super) fn way_to(body: &[u8], at: usize) -> String {
    let mut levels: Vec<Level> = Vec::new();
    // How many are open beyond those that are told.
    let mut deeper = 0_usize;
    let mut here = 0;
    while let Some(byte) = body.get(here).filter(|_| here < at) {
        if *byte == b'"' {
            let end = skip_string(body, here);
            if end > at {
                break;
            }
            if deeper == 0
                && let Some(Level::Object { name, at_name }) = levels.last_mut()
                && std::mem::take(at_name)
            {
                let key = body.get(here + 1..end - 1).unwrap_or_default();
                *name = unescape(std::str::from_utf8(key).unwrap_or_default()).into_owned();
            }
            here = end;
            continue;
        }
        here += 1;
        let is_long = levels.len() >= MAX_STEPS;
        match (byte, levels.last_mut()) {
            (b'{' | b'[', _) if is_long => deeper += 1,
            (b'{', _) => levels.push(Level::Object { name: String::new(), at_name: true }),
            (b'[', _) => levels.push(Level::Array { index: 0 }),
            (b'}' | b']', _) if deeper > 0 => deeper -= 1,
            (b'}' | b']', _) => drop(levels.pop()),
            (b',', Some(Level::Object { at_name, name })) if deeper == 0 => {
                *at_name = true;
                name.clear();
            }
            (b',', Some(Level::Array { index })) if deeper == 0 => *index += 1,
            _ => {}
        }
    }
    told(&levels)
}

fn told(levels: &[Level]) -> String {
    let mut way = String::new();
    if !matches!(levels.first(), Some(Level::Object { .. })) {
        return way;
    }
    for level in levels {
        // A string takes whatever is written to it.
        let _ = match level {
            // Inside of a name, or before it.
            Level::Object { at_name: true, .. } => break,
            Level::Object { name, .. } if way.is_empty() => write!(way, "{}", shown(name)),
            Level::Object { name, .. } => write!(way, ".{}", shown(name)),
            Level::Array { index } => write!(way, "[{index}]"),
        };
    }
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_leads_to_what_is_marked() {
        for (body, expected) in [
            (r#"{"a":@"#, "a"),
            (r#"{"a":"x@"}"#, "a"),
            (r#"{"a":[0,"y",{"b":"@"}]}"#, "a[2].b"),
            (r#"{"a":{"b":[]},"c":[[],[{"d\"":"\\","e":@"#, "c[1][0].e"),
            (r#"{"a":{"b":[1,2]},"c":{"@":1}}"#, "c"),
            (r#"{"a":1,"@":1}"#, ""),
            (r#"{"a":"[{,","b":@"#, "b"),
            ("[[@", ""),
            ("@", ""),
            ("", ""),
        ] {
            let at = body.find('@').unwrap_or(body.len());
            assert_eq!(way_to(body.as_bytes(), at), expected, "{body}");
        }
    }

    #[test]
    fn a_long_way_is_told_as_far_as_it_helps() {
        let deep = format!("{{\"a\":{}", "[".repeat(10_000));
        assert_eq!(way_to(deep.as_bytes(), deep.len()), format!("a{}", "[0]".repeat(11)));
        let closed = format!("{deep}{},\"b\":", "]".repeat(10_000));
        assert_eq!(way_to(closed.as_bytes(), closed.len()), "b");
        let long = format!("{{\"{}\":", "n".repeat(5000));
        assert_eq!(way_to(long.as_bytes(), long.len()), "n".repeat(64));
    }
}
