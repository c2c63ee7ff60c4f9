//! Credentials: read from where the operator put them, attached to requests that
//! already passed every check, and seen by nothing else.

use super::outgoing::percent_encoded;
use super::{Outgoing, Secret};
use crate::catalog::{CredentialSource, Provider};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use plugway_engine::AuthScheme;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use zeroize::Zeroizing;

/// How long a credential file is trusted without another look at its time stamp.
const FILE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Larger files are no credential.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Whether a provider can be called at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialState {
    /// None is needed.
    NotNeeded,
    /// There is one.
    Present,
    /// One is needed, and it is not there.
    Missing,
}

/// All credentials of one router. Shared by all requests; the lock is held for a
/// map lookup, or for reading one small file after it changed.
pub struct Credentials {
    env: Box<Environment>,
    files: Mutex<HashMap<PathBuf, CachedFile>>,
}

/// Looks a variable up.
type Environment = dyn Fn(&str) -> Option<String> + Send + Sync;

struct CachedFile {
    checked: Instant,
    modified: Option<SystemTime>,
    secret: Option<Secret>,
}

impl Credentials {
    /// Credentials of this process's environment.
    pub fn from_process() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// Credentials whose environment variables are looked up by `env`.
    pub fn new(env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { env: Box::new(env), files: Mutex::default() }
    }

    /// Whether `provider` has what it needs.
    pub fn state(&self, provider: &Provider) -> CredentialState {
        if matches!(provider.auth, AuthScheme::None) {
            return CredentialState::NotNeeded;
        }
        match (self.secret(&provider.credential), &provider.credential) {
            (Some(_), _) => CredentialState::Present,
            (None, CredentialSource::None) => CredentialState::NotNeeded,
            (None, _) => CredentialState::Missing,
        }
    }

    /// Puts the provider's credential on a request. False if there is none
    /// though the provider needs one.
    pub fn attach(&self, provider: &Provider, request: &mut Outgoing) -> bool {
        if matches!(provider.auth, AuthScheme::None) {
            return true;
        }
        let Some(secret) = self.secret(&provider.credential) else {
            return matches!(provider.credential, CredentialSource::None);
        };
        match &provider.auth {
            AuthScheme::None => true,
            AuthScheme::Bearer => {
                let text = Zeroizing::new(format!("Bearer {}", secret.expose()));
                insert(request, AUTHORIZATION, &text)
            }
            AuthScheme::Header(name) => HeaderName::try_from(name.as_str())
                .is_ok_and(|name| insert(request, name, secret.expose())),
            AuthScheme::Query(name) => request.add_query(name, secret.expose()),
            AuthScheme::Sigv4(_) | AuthScheme::Oauth(_) => false,
        }
    }

    /// Overwrites the provider's credential wherever a text quotes it, as it is or
    /// as it stands in a query.
    pub fn mask(&self, provider: &Provider, text: &mut [u8]) {
        let Some(secret) = self.secret(&provider.credential) else { return };
        overwrite(text, secret.expose().as_bytes());
        let encoded = percent_encoded(secret.expose());
        if *encoded != secret.expose() {
            overwrite(text, encoded.as_bytes());
        }
    }

    /// The same of a text that is handed on.
    pub fn masked(&self, provider: &Provider, text: String) -> String {
        let mut bytes = text.into_bytes();
        self.mask(provider, &mut bytes);
        // Credentials and stars are ASCII, so that nothing is lost here.
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn secret(&self, source: &CredentialSource) -> Option<Secret> {
        match source {
            CredentialSource::None => None,
            CredentialSource::Env(name) => {
                (self.env)(name).map(Zeroizing::new).and_then(Secret::new)
            }
            CredentialSource::File(path) => self.file(path),
        }
    }

    /// Rereads a changed file. A file that cannot be read for now leaves the
    /// last good credential in use: rotation tools replace files in two steps.
    fn file(&self, path: &Path) -> Option<Secret> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let known = files.get_mut(path);
        if let Some(known) = &known
            && known.checked.elapsed() < FILE_CHECK_INTERVAL
        {
            return known.secret.clone();
        }
        let modified = std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
        if let Some(known) = known {
            known.checked = Instant::now();
            if modified.is_some()
                && modified != known.modified
                && let Some(secret) = read(path)
            {
                (known.modified, known.secret) = (modified, Some(secret));
            }
            return known.secret.clone();
        }
        let secret = read(path);
        let entry = CachedFile { checked: Instant::now(), modified, secret: secret.clone() };
        files.insert(path.to_owned(), entry);
        secret
    }
}

fn overwrite(text: &mut [u8], secret: &[u8]) {
    let mut at = 0;
    while let Some(found) = text[at..].windows(secret.len()).position(|it| it == secret) {
        text[at + found..at + found + secret.len()].fill(b'*');
        at += found + secret.len();
    }
}

fn read(path: &Path) -> Option<Secret> {
    if std::fs::metadata(path).ok()?.len() > MAX_FILE_BYTES {
        return None;
    }
    std::fs::read_to_string(path).ok().map(Zeroizing::new).and_then(Secret::new)
}

fn insert(request: &mut Outgoing, name: HeaderName, value: &str) -> bool {
    let Ok(mut value) = HeaderValue::try_from(value) else { return false };
    value.set_sensitive(true);
    request.headers.insert(name, value);
    true
}
