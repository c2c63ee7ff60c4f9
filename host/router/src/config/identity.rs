//! Who the router is to a provider: one secret, or what requests are signed with, or
//! what access tokens are obtained with. Written in the provider's own table, or
//! several times in its `credentials`.

use std::path::PathBuf;

use http::Uri;
use plugway_engine::AuthScheme;
use toml::de::DeValue;

use super::credential::{CredentialTable, Form, Missing, NO_VARIABLE, is_variable};
use super::load::Environment;
use super::reader::{Entry, Section};
use crate::catalog::CredentialSource;

/// The keys that say it.
pub(super) const KEYS: [&str; 3] = ["api_key_env", "api_key_file", "credential"];

/// As typed.
#[derive(Clone, Debug, Default)]
pub(super) struct IdentityTable {
    /// The first that is set holds the secret.
    pub(super) api_key_env: Vec<String>,
    pub(super) api_key_file: Option<PathBuf>,
    pub(super) credential: CredentialTable,
}

impl IdentityTable {
    pub(super) fn form(&self) -> Form {
        match !self.api_key_env.is_empty() || self.api_key_file.is_some() {
            true => Form::Secret,
            false => self.credential.form(),
        }
    }

    /// The variable that holds the secret: of several the first that is set, or else
    /// the first.
    fn key_variable(&self, env: Environment<'_>) -> Option<&String> {
        let is_set = |name: &&String| env(name).is_some_and(|value| !value.is_empty());
        self.api_key_env.iter().find(is_set).or(self.api_key_env.first())
    }

    fn unset_key(&self, env: Environment<'_>) -> Option<Missing> {
        let variable = self.key_variable(env)?;
        if env(variable).is_some_and(|value| !value.is_empty()) {
            return None;
        }
        let problem = format!("`{}` is not set", self.api_key_env.join("` or `"));
        Some(Missing { key: "api_key_env", problem, variable: Some(variable.clone()) })
    }

    /// What this machine lacks.
    pub(super) fn missing(&self, env: Environment<'_>) -> Vec<Missing> {
        let mut missing: Vec<_> = self.unset_key(env).into_iter().collect();
        let file = self.api_key_file.as_deref();
        missing.extend(file.and_then(|file| Missing::file("api_key_file", file)));
        missing.extend(self.credential.missing(env));
        missing
    }

    /// As used; `token_url` is the filled one. None where nobody is named.
    pub(super) fn source(
        &self,
        token_url: Option<Uri>,
        env: Environment<'_>,
    ) -> Option<CredentialSource> {
        match (&self.api_key_file, self.key_variable(env)) {
            (Some(file), _) => Some(CredentialSource::File(file.clone())),
            (None, Some(variable)) => Some(CredentialSource::Env(variable.clone())),
            (None, None) => self.credential.source(token_url),
        }
    }
}

/// Names of variables are names, and no secret stands in the file.
pub(super) fn check_names(section: &Section<'_>, identity: &mut IdentityTable) {
    if !identity.api_key_env.iter().all(|name| is_variable(name)) {
        identity.api_key_env.clear();
        section.error("api_key_env", NO_VARIABLE.0, NO_VARIABLE.1);
    }
}

/// Takes a key that people mistake for one of ours, and says where the secret belongs.
pub(super) fn refuse_secret(section: &Section<'_>, key: &str) -> bool {
    let is_secret = matches!(key, "api_key" | "key" | "token" | "secret");
    if is_secret {
        const REMEDY: &str = "put it into an environment variable or a file, and name that with `api_key_env` or `api_key_file`";
        section.error(key, "secrets do not belong into this file", REMEDY);
    }
    is_secret
}

/// The first of `keys` that is written. A second one is a mistake.
pub(super) fn written<'k>(
    section: &Section<'_>,
    keys: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    let mut written = keys.into_iter().filter(|key| section.has(key));
    let first = written.next()?;
    if let Some(second) = written.next() {
        let problem = format!("a second secret besides `{first}`");
        section.error(second, problem, "keep one of the two");
    }
    Some(first)
}

/// Says what to write where what is written cannot be attached as `auth` says.
pub(super) fn remedy(auth: &AuthScheme) -> String {
    format!("{}, or change `auth`", Form::wanted(auth))
}

/// One variable, or several of which the first that is set counts.
pub(super) fn read_names(entry: &Entry<'_>) -> Vec<String> {
    let variables = match entry.value() {
        DeValue::String(name) => Some(vec![name.to_string()]),
        DeValue::Array(_) => entry.texts(),
        _ => {
            entry.wrong_type("a string or an array of strings");
            None
        }
    };
    if variables.as_ref().is_some_and(|names| names.iter().any(String::is_empty)) {
        entry.error("is empty", "write a value, or leave the key out");
        return Vec::new();
    }
    variables.unwrap_or_default()
}
