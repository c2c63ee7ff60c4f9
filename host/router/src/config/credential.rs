//! `credential` of a provider, where one text is not enough: what requests are
//! signed with, or access tokens obtained. And `auth`: how all of that is attached.

use std::path::PathBuf;

use http::{HeaderName, Uri};
use plugway_engine::AuthScheme;
use toml::de::DeValue;

use super::field::{Field, Slot};
use super::load::Environment;
use super::reader::{Entry, Section};
use super::template::Template;
use crate::catalog::{AccessKeySource, ClientSource, CredentialSource, FileSource, SecretSource};

/// As typed.
#[derive(Clone, Debug, Default)]
pub(super) struct CredentialTable {
    access_key_id_env: Option<String>,
    secret_access_key_env: Option<String>,
    session_token_env: Option<String>,
    access_key_file: Option<PathBuf>,
    service_account_file: Option<PathBuf>,
    service_account_file_env: Option<String>,
    client_id_env: Option<String>,
    client_secret_env: Option<String>,
    client_secret_file: Option<PathBuf>,
    pub(super) token_url: Option<Template>,
}

pub(super) const FIELDS: &[Field<CredentialTable>] = &[
    Field {
        key: "access_key_id_env",
        slot: Slot::Text(|c| &mut c.access_key_id_env),
        about: "Environment variable that holds the id of the key that signs requests, for `auth = { sigv4 = ... }`.",
    },
    Field {
        key: "secret_access_key_env",
        slot: Slot::Text(|c| &mut c.secret_access_key_env),
        about: "Environment variable that holds that key.",
    },
    Field {
        key: "session_token_env",
        slot: Slot::Text(|c| &mut c.session_token_env),
        about: "Environment variable that holds the session token, where the key was lent for a while. It may be unset.",
    },
    Field {
        key: "access_key_file",
        slot: Slot::Path(|c| &mut c.access_key_file),
        about: "In place of the three: file with JSON of `AccessKeyId`, `SecretAccessKey` and perhaps `SessionToken`, as a `credential_process` prints it; read again when it changes.",
    },
    Field {
        key: "service_account_file",
        slot: Slot::Path(|c| &mut c.service_account_file),
        about: "Key file of a service account, which access tokens are obtained with, for `auth = { oauth = ... }`; read again when it changes.",
    },
    Field {
        key: "service_account_file_env",
        slot: Slot::Text(|c| &mut c.service_account_file_env),
        about: "In place of it: environment variable that holds the path of that file.",
    },
    Field {
        key: "client_id_env",
        slot: Slot::Text(|c| &mut c.client_id_env),
        about: "Environment variable that holds the id of a client, which access tokens are obtained with, for `auth = { oauth = ... }`.",
    },
    Field {
        key: "client_secret_env",
        slot: Slot::Text(|c| &mut c.client_secret_env),
        about: "Environment variable that holds the client's secret.",
    },
    Field {
        key: "client_secret_file",
        slot: Slot::Path(|c| &mut c.client_secret_file),
        about: "In place of it: file that holds the client's secret; read again when it changes.",
    },
    Field {
        key: "token_url",
        slot: Slot::Nested {
            shape: "URL",
            read: |entry, table| table.token_url = Template::read(entry),
        },
        about: "Where the client obtains tokens. May have gaps, as `base_url`.",
    },
];

/// What a credential is, and so what can be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// There is none.
    Nothing,
    /// A text that is sent.
    Secret,
    /// A key that signs.
    AccessKey,
    /// Something that tokens are obtained with.
    Grant,
}

impl Form {
    /// Whether it can be attached so.
    pub(super) fn fits(self, auth: &AuthScheme) -> bool {
        match auth {
            AuthScheme::None => self == Self::Nothing,
            AuthScheme::Bearer | AuthScheme::Header(_) | AuthScheme::Query(_) => {
                self == Self::Secret
            }
            AuthScheme::Sigv4(_) => self == Self::AccessKey,
            AuthScheme::Oauth(_) => self == Self::Grant,
        }
    }

