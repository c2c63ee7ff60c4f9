//! Names for what is told apart by its content.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The SHA-256 of these bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The SHA-256 of a text: 64 characters, in small letters.
pub(crate) fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        // A string has no way to fail to grow.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
