//! The public id of a generation.

use std::fmt;

/// Public id of one generation: `gen-` and 26 letters and digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationId(String);

impl GenerationId {
    /// A new id: 128 random bits.
    pub fn random() -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut bits: u128 = rand::random();
        let mut id = String::with_capacity(30);
        id.push_str("gen-");
        for _ in 0..26 {
            id.push(char::from(ALPHABET[(bits & 31) as usize]));
            bits >>= 5;
        }
        Self(id)
    }

    /// As clients see it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GenerationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_safe_and_differ() {
        let (a, b) = (GenerationId::random(), GenerationId::random());
        assert_ne!(a, b);
        assert_eq!(a.as_str().len(), 30);
        assert!(a.as_str().bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-'));
    }
}
