//! What a client shows to be let in: `sk-plugway-v1-` and 256 random bits. Shown once,
//! when it is made; what is kept is its hash, by which it is found.

use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// What all keys begin with.
pub const PREFIX: &str = "sk-plugway-v1-";

/// Random bytes in a key.
const RANDOM_BYTES: usize = 32;

/// Characters that a label shows of a key at either end; what is too short to be shown
/// in part is not shown.
const SHOWN: (usize, usize) = (3, 4);

/// Characters of a secret for each that is shown, at least.
const HIDDEN_PER_SHOWN: usize = 3;

/// A key in memory: zeroed when dropped, shown by nothing.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why no key could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers; try again")]
pub struct NoRandomness;

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no random numbers to give.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
        SystemRandom::new().fill(&mut *bytes).map_err(|_| NoRandomness)?;
        let mut digits = Zeroizing::new([0; RANDOM_BYTES * 2]);
        hex::encode_to_slice(bytes.as_slice(), digits.as_mut_slice()).map_err(|_| NoRandomness)?;
        // Of its full size from the beginning: no copy is left behind.
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + digits.len()));
        text.push_str(PREFIX);
        text.extend(digits.iter().map(|digit| char::from(*digit)));
        Ok(Self(text))
    }

    /// One that a client shows; none where the router never made such a one.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_key = digits.len() == RANDOM_BYTES * 2 && digits.bytes().all(is_digit);
        is_key.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text itself, for when it is shown that once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// By which it is kept and named: [`hash`] of the text.
    #[must_use]
    pub fn hash(&self) -> String {
        hash(&self.0)
    }

    /// The same, as it is looked up.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        digest(&self.0)
    }

    /// By which people tell it from others: `sk-plugway-v1-0e6...1c96`.
    #[must_use]
    pub fn label(&self) -> String {
        label(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The SHA-256 of a text, as 64 hex digits. 256 random bits need no slower one.
#[must_use]
pub fn hash(text: &str) -> String {
    hex::encode(digest(text))
}

/// The same, as bytes.
#[must_use]
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// What is shown of a secret, the router's or a provider's: the beginning that all of
/// its kind have, three characters, and the last four. Less where that is much of it.
#[must_use]
pub fn label(secret: &str) -> String {
    let kind = kind_length(secret);
    let rest: Vec<char> = secret[kind..].chars().collect();
    let (first, last) = SHOWN;
    if rest.len() < (first + last) * HIDDEN_PER_SHOWN {
        return "...".to_owned();
    }
    let shown = |part: &[char]| part.iter().collect::<String>();
    format!("{}{}...{}", &secret[..kind], shown(&rest[..first]), shown(&rest[rest.len() - last..]))
}

/// How much of a secret says of what kind it is: `sk-`, and what follows in words.
fn kind_length(secret: &str) -> usize {
    /// Dashes after which a kind ends.
    const WORDS: usize = 3;
    /// Bytes of the longest word of a kind.
    const WORD: usize = 8;
    let mut length = 0;
    if !secret.starts_with("sk-") {
        return length;
    }
    for word in secret.split_inclusive('-').take(WORDS) {
        let is_word = word.len() <= WORD
            && word
                .strip_suffix('-')
                .is_some_and(|word| word.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !is_word {
            break;
        }
        length += word.len();
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_are_random_and_are_read_again() {
        let mut seen = HashSet::new();
        for _ in 0..1_000 {
            let key = Secret::random().unwrap();
            assert_eq!(key.expose().len(), PREFIX.len() + 64);
            assert_eq!(Secret::read(key.expose()).unwrap().hash(), key.hash());
            assert!(seen.insert(key.hash()));
        }
    }

    #[test]
    fn what_the_router_never_made_is_no_key() {
        let key = format!("{PREFIX}{}", "0e".repeat(32));
        assert!(Secret::read(&key).is_some());
        let longer = format!("{key}0");
        let upper = key.to_uppercase();
        let other = key.replace("plugway", "or");
        let digits = key.replace("0e", "0E");
        for text in ["", PREFIX, &key[1..], &key[..key.len() - 1], &longer, &upper, &other, &digits]
        {
            assert!(Secret::read(text).is_none(), "{text}");
        }
        let accents = format!("{PREFIX}{}", "\u{e9}".repeat(32));
        assert!(Secret::read(&accents).is_none());
    }

    #[test]
    fn a_key_is_known_by_the_hash_of_all_of_it() {
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hex::encode(digest("abc")), hash("abc"));
    }

    #[test]
    fn labels_show_what_tells_keys_apart_and_no_more() {
        let check = |secret: &str, expected: &str| assert_eq!(label(secret), expected);
        let digits = "0e6f44a47a05f1dad2ad7e88c4c1d6b77688157716fb1a5271146f7464951c96";
        check(&format!("{PREFIX}{digits}"), "sk-plugway-v1-0e6...1c96");
        check(&format!("sk-or-v1-{digits}"), "sk-or-v1-0e6...1c96");
        check(&format!("sk-{digits}"), "sk-0e6...1c96");
        check(&format!("sk-proj-{digits}"), "sk-proj-0e6...1c96");
        check(digits, "0e6...1c96");
        check("sk-short", "...");
        check("sk-ab-cd-ef-gh", "...");
        check("hunter2hunter2hunter2", "hun...ter2");
        check("", "...");
        check(&"\u{e9}".repeat(40), "\u{e9}\u{e9}\u{e9}...\u{e9}\u{e9}\u{e9}\u{e9}");
    }

    #[test]
    fn nothing_shows_a_secret() {
        let key = Secret::random().unwrap();
        assert_eq!(format!("{key:?}"), "Secret(..)");
    }
}