    /// What is to be written for it to be attached so.
    pub(super) fn wanted(auth: &AuthScheme) -> &'static str {
        match auth {
            AuthScheme::Sigv4(_) => {
                "name a key with `credential = { access_key_id_env = \"..\", secret_access_key_env = \"..\" }`"
            }
            AuthScheme::Oauth(_) => {
                "name a `service_account_file` or a client with its `token_url` in `credential`"
            }
            _ => "name one with `api_key_env` or `api_key_file`",
        }
    }
}

impl CredentialTable {
    pub(super) fn form(&self) -> Form {
        if self.access_key_id_env.is_some() || self.access_key_file.is_some() {
            Form::AccessKey
        } else if self.has_service_account() || self.client_id_env.is_some() {
            Form::Grant
        } else {
            Form::Nothing
        }
    }

    fn has_service_account(&self) -> bool {
        self.service_account_file.is_some() || self.service_account_file_env.is_some()
    }

    /// As used; `token_url` is the filled one. None where it names nobody.
    pub(super) fn source(&self, token_url: Option<Uri>) -> Option<CredentialSource> {
        if let (Some(id), Some(secret)) = (&self.access_key_id_env, &self.secret_access_key_env) {
            return Some(CredentialSource::AccessKey(AccessKeySource::Env {
                id: id.clone(),
                secret: secret.clone(),
                session_token: self.session_token_env.clone(),
            }));
        }
        if let Some(file) = &self.access_key_file {
            return Some(CredentialSource::AccessKey(AccessKeySource::File(file.clone())));
        }
        if let Some(file) = &self.service_account_file {
            return Some(CredentialSource::ServiceAccount(FileSource::Path(file.clone())));
        }
        if let Some(variable) = &self.service_account_file_env {
            return Some(CredentialSource::ServiceAccount(FileSource::Env(variable.clone())));
        }
        let secret = match (&self.client_secret_env, &self.client_secret_file) {
            (Some(variable), _) => Some(SecretSource::Env(variable.clone())),
            (None, Some(file)) => Some(SecretSource::File(file.clone())),
            (None, None) => None,
        };
        let id = self.client_id_env.clone()?;
        let client = ClientSource { id, secret: secret?, token_url: token_url? };
        Some(CredentialSource::Client(Box::new(client)))
    }

    /// The variables that have to be set.
    fn variables(&self) -> impl Iterator<Item = &String> {
        [
            &self.access_key_id_env,
            &self.secret_access_key_env,
            &self.service_account_file_env,
            &self.client_id_env,
            &self.client_secret_env,
        ]
        .into_iter()
        .flatten()
    }

    /// The files that have to be there.
    fn files(&self, env: Environment<'_>) -> impl Iterator<Item = PathBuf> {
        let named = self.service_account_file_env.as_deref().and_then(env);
        [
            self.access_key_file.clone(),
            self.service_account_file.clone(),
            self.client_secret_file.clone(),
            named.filter(|path| !path.is_empty()).map(PathBuf::from),
        ]
        .into_iter()
        .flatten()
    }

    /// What this machine lacks.
    pub(super) fn missing(&self, env: Environment<'_>) -> Vec<Missing> {
        let unset = self.variables().filter(|name| env(name).is_none_or(|value| value.is_empty()));
        let unset = unset.map(|name| Missing::variable("credential", name));
        let files = self.files(env);
        let unreadable = files.filter_map(|file| Missing::file("credential", &file));
        unset.chain(unreadable).collect()
    }
}

/// Something that a provider needs and this machine lacks.
pub(super) struct Missing {
    /// Of the provider's table.
    pub(super) key: &'static str,
    pub(super) problem: String,
    /// What would have to be set.
    pub(super) variable: Option<String>,
}

impl Missing {
    pub(super) fn variable(key: &'static str, name: &str) -> Self {
        Self { key, problem: format!("`{name}` is not set"), variable: Some(name.to_owned()) }
    }

    /// The file, if it cannot be opened.
    pub(super) fn file(key: &'static str, path: &std::path::Path) -> Option<Self> {
        let error = std::fs::File::open(path).err()?;
        Some(Self { key, problem: format!("cannot open the file: {error}"), variable: None })
    }
}

