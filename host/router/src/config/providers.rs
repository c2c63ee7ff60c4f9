//! `[providers.NAME]`: where a provider is, which adapter speaks to it and
//! which credential it gets. A name of the embedded catalogue starts from what
//! is known about it; any other from nothing.

mod fields;

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::{HeaderName, HeaderValue, Uri};
use plugway_engine::{AuthScheme, Setting};

use super::credential::{CredentialTable, Form, Missing, NO_VARIABLE, is_variable};
use super::diagnostic::{Place, Severity};
use super::load::Environment;
use super::reader::Section;
use super::template::{Template, Variable, is_value};
use crate::catalog::{CredentialSource, Provider, ProviderFacts};

pub(super) use fields::FIELDS;

/// A provider as typed, on top of what the embedded catalogue says of it.
#[derive(Clone, Debug, Default)]
pub(super) struct ProviderTable {
    /// Of the operator's own section; none: only the embedded catalogue names it.
    pub(super) place: Option<Place>,
    display_name: Option<String>,
    pub(super) adapter: Option<String>,
    base_url: Option<Template>,
    models_url: Option<Template>,
    allow_plain_http: bool,
    pub(super) auth: Option<AuthScheme>,
    /// The first that is set holds the secret.
    pub(super) api_key_env: Vec<String>,
    api_key_file: Option<PathBuf>,
    credential: CredentialTable,
    variables: BTreeMap<String, Variable>,
    pub(super) by_name_only: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
    options: Vec<Setting>,
    relay: Vec<String>,
    tags: Vec<(String, String)>,
    facts: ProviderFacts,
}

/// Reads `[providers.NAME]` on top of `provider`.
pub(super) fn read(section: &Section<'_>, provider: &mut ProviderTable) {
    // A credential that is bound anew is not joined by the inherited one.
    if section.has("credential") || section.has("api_key_env") || section.has("api_key_file") {
        if !section.has("api_key_env") {
            provider.api_key_env.clear();
        }
        provider.api_key_file = None;
        provider.credential = CredentialTable::default();
    }
    section.read_with(&[FIELDS], provider, |entry, _| {
        let secret = matches!(entry.key(), "api_key" | "key" | "token" | "secret");
        if secret {
            const REMEDY: &str = "put it into an environment variable or a file, and name that with `api_key_env` or `api_key_file`";
            section.error(entry.key(), "secrets do not belong into this file", REMEDY);
        }
        secret
    });
    provider.place = Some(section.place(""));
    check_name(section);
    check_relay(section, provider);
    check_credential(section, provider);
    check_url(section, provider);
    check_variables(section, provider);
}

fn check_name(section: &Section<'_>) {
    if !is_slug(section.name()) {
        section.error("", "is no usable name", "use lower-case letters, digits, `-`, `_` and `.`");
    }
}

fn check_relay(section: &Section<'_>, provider: &ProviderTable) {
    let is_path = |path: &str| {
        let segments = path.strip_prefix('/').map(|rest| rest.split('/').collect::<Vec<_>>());
        path == "/"
            || segments.is_some_and(|segments| segments.iter().all(|segment| is_segment(segment)))
    };
    if let Some(path) = provider.relay.iter().find(|path| !is_path(path)) {
        const REMEDY: &str = "write it like `/images` or `/v1/files`, without query or escapes";
        section.error("relay", format!("`{path}` is no path"), REMEDY);
    }
}

fn is_segment(segment: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
    !matches!(segment, "" | "." | "..") && segment.bytes().all(allowed)
}

/// Whether it can be part of a model's or an endpoint's name.
pub(super) fn is_slug(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    !name.is_empty() && name.bytes().all(allowed)
}

fn check_credential(section: &Section<'_>, provider: &mut ProviderTable) {
    if !provider.api_key_env.iter().all(|name| is_variable(name)) {
        provider.api_key_env.clear();
        section.error("api_key_env", NO_VARIABLE.0, NO_VARIABLE.1);
    }
    let written = ["api_key_env", "api_key_file", "credential"];
    let mut bound = written.into_iter().filter(|key| section.has(key));
    let first = bound.next();
    if let (Some(first), Some(second)) = (first, bound.next()) {
        let problem = format!("a second secret besides `{first}`");
        section.error(second, problem, "keep one of the two");
    }
    if provider.auth == Some(AuthScheme::None) {
        if first.is_some() && section.has("auth") {
            const REMEDY: &str = "remove the secret, or say how it is attached";
            section.error("auth", "`none` leaves the secret unused", REMEDY);
        }
        provider.api_key_env.clear();
        provider.api_key_file = None;
        provider.credential = CredentialTable::default();
    } else if section.has("auth") && provider.form() == Form::Nothing && first != Some("credential")
    {
        let remedy = Form::wanted(provider.auth.as_ref().unwrap_or(&AuthScheme::Bearer));
        section.error("auth", "there is no secret to attach", remedy);
    }
}

/// What fills the gaps of URLs is known.
fn check_variables(section: &Section<'_>, provider: &ProviderTable) {
    let has = |name: &str| {
        let option = provider.option(name);
        provider.variables.contains_key(name) || option.is_some_and(|value| is_value(&value))
    };
    for (key, url) in
        [("base_url", &provider.base_url), ("credential", &provider.credential.token_url)]
    {
        let names = url.iter().flat_map(Template::names);
        for name in names.filter(|name| !has(name)) {
            let remedy = format!("add `variables = {{ {name} = \"...\" }}`");
            section.error(key, format!("nothing fills `{{{name}}}`"), remedy);
        }
    }
}

