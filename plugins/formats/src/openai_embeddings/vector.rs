//! A vector as servers send it: numbers, or the base64 of little-endian floats.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

pub(super) struct Vector(pub(super) Vec<f32>);

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Numbers)
    }
}

struct Numbers;

impl<'de> Visitor<'de> for Numbers {
    type Value = Vector;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers, or floats in base64")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vector, A::Error> {
        let mut numbers = Vec::new();
        while let Some(number) = list.next_element()? {
            numbers.push(number);
        }
        Ok(Vector(numbers))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vector, E> {
        let bytes = decoded(text).ok_or_else(|| E::custom("no base64"))?;
        let (floats, []) = bytes.as_chunks::<4>() else {
            return Err(E::custom("no whole number of floats"));
        };
        Ok(Vector(floats.iter().map(|float| f32::from_le_bytes(*float)).collect()))
    }
}

/// The bytes of base64 in the standard alphabet; padding may be left out.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in group {
            bits = bits << 6 | u32::from(value(*digit)?);
        }
        bits <<= 6 * (4 - group.len());
        let [_, group_bytes @ ..] = bits.to_be_bytes();
        bytes.extend_from_slice(group_bytes.get(..group.len() * 6 / 8)?);
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::Vector;

    #[test]
    fn numbers_and_base64_are_the_same_vector() {
        let read = |json: &str| serde_json::from_str::<Vector>(json).map(|vector| vector.0).ok();
        assert_eq!(read("[1, -0.5]"), Some(vec![1.0, -0.5]));
        // 00 00 80 3f, 00 00 00 bf.
        assert_eq!(read(r#""AACAPwAAAL8=""#), Some(vec![1.0, -0.5]));
        assert_eq!(read(r#""AACAPwAAAL8""#), Some(vec![1.0, -0.5]));
        assert_eq!(read(r#""AACA""#), None);
        assert_eq!(read(r#""no base64!""#), None);
        assert_eq!(read("null"), None);
    }
}