/// Reads `credential`, in place of the one that was inherited.
pub(super) fn read(entry: &Entry<'_>) -> CredentialTable {
    let mut table = CredentialTable::default();
    let Some(section) = entry.table() else { return table };
    section.read(FIELDS, &mut table);
    let names = [
        ("session_token_env", &mut table.session_token_env),
        ("access_key_id_env", &mut table.access_key_id_env),
        ("secret_access_key_env", &mut table.secret_access_key_env),
        ("service_account_file_env", &mut table.service_account_file_env),
        ("client_id_env", &mut table.client_id_env),
        ("client_secret_env", &mut table.client_secret_env),
    ];
    for (key, name) in names {
        check_variable(&section, key, name);
    }
    check_whole(&section);
    table
}

/// Exactly one way to be known, and nothing missing of it.
fn check_whole(section: &Section<'_>) {
    /// A key that is one way to be known, and what belongs to it.
    const WAYS: [(&str, &[&[&str]]); 5] = [
        ("access_key_id_env", &[&["secret_access_key_env"]]),
        ("access_key_file", &[]),
        ("service_account_file", &[]),
        ("service_account_file_env", &[]),
        ("client_id_env", &[&["client_secret_env", "client_secret_file"], &["token_url"]]),
    ];
    let mut written = WAYS.iter().filter(|(key, _)| section.has(key));
    let Some((key, parts)) = written.next() else {
        const REMEDY: &str = "name an access key, a service account or a client";
        section.error("", "says not who the router is", REMEDY);
        return;
    };
    if let Some((other, _)) = written.next() {
        section.error(other, format!("a second credential besides `{key}`"), "keep one of the two");
    }
    for part in *parts {
        match part.iter().filter(|key| section.has(key)).count() {
            1 => {}
            0 => section.error(key, format!("lacks `{}`", part.join("` or `")), "add it"),
            _ => section.error(key, "has two secrets", "keep one of the two"),
        }
    }
}

/// Longer names of environment variables are taken for secrets.
const MAX_VARIABLE_BYTES: usize = 64;

/// Takes out what is no name: whoever writes the secret itself here must not find it
/// in a message.
pub(super) fn check_variable(section: &Section<'_>, key: &str, name: &mut Option<String>) {
    if name.as_deref().is_some_and(|name| !is_variable(name)) {
        *name = None;
        section.error(key, NO_VARIABLE.0, NO_VARIABLE.1);
    }
}

/// What is wrong with the name of a variable, and what to do.
pub(super) const NO_VARIABLE: (&str, &str) =
    ("is no name of a variable", "name the variable that holds the secret, in capitals");

pub(super) fn is_variable(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    name.len() <= MAX_VARIABLE_BYTES && name.bytes().all(allowed)
}

pub(super) fn read_auth(entry: &Entry<'_>) -> Option<AuthScheme> {
    const REMEDY: &str = "choose \"bearer\", \"none\", { header = \"name\" }, { query = \"name\" }, { sigv4 = \"service\" } or { oauth = \"scope\" }";
    let scheme = match entry.value() {
        DeValue::String(text) if text == "bearer" => Some(AuthScheme::Bearer),
        DeValue::String(text) if text == "none" => Some(AuthScheme::None),
        DeValue::Table(table) if table.len() == 1 => {
            table.iter().next().and_then(|(kind, name)| {
                let name = name.get_ref().as_str().filter(|name| !name.is_empty())?;
                match kind.get_ref().as_ref() {
                    "header" => HeaderName::from_bytes(name.as_bytes())
                        .ok()
                        .map(|name| AuthScheme::Header(name.to_string())),
                    "query" => Some(AuthScheme::Query(name.to_owned())),
                    "sigv4" => Some(AuthScheme::Sigv4(name.to_owned())),
                    "oauth" => Some(AuthScheme::Oauth(name.to_owned())),
                    _ => None,
                }
            })
        }
        _ => None,
    };
    if scheme.is_none() {
        entry.error("is no known way to attach a secret", REMEDY);
    }
    scheme
}
