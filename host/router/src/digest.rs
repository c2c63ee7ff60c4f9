//! Names for what is told apart by its content.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The first 128 bits of the SHA-256 of these parts: the same in every process and every
/// version. Where each part ends counts.
pub(crate) fn short(parts: &[&[u8]]) -> u128 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize()[..16]);
    u128::from_be_bytes(first)
}

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
