//! Providers' keys that clients bring, as the database keeps them: sealed with a master
//! key that is kept elsewhere, each for its own row, so that neither a copied file nor a
//! swapped row gives one away. Older master keys still open what they sealed, until all
//! of it has been sealed anew.

use base64::Engine;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of the longest secret that is sealed: a service account's key file takes three
/// thousand.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// How the rest is laid out: the key's id, the nonce, what is sealed, its tag. AES-256-GCM.
const VERSION: u8 = 1;

const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 4;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES;
const TAG_BYTES: usize = 16;

/// What is hashed before a key to name it, so that the name says nothing of the key.
const KEY_ID_LABEL: &[u8] = b"plugway master key id";

/// What is authenticated before a row's id, so that a seal for it is good for nothing else.
const ROW_LABEL: &[u8] = b"plugway byok row";

/// Characters beyond which a text is no master key, whatever its form.
const MAX_KEY_TEXT: usize = 64;

/// The key that seals. Zeroed when dropped, shown by nothing.
pub struct MasterKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: [u8; KEY_ID_BYTES],
}

/// Why a text is no master key. The operator's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// Neither 64 hex digits nor 32 bytes as base64.
    #[error(
        "is no master key: 32 random bytes as 64 hex digits or as base64; make one with `openssl rand -hex 32`"
    )]
    Form,
    /// The same byte over and over.
    #[error("is no random master key; make one with `openssl rand -hex 32`")]
    Weak,
}

/// Why a secret was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The caller's fault.
    #[error("the secret is longer than {MAX_SECRET_BYTES} bytes; no provider's key is")]
    TooLong,
    /// Nobody's: it may be tried again.
    #[error("the system gives no random numbers; try again")]
    NoRandomness,
}

/// Why what is sealed was not opened. Trying again is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Something else, or cut short.
    #[error("the stored secret is damaged: restore it from a backup, or store it anew")]
    Damaged,
    /// Of a later version of the router.
    #[error("the stored secret is of version {0}, which a later version of the router wrote")]
    Version(u8),
    /// Sealed by a master key that is not at hand.
    #[error("the stored secret was sealed with the master key {0}; name it as an older key")]
    OtherKey(String),
    /// Changed since, or moved here from another row.
    #[error("the stored secret was changed, or belongs to another row: store it anew")]
    Tampered,
}

/// Why something was not sealed anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub enum ResealError {
    /// It could not be opened.
    Open(#[from] OpenError),
    /// It could not be sealed.
    Seal(#[from] SealError),
}

/// The master keys at hand: one that seals, and older ones that still open.
#[derive(Debug)]
pub struct Keyring {
    current: MasterKey,
    older: Vec<MasterKey>,
}

impl Keyring {
    /// What is sealed from now on is sealed with the current one.
    #[must_use]
    pub const fn new(current: MasterKey, older: Vec<MasterKey>) -> Self {
        Self { current, older }
    }

    /// Which key seals.
    #[must_use]
    pub fn key_id(&self) -> String {
        self.current.key_id()
    }

    /// Seals a secret for the row of that id.
    ///
    /// # Errors
    /// When it is too long, or the system has no random numbers to give.
    pub fn seal(&self, row: &str, secret: &str) -> Result<Vec<u8>, SealError> {
        self.current.seal(row, secret)
    }

    /// Opens what was sealed for the row of that id, with whichever key it was.
    ///
    /// # Errors
    /// When the key is not at hand, or what is sealed is not what it was.
    pub fn open(&self, row: &str, sealed: &[u8]) -> Result<Zeroizing<String>, OpenError> {
        let id = key_id_of(sealed)?;
        let all = std::iter::once(&self.current).chain(&self.older);
        match all.into_iter().find(|key| key.key_id() == id) {
            Some(key) => key.open(row, sealed),
            None => Err(OpenError::OtherKey(id)),
        }
    }

    /// Seals with the current key what an older one has sealed; none where it was the
    /// current one.
    ///
    /// # Errors
    /// When it cannot be opened, or not be sealed.
    pub fn reseal(&self, row: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, ResealError> {
        let secret = self.open(row, sealed)?;
        if key_id_of(sealed)? == self.key_id() {
            return Ok(None);
        }
        Ok(Some(self.seal(row, &secret)?))
    }
}

impl MasterKey {
    /// Reads a key as operators keep it: 64 hex digits, or 32 bytes as base64, with any
    /// white space around it.
    ///
    /// # Errors
    /// When it is neither, or not random.
    pub fn read(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        if text.len() > MAX_KEY_TEXT {
            return Err(MasterKeyError::Form);
        }
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        let is_hex = hex::decode_to_slice(text, bytes.as_mut_slice()).is_ok();
        if !is_hex && !read_base64(text, &mut bytes) {
            return Err(MasterKeyError::Form);
        }
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(MasterKeyError::Weak);
        }
        let mut hash = Sha256::new();
        hash.update(KEY_ID_LABEL);
        hash.update(bytes.as_slice());
        let hash: [u8; 32] = hash.finalize().into();
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&hash[..KEY_ID_BYTES]);
        Ok(Self { bytes, id })
    }

    /// By which it is told from others: 8 hex digits of a hash.
    #[must_use]
    pub fn key_id(&self) -> String {
        hex::encode(self.id)
    }

    fn seal(&self, row: &str, secret: &str) -> Result<Vec<u8>, SealError> {
        if secret.len() > MAX_SECRET_BYTES {
            return Err(SealError::TooLong);
        }
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        // Of its full size from the beginning: no copy of the secret is left behind.
        let begin = HEADER_BYTES + NONCE_LEN;
        let mut sealed = Vec::with_capacity(begin + secret.len() + TAG_BYTES);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(secret.as_bytes());
        let about = about(&sealed[..HEADER_BYTES], row);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.cipher().and_then(|cipher| {
            cipher.seal_in_place_separate_tag(nonce, Aad::from(&about), &mut sealed[begin..]).ok()
        });
        let Some(tag) = tag else {
            // Never at this length; and the text must not stay behind.
            drop(Zeroizing::new(sealed));
            return Err(SealError::TooLong);
        };
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    fn open(&self, row: &str, sealed: &[u8]) -> Result<Zeroizing<String>, OpenError> {
        let (header, rest) = sealed.split_at_checked(HEADER_BYTES).ok_or(OpenError::Damaged)?;
        let (nonce, body) = rest.split_first_chunk().ok_or(OpenError::Damaged)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut body = Zeroizing::new(body.to_vec());
        let cipher = self.cipher().ok_or(OpenError::Damaged)?;
        let opened = cipher
            .open_in_place(nonce, Aad::from(about(header, row)), body.as_mut_slice())
            .map_err(|_| OpenError::Tampered)?;
        let text = std::str::from_utf8(opened).map_err(|_| OpenError::Damaged)?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// None never: the key is as long as the algorithm asks.
    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, self.bytes.as_slice()).ok().map(LessSafeKey::new)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({}, ..)", self.key_id())
    }
}

