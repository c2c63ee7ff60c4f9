//! What is handed in of a provider key: whether it can be kept, and how it is sealed.

use crate::account::byok::{ByokSettings, byok_shape};
use crate::account::master;
use crate::api::accounts::given::{self, wrong};
use crate::catalog::Provider;
use crate::error::{Code, Error};
use crate::{Router, Settings};
use plugway_accounts::seal::{MAX_SECRET_BYTES, SealError};
use plugway_accounts::{Keyring, MasterKey};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// Characters of a name.
const NAME: RangeInclusive<usize> = 0..=255;

/// Entries of a list that restricts.
const MAX_ALLOWED: usize = 100;

/// Characters of such an entry.
const ENTRY: RangeInclusive<usize> = 1..=255;

/// A text that is shown by nothing.
pub(in crate::api) struct Hidden(pub(super) Zeroizing<String>);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Zeroizing::new(text)))
    }
}

/// Seals for the row of this id; with which master key.
pub(super) async fn seal(
    router: &Router,
    settings: &Settings,
    id: &str,
    key: &Hidden,
) -> Result<(Vec<u8>, String), Error> {
    let ring = Keyring::new(master_key(router, settings).await?, Vec::new());
    let sealed = ring.seal(id, &key.0).map_err(|error| match error {
        SealError::TooLong => too_long(),
        SealError::NoRandomness => {
            tracing::error!(%error, "a provider key cannot be sealed");
            Error::new(Code::Internal, "The key could not be encrypted; see the log.")
        }
    })?;
    Ok((sealed, ring.key_id()))
}

/// Finding it may take a program its time.
async fn master_key(router: &Router, settings: &Settings) -> Result<MasterKey, Error> {
    let secrets = settings.config.secrets.clone();
    let variable = secrets.master_key_env.as_ref();
    let value = variable.and_then(|name| router.credentials.variable(name));
    let found =
        tokio::task::spawn_blocking(move || master::find(&secrets, |_| value.clone())).await;
    match found {
        Ok(Ok(key)) => Ok(key),
        Ok(Err(error)) => {
            tracing::error!(%error, "a provider key cannot be kept");
            let message = format!("No provider key can be kept: {error}.");
            Err(Error::new(Code::Unconfigured, message))
        }
        Err(_) => Err(Error::new(Code::Internal, "The master key was not found; see the log.")),
    }
}

pub(super) fn check_key(Hidden(key): &Hidden) -> Result<(), Error> {
    match key.len() {
        0 => Err(wrong("key", "not be empty")),
        length if length > MAX_SECRET_BYTES => Err(too_long()),
        _ => Ok(()),
    }
}

pub(super) fn check_shape(provider: &Provider, Hidden(key): &Hidden) -> Result<(), Error> {
    let shape = byok_shape(provider, key);
    shape.map_err(|message| Error::new(Code::InvalidRequest, message).param("key"))
}

fn too_long() -> Error {
    wrong("key", &format!("have at most {MAX_SECRET_BYTES} bytes"))
}

pub(super) fn check_name(name: Option<&str>) -> Result<(), Error> {
    name.map_or(Ok(()), |name| given::text("name", name, NAME))
}

pub(super) fn check_settings(router: &Router, settings: &ByokSettings) -> Result<(), Error> {
    for (field, list) in [
        ("allowed_models", &settings.allowed_models),
        ("allowed_api_key_hashes", &settings.allowed_api_key_hashes),
        ("allowed_user_ids", &settings.allowed_user_ids),
    ] {
        let Some(list) = list else { continue };
        if !(1..=MAX_ALLOWED).contains(&list.len()) {
            return Err(wrong(field, &format!("have 1 to {MAX_ALLOWED} entries, or be null")));
        }
        for entry in list {
            given::text(field, entry, ENTRY)?;
        }
    }
    let accounts = router.accounts.now();
    let mut hashes = settings.allowed_api_key_hashes.iter().flatten();
    match hashes.all(|hash| accounts.key(hash).is_some()) {
        true => Ok(()),
        false => Err(wrong("allowed_api_key_hashes", "name keys that are here")),
    }
}
