//! Secrets as they are found: in the environment, and in files that are read again
//! when they change.

use crate::catalog::{AccessKeySource, CredentialSource, FileSource, SecretSource};
use plugway_credentials::{AccessKey, ClientCredentials, Grant, Secret, ServiceAccount};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use zeroize::Zeroizing;

/// How long a credential file is trusted without another look at its time stamp.
const FILE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Larger files are no credential.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// What a provider is to be told by.
pub(super) enum Material {
    /// A text that is sent.
    Secret(Secret),
    /// A key that signs.
    AccessKey(AccessKey),
    /// Something that tokens are obtained with.
    Grant(Grant),
}

/// Where secrets are looked up. The lock is held for a map lookup, or for reading one
/// small file after it changed.
pub(super) struct Sources {
    env: Box<Environment>,
    files: Mutex<HashMap<(PathBuf, Format), CachedFile>>,
}

/// Looks a variable up.
type Environment = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What a file is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Format {
    Secret,
    AccessKey,
    ServiceAccount,
}

/// What was in a file.
#[derive(Clone)]
enum Content {
    Secret(Secret),
    AccessKey(AccessKey),
    ServiceAccount(Arc<ServiceAccount>),
}

struct CachedFile {
    checked: Instant,
    modified: Option<SystemTime>,
    content: Option<Content>,
}

impl Sources {
    pub(super) fn new(env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { env: Box::new(env), files: Mutex::default() }
    }

    /// A variable as it is.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.env)(name)
    }

    /// What is there now. None where something is missing, or of no use.
    pub(super) fn material(&self, source: &CredentialSource) -> Option<Material> {
        match source {
            CredentialSource::Env(name) => self.variable(name).map(Material::Secret),
            CredentialSource::File(path) => self.secret_file(path).map(Material::Secret),
            CredentialSource::AccessKey(source) => self.access_key(source).map(Material::AccessKey),
            CredentialSource::ServiceAccount(source) => {
                let account = match source {
                    FileSource::Path(path) => self.service_account(path)?,
                    FileSource::Env(name) => {
                        let path = (self.env)(name).filter(|path| !path.is_empty())?;
                        self.service_account(Path::new(&path))?
                    }
                };
                Some(Material::Grant(Grant::ServiceAccount(account)))
            }
            CredentialSource::Client(source) => {
                let secret = match &source.secret {
                    SecretSource::Env(name) => self.variable(name)?,
                    SecretSource::File(path) => self.secret_file(path)?,
                };
                let (id, token_url) = (self.variable(&source.id)?, source.token_url.clone());
                Some(Material::Grant(Grant::Client(ClientCredentials { id, secret, token_url })))
            }
        }
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        (self.env)(name).map(Zeroizing::new).and_then(Secret::new)
    }

    fn access_key(&self, source: &AccessKeySource) -> Option<AccessKey> {
        match source {
            AccessKeySource::Env { id, secret, session_token } => Some(AccessKey {
                id: self.variable(id)?,
                secret: self.variable(secret)?,
                session_token: session_token.as_deref().and_then(|name| self.variable(name)),
            }),
            AccessKeySource::File(path) => match self.file(path, Format::AccessKey)? {
                Content::AccessKey(key) => Some(key),
                _ => None,
            },
        }
    }

    fn secret_file(&self, path: &Path) -> Option<Secret> {
        match self.file(path, Format::Secret)? {
            Content::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    fn service_account(&self, path: &Path) -> Option<Arc<ServiceAccount>> {
        match self.file(path, Format::ServiceAccount)? {
            Content::ServiceAccount(account) => Some(account),
            _ => None,
        }
    }

    /// Rereads a changed file. A file that cannot be read for now leaves the
    /// last good credential in use: rotation tools replace files in two steps.
    fn file(&self, path: &Path, format: Format) -> Option<Content> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (path.to_owned(), format);
        let known = files.get_mut(&key);
        if let Some(known) = &known
            && known.checked.elapsed() < FILE_CHECK_INTERVAL
        {
            return known.content.clone();
        }
        let modified = std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
        if let Some(known) = known {
            known.checked = Instant::now();
            if modified.is_some()
                && modified != known.modified
                && let Some(content) = read(path, format)
            {
                (known.modified, known.content) = (modified, Some(content));
            }
            return known.content.clone();
        }
        let content = read(path, format);
        let entry = CachedFile { checked: Instant::now(), modified, content: content.clone() };
        files.insert(key, entry);
        content
    }
}

fn read(path: &Path, format: Format) -> Option<Content> {
    if std::fs::metadata(path).ok()?.len() > MAX_FILE_BYTES {
        return None;
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).ok()?);
    match format {
        Format::Secret => Secret::new(text).map(Content::Secret),
        Format::AccessKey => AccessKey::from_json(&text).map(Content::AccessKey),
        Format::ServiceAccount => match ServiceAccount::from_json(&text) {
            Ok(account) => Some(Content::ServiceAccount(Arc::new(account))),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "credential file of no use");
                None
            }
        },
    }
}