/// Which master key has sealed this.
///
/// # Errors
/// When it is nothing that was sealed, or of a later version.
pub fn key_id_of(sealed: &[u8]) -> Result<String, OpenError> {
    match sealed.split_first() {
        Some((&VERSION, rest)) if rest.len() >= KEY_ID_BYTES + NONCE_LEN + TAG_BYTES => {
            Ok(hex::encode(&rest[..KEY_ID_BYTES]))
        }
        Some((&version, _)) if version > VERSION => Err(OpenError::Version(version)),
        _ => Err(OpenError::Damaged),
    }
}

/// What is authenticated but not hidden.
fn about(header: &[u8], row: &str) -> Vec<u8> {
    [ROW_LABEL, header, row.as_bytes()].concat()
}

/// Whether the text is base64 of a key, padded or not, of either alphabet.
fn read_base64(text: &str, key: &mut [u8; KEY_BYTES]) -> bool {
    let engine = |alphabet: &Alphabet| {
        let padding = DecodePaddingMode::Indifferent;
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(padding);
        GeneralPurpose::new(alphabet, config)
    };
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    // Room for whatever so long a text may hold.
    let mut bytes = Zeroizing::new([0; MAX_KEY_TEXT]);
    let length = engine(alphabet).decode_slice(text, bytes.as_mut_slice());
    if length != Ok(KEY_BYTES) {
        return false;
    }
    key.copy_from_slice(&bytes[..KEY_BYTES]);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{Rng, RngExt, SeedableRng};

    const SECRET: &str = "sk-provider-very-secret";

    fn key(seed: u64) -> MasterKey {
        let mut bytes = [0; KEY_BYTES];
        StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
        MasterKey::read(&hex::encode(bytes)).unwrap()
    }

    fn keyring(current: u64, older: &[u64]) -> Keyring {
        Keyring::new(key(current), older.iter().map(|seed| key(*seed)).collect())
    }

    #[test]
    fn what_is_sealed_opens_in_its_own_row_alone() {
        let ring = keyring(1, &[]);
        for secret in ["", SECRET, "\u{e9}\u{1f511}", &"x".repeat(MAX_SECRET_BYTES)] {
            let sealed = ring.seal("row-1", secret).unwrap();
            assert_eq!(*ring.open("row-1", &sealed).unwrap(), secret);
            assert_eq!(ring.open("row-2", &sealed), Err(OpenError::Tampered));
            assert_eq!(ring.open("", &sealed), Err(OpenError::Tampered));
        }
        let too_long = "x".repeat(MAX_SECRET_BYTES + 1);
        assert_eq!(ring.seal("row-1", &too_long), Err(SealError::TooLong));
    }

    #[test]
    fn no_two_seals_are_alike_and_none_shows_the_secret() {
        let ring = keyring(1, &[]);
        let (one, other) = (ring.seal("r", SECRET).unwrap(), ring.seal("r", SECRET).unwrap());
        assert_ne!(one, other);
        assert!(!one.windows(6).any(|bytes| SECRET.as_bytes().windows(6).any(|s| s == bytes)));
        assert_eq!(one.len(), HEADER_BYTES + NONCE_LEN + SECRET.len() + TAG_BYTES);
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let ring = keyring(1, &[]);
        let sealed = ring.seal("r", SECRET).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let error = ring.open("r", &changed).unwrap_err();
            let is_told = match bit / 8 {
                0 => matches!(error, OpenError::Version(_) | OpenError::Damaged),
                1..HEADER_BYTES => matches!(error, OpenError::OtherKey(_)),
                _ => error == OpenError::Tampered,
            };
            assert!(is_told, "bit {bit}: {error:?}");
        }
        for length in 0..sealed.len() {
            assert!(ring.open("r", &sealed[..length]).is_err(), "{length}");
        }
        let mut random = StdRng::seed_from_u64(5);
        for _ in 0..2_000 {
            let mut noise = vec![0; random.random_range(0..100)];
            random.fill_bytes(&mut noise);
            assert!(ring.open("r", &noise).is_err());
        }
    }

    #[test]
    fn a_rotation_seals_anew_what_an_older_key_has_sealed() {
        let sealed = keyring(1, &[]).seal("r", SECRET).unwrap();
        let other = keyring(2, &[3]);
        let missing = OpenError::OtherKey(key(1).key_id());
        assert_eq!(other.open("r", &sealed), Err(missing.clone()));
        assert_eq!(other.reseal("r", &sealed), Err(ResealError::Open(missing)));
        let rotating = keyring(2, &[3, 1]);
        assert_eq!(*rotating.open("r", &sealed).unwrap(), SECRET);
        let anew = rotating.reseal("r", &sealed).unwrap().unwrap();
        assert_eq!(key_id_of(&anew).unwrap(), rotating.key_id());
        assert_eq!(rotating.reseal("r", &anew), Ok(None));
        assert_eq!(*keyring(2, &[]).open("r", &anew).unwrap(), SECRET);
        let swapped = rotating.reseal("s", &sealed);
        assert_eq!(swapped, Err(ResealError::Open(OpenError::Tampered)));
    }

    #[test]
    fn a_header_that_names_another_key_at_hand_opens_nothing() {
        let ring = keyring(1, &[2]);
        let mut sealed = ring.seal("r", SECRET).unwrap();
        sealed[1..HEADER_BYTES].copy_from_slice(&key(2).id);
        assert_eq!(ring.open("r", &sealed), Err(OpenError::Tampered));
    }

    #[test]
    fn master_keys_are_read_as_hex_or_base64() {
        let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";
        let key = MasterKey::read(hex).unwrap();
        assert_eq!(key.key_id().len(), 8);
        for text in [
            "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1EFF\n",
            "  AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8=\n",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8",
        ] {
            assert_eq!(MasterKey::read(text).unwrap().key_id(), key.key_id(), "{text}");
        }
        let slashes = MasterKey::read("//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=").unwrap();
        let dashes = MasterKey::read("__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA").unwrap();
        assert_eq!(slashes.key_id(), dashes.key_id());
    }

    #[test]
    fn what_is_no_master_key_says_how_to_make_one_and_is_not_shown() {
        let almost = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";
        let long = format!("{almost}00112233");
        for text in ["", "hunter2", almost, &long, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=="] {
            let error = MasterKey::read(text).unwrap_err();
            assert_eq!(error, MasterKeyError::Form, "{text}");
            assert!(error.to_string().contains("`openssl rand -hex 32`"));
        }
        assert_eq!(MasterKey::read(&"0".repeat(64)).unwrap_err(), MasterKeyError::Weak);
        assert_eq!(MasterKey::read(&"ab".repeat(32)).unwrap_err(), MasterKeyError::Weak);
    }

    #[test]
    fn nothing_shows_a_master_key() {
        let key = key(1);
        let digits = hex::encode(key.bytes.as_slice());
        let shown = format!("{:?}", Keyring::new(key, Vec::new()));
        assert!(
            !digits
                .as_bytes()
                .windows(9)
                .any(|part| { shown.as_bytes().windows(9).any(|shown| shown == part) })
        );
    }
}