fn check_url(section: &Section<'_>, provider: &ProviderTable) {
    let Some(url) = &provider.base_url else {
        if !section.has("base_url") {
            section.error(
                "base_url",
                "is missing",
                "add it, e.g. `base_url = \"https://host/v1\"`",
            );
        }
        return;
    };
    let token_url = provider.credential.token_url.as_ref();
    for (key, url) in [("base_url", Some(url)), ("credential", token_url)] {
        let Some(url) = url.map(Template::sample) else { continue };
        let plain = url.scheme_str() == Some("http");
        if plain && !provider.allow_plain_http && !is_loopback(url) {
            section.error(
                key,
                "sends prompts and credentials readably over the network",
                "use https, or set `allow_plain_http = true`",
            );
        }
    }
}

fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let by_address = address.parse::<std::net::IpAddr>();
    host == "localhost" || by_address.is_ok_and(|address| address.is_loopback())
}

impl ProviderTable {
    fn form(&self) -> Form {
        match !self.api_key_env.is_empty() || self.api_key_file.is_some() {
            true => Form::Secret,
            false => self.credential.form(),
        }
    }

    /// An option whose value is text.
    fn option(&self, name: &str) -> Option<String> {
        let (_, json) = self.options.iter().find(|(key, _)| key == name)?;
        serde_json::from_str(json).ok()
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

    /// What is missing on this machine.
    pub(super) fn missing(&self, env: Environment<'_>) -> Vec<Missing> {
        let mut missing: Vec<_> = self.unset_key(env).into_iter().collect();
        let file = self.api_key_file.as_deref();
        missing.extend(file.and_then(|file| Missing::file("api_key_file", file)));
        missing.extend(self.credential.missing(env));
        let variables = self.variables.iter().filter(|(name, _)| self.option(name).is_none());
        missing.extend(variables.filter_map(|(_, variable)| {
            let problem = variable.value(env).err()?;
            Some(Missing { key: "variables", problem, variable: variable.env.clone() })
        }));
        missing
    }

    /// What turns it on, where variables alone do.
    pub(super) fn to_set(&self, env: Environment<'_>) -> Option<String> {
        let mut missing = self.missing(env);
        // The one that tells the providers apart comes first.
        missing.dedup_by(|a, b| a.variable == b.variable);
        let names: Option<Vec<_>> =
            missing.into_iter().map(|it| Some(format!("`{}`", it.variable?))).collect();
        let names = names.filter(|names| !names.is_empty())?;
        Some(format!("set {}", names.join(" and ")))
    }

    /// How the credential is attached, if nothing is the matter.
    fn scheme(&self, known: Option<&AuthScheme>) -> AuthScheme {
        match (self.form(), &self.auth) {
            (Form::Nothing, _) => AuthScheme::None,
            (_, Some(auth)) => auth.clone(),
            (_, None) => known.cloned().unwrap_or(AuthScheme::Bearer),
        }
    }

    /// As used. None where a mistake that was noted before leaves no URL.
    /// `known` is how the catalogue attaches secrets for the same adapter.
    pub(super) fn finish(
        self,
        name: &str,
        known: Option<&AuthScheme>,
        env: Environment<'_>,
    ) -> Option<Provider> {
        let auth = self.scheme(known);
        let mut options = self.options.clone();
        let mut values = BTreeMap::new();
        for (name, variable) in &self.variables {
            if self.option(name).is_none()
                && let Ok(value) = variable.value(env)
            {
                options.retain(|(key, _)| key != name);
                options.push((name.clone(), serde_json::Value::from(&*value).to_string()));
                values.insert(name.clone(), value);
            }
        }
        let texts = self.options.iter();
        values.extend(texts.filter_map(|(name, _)| Some((name.clone(), self.option(name)?))));
        let token_url = self.credential.token_url.as_ref().and_then(|url| url.filled(&values));
        let credential = match (&self.api_key_file, self.key_variable(env)) {
            (Some(file), _) => CredentialSource::File(file.clone()),
            (None, Some(variable)) => CredentialSource::Env(variable.clone()),
            (None, None) => self.credential.source(token_url),
        };
        Some(Provider {
            name: name.to_owned(),
            display_name: self.display_name.unwrap_or_else(|| name.to_owned()),
            adapter: self.adapter.unwrap_or_else(|| name.to_owned()),
            base_url: self.base_url?.filled(&values)?,
            models_url: self.models_url.and_then(|url| url.filled(&values)),
            auth,
            credential,
            options,
            tags: self.tags,
            headers: self.headers,
            relay: self.relay,
            facts: self.facts,
        })
    }
}

/// Notes what this machine lacks, and a credential that cannot be attached. `known`
/// is how the catalogue attaches secrets, by adapter.
pub(super) fn check_secret(
    section: &Section<'_>,
    provider: &ProviderTable,
    known: &BTreeMap<String, AuthScheme>,
    env: Environment<'_>,
) {
    for missing in provider.missing(env) {
        const REMEDY: &str = "set it, or remove the provider";
        section.remark(Severity::Missing, missing.key, missing.problem, REMEDY);
    }
    let adapter = provider.adapter.as_deref().unwrap_or(section.name());
    let auth = provider.scheme(known.get(adapter));
    if !provider.form().fits(&auth) {
        let remedy = format!("{}, or change `auth`", Form::wanted(&auth));
        section.error("auth", "the credential cannot be attached so", remedy);
    }
    let has_region =
        provider.variables.contains_key("region") || provider.option("region").is_some();
    if matches!(auth, AuthScheme::Sigv4(_)) && !has_region {
        const REMEDY: &str = "add `variables = { region = \"...\" }`";
        section.error("auth", "a signature holds for one region, and none is named", REMEDY);
    }
}
