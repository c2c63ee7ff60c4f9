//! `[providers.NAME]`: where a provider is, which adapter speaks to it and
//! which credential it gets. A name of the embedded catalogue starts from what
//! is known about it; any other from nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::{HeaderName, HeaderValue, Uri};
use plugway_engine::{AuthScheme, Setting};

use super::credential::{self, CredentialTable, Form, Missing, check_variable, read_auth};
use super::diagnostic::{Place, Severity};
use super::field::{Field, Slot};
use super::load::Environment;
use super::options::{read_headers, read_options, read_pairs};
use super::reader::Section;
use super::template::{Template, Variable, is_value, read_variables};
use crate::catalog::{CredentialSource, Provider};

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
    pub(super) api_key_env: Option<String>,
    api_key_file: Option<PathBuf>,
    credential: CredentialTable,
    variables: BTreeMap<String, Variable>,
    headers: Vec<(HeaderName, HeaderValue)>,
    options: Vec<Setting>,
    relay: Vec<String>,
    tags: Vec<(String, String)>,
}

pub(super) const FIELDS: &[Field<ProviderTable>] = &[
    Field {
        key: "display_name",
        slot: Slot::Text(|c| &mut c.display_name),
        about: "Name for people. Default: the provider's name.",
    },
    Field {
        key: "adapter",
        slot: Slot::Text(|c| &mut c.adapter),
        about: "Id of the adapter plugin that speaks this provider's format. Default: the provider's name.",
    },
    Field {
        key: "base_url",
        slot: Slot::Nested {
            shape: "URL",
            read: |entry, provider| {
                if let Some(url) = Template::read(entry) {
                    provider.base_url = Some(url);
                }
            },
        },
        about: "Where requests go; adapters' paths are appended. May have gaps, `https://{region}.example.com`, that `variables` and text `options` fill. Required unless the provider is in the catalogue.",
    },
    Field {
        key: "models_url",
        slot: Slot::Nested {
            shape: "URL",
            read: |entry, provider| {
                if let Some(url) = Template::read(entry) {
                    provider.models_url = Some(url);
                }
            },
        },
        about: "Where the provider lists its models, if not under `base_url`; for `plugway models --live`. May have gaps like that.",
    },
    Field {
        key: "allow_plain_http",
        slot: Slot::Flag(|c| &mut c.allow_plain_http),
        about: "Permits a `http` URL of another machine: prompts and credential travel readably.",
    },
    Field {
        key: "api_key_env",
        slot: Slot::Text(|c| &mut c.api_key_env),
        about: "Environment variable that holds the secret.",
    },
    Field {
        key: "api_key_file",
        slot: Slot::Path(|c| &mut c.api_key_file),
        about: "File that holds the secret; read again when it changes.",
    },
    Field {
        key: "auth",
        slot: Slot::Nested {
            shape: "`\"bearer\"`, `\"none\"`, `{ header = \"name\" }`, `{ query = \"name\" }`, `{ sigv4 = \"service\" }` or `{ oauth = \"scope\" }`",
            read: |entry, provider| {
                if let Some(auth) = read_auth(entry) {
                    provider.auth = Some(auth);
                }
            },
        },
        about: "How the secret is attached. `sigv4` signs requests with an access key, for the provider's `region`; `oauth` sends an access token of that scope. Default: as the catalogue's provider of the same adapter, else `\"bearer\"`; without a secret, `\"none\"`.",
    },
    Field {
        key: "credential",
        slot: Slot::Nested {
            shape: "table",
            read: |entry, provider| provider.credential = credential::read(entry),
        },
        about: "In place of a secret: what requests are signed with, or access tokens obtained.",
    },
    Field {
        key: "variables",
        slot: Slot::Nested {
            shape: "table of strings, or of `{ env = \"NAME\", default = \"value\" }`",
            read: |entry, provider| read_variables(entry, &mut provider.variables),
        },
        about: "Texts that fill the gaps of URLs; also handed to the adapter as options. Letters, digits, `-`, `_` and `.` only. Options of the same names come first.",
    },
    Field {
        key: "headers",
        slot: Slot::Nested {
            shape: "table of strings",
            read: |entry, provider| provider.headers = read_headers(entry),
        },
        about: "Sent with every request to the provider. Not for secrets.",
    },
    Field {
        key: "options",
        slot: Slot::Nested {
            shape: "table of any values",
            read: |entry, provider| provider.options = read_options(entry),
        },
        about: "Handed to the adapter with every request.",
    },
    Field {
        key: "relay",
        slot: Slot::Words(|c| &mut c.relay),
        about: "Paths below the base URL, e.g. `/images`, that are open to clients as `/v1/providers/NAME/images...`: passed on as they are, with this provider's credential, and not accounted. Default: none.",
    },
    Field {
        key: "tags",
        slot: Slot::Nested {
            shape: "table of strings",
            read: |entry, provider| provider.tags = read_pairs(entry),
        },
        about: "Labels for strategies.",
    },
];

/// Reads `[providers.NAME]` on top of `provider`.
pub(super) fn read(section: &Section<'_>, provider: &mut ProviderTable) {
    // A credential that is bound anew is not joined by the inherited one.
    if section.has("credential") || section.has("api_key_env") || section.has("api_key_file") {
        provider.api_key_env = None;
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
    check_variable(section, "api_key_env", &mut provider.api_key_env);
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
        provider.api_key_env = None;
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
        match self.api_key_env.is_some() || self.api_key_file.is_some() {
            true => Form::Secret,
            false => self.credential.form(),
        }
    }

    /// An option whose value is text.
    fn option(&self, name: &str) -> Option<String> {
        let (_, json) = self.options.iter().find(|(key, _)| key == name)?;
        serde_json::from_str(json).ok()
    }

    /// What is missing on this machine.
    pub(super) fn missing(&self, env: Environment<'_>) -> Vec<Missing> {
        let unset = self.api_key_env.iter().filter(|name| env(name).is_none_or(|v| v.is_empty()));
        let mut missing: Vec<_> =
            unset.map(|name| Missing::variable("api_key_env", name)).collect();
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
        let credential = match (&self.api_key_file, &self.api_key_env) {
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
