//! Ids and numbers that look random and are the same in every run.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Scrambles a number (the finalizer of SplitMix64): near inputs give far
/// outputs, and no two inputs give the same.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A prefix and `length` letters and digits drawn from the number.
pub(crate) fn id(prefix: &str, number: u64, length: usize) -> String {
    let mut id = String::with_capacity(prefix.len() + length);
    id.push_str(prefix);
    let mut state = mix(number);
    for _ in 0..length {
        id.push(char::from(ALPHABET[(state % 62) as usize]));
        state = mix(state);
    }
    id
}

/// A prefix and 32 hexadecimal digits drawn from the number.
pub(crate) fn hex_id(prefix: &str, number: u64) -> String {
    let mut id = String::from(prefix);
    // Writing into a String cannot fail.
    let _ = write!(id, "{:016x}{:016x}", mix(number), mix(!number));
    id
}

/// The signature of a thinking block: opaque to clients, and checked when the
/// block comes back.
pub(crate) fn signature(thinking: &str) -> String {
    id("EqRkCkYI", digest(thinking), 88)
}

/// A number that follows from a text.
pub(crate) fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_repeatable_and_apart() {
        assert_eq!(id("msg_01", 5, 22), id("msg_01", 5, 22));
        assert_ne!(id("msg_01", 5, 22), id("msg_01", 6, 22));
        assert_eq!(id("msg_01", 5, 22).len(), 28);
        assert_eq!(hex_id("req_", 1).len(), 36);
        assert_ne!(signature("a"), signature("b"));
    }
}
