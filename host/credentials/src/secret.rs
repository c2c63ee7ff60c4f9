//! A credential in memory: zeroed when dropped, shown by nothing.

use serde::{Deserialize, Deserializer};
use std::fmt;
use zeroize::Zeroizing;

/// A provider's key. Cloning is deliberate and rare: each clone is zeroed too.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text, without the white space that files and shells leave
    /// around it. None if nothing is left, or if it could not stand in a header.
    pub fn new(text: Zeroizing<String>) -> Option<Self> {
        let trimmed = text.trim();
        let usable = !trimmed.is_empty() && trimmed.bytes().all(|b| (0x21..=0x7e).contains(&b));
        usable.then(|| Self(Zeroizing::new(trimmed.to_owned())))
    }

    /// The text itself, for when a request leaves.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Text of a file that is zeroed when dropped, whatever it turns out to be.
pub(crate) struct Hidden(pub(crate) Zeroizing<String>);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Zeroizing::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_trimmed_and_never_shown() {
        let secret = Secret::new(Zeroizing::new("  sk-very-secret\n".into())).unwrap();
        assert_eq!(secret.expose(), "sk-very-secret");
        assert!(!format!("{secret:?}").contains("very"));
    }

    #[test]
    fn refuses_what_no_header_can_carry() {
        for text in ["", "  \n", "two words", "line\nbreak", "caf\u{e9}"] {
            assert!(Secret::new(Zeroizing::new(text.into())).is_none(), "{text:?}");
        }
    }
}
