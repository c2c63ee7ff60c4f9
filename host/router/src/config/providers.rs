//! `[providers.NAME]`: where a provider is, which adapter speaks to it and
//! which credential it gets. A name of the embedded catalogue starts from what
//! is known about it; any other from nothing.

use std::path::PathBuf;

use http::{HeaderName, HeaderValue, Uri};
use plugway_engine::{AuthScheme, Setting};
use toml::de::DeValue;

use super::diagnostic::{Place, Severity};
use super::field::{Field, Slot};
use super::load::Environment;
use super::options::{read_options, read_pairs};
use super::reader::{Entry, Section};
use crate::catalog::{CredentialSource, Provider, ProviderFacts};

/// A provider as typed, on top of what the embedded catalogue says of it.
#[derive(Clone, Debug, Default)]
pub(super) struct ProviderTable {
    /// Of the operator's own section; none: only the embedded catalogue names it.
    pub(super) place: Option<Place>,
    display_name: Option<String>,
    pub(super) adapter: Option<String>,
    base_url: Option<Uri>,
    allow_plain_http: bool,
    pub(super) auth: Option<AuthScheme>,
    /// The first that is set holds the secret.
    pub(super) api_key_env: Vec<String>,
    api_key_file: Option<PathBuf>,
    pub(super) by_name_only: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
    options: Vec<Setting>,
    tags: Vec<(String, String)>,
    facts: ProviderFacts,
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
        slot: Slot::Url(|c| &mut c.base_url),
        about: "Where requests go; adapters' paths are appended. Required unless the provider is in the catalogue.",
    },
    Field {
        key: "allow_plain_http",
        slot: Slot::Flag(|c| &mut c.allow_plain_http),
        about: "Permits a `http` URL of another machine: prompts and credential travel readably.",
    },
    Field {
        key: "api_key_env",
        slot: Slot::Nested {
            shape: "string or array of strings",
            read: |entry, provider| provider.api_key_env = read_variables(entry),
        },
        about: "Environment variable that holds the secret; of several, the first that is set.",
    },
    Field {
        key: "api_key_file",
        slot: Slot::Path(|c| &mut c.api_key_file),
        about: "File that holds the secret; read again when it changes.",
    },
    Field {
        key: "auth",
        slot: Slot::Nested {
            shape: "`\"bearer\"`, `\"none\"`, `{ header = \"name\" }` or `{ query = \"name\" }`",
            read: |entry, provider| {
                if let Some(auth) = read_auth(entry) {
                    provider.auth = Some(auth);
                }
            },
        },
        about: "How the secret is attached. Default: as the catalogue's provider of the same adapter, else `\"bearer\"`; without a secret, `\"none\"`.",
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
        key: "tags",
        slot: Slot::Nested {
            shape: "table of strings",
            read: |entry, provider| provider.tags = read_pairs(entry),
        },
        about: "Labels for strategies.",
    },
    Field {
        key: "by_name_only",
        slot: Slot::Flag(|c| &mut c.by_name_only),
        about: "Of the catalogue: the provider's variable alone does not turn it on, for it belongs to another one too, or there is none.",
    },
    Field {
        key: "trains_on_prompts",
        slot: Slot::Nested {
            shape: "boolean",
            read: |entry, provider| provider.facts.trains_on_prompts = read_fact(entry),
        },
        about: "Whether the provider may train models on prompts. Default: unknown, and then a request with `provider.data_collection = \"deny\"` does not go there.",
    },
    Field {
        key: "retains_prompts",
        slot: Slot::Nested {
            shape: "boolean",
            read: |entry, provider| provider.facts.retains_prompts = read_fact(entry),
        },
        about: "Whether the provider keeps prompts, for whatever time and reason. Default: unknown, and then a request with `provider.zdr` does not go there.",
    },
    Field {
        key: "headquarters",
        slot: Slot::Text(|c| &mut c.facts.headquarters),
        about: "Country, e.g. `US`. Shown in `/v1/providers`, as are the next three.",
    },
    Field {
        key: "privacy_policy_url",
        slot: Slot::Text(|c| &mut c.facts.privacy_policy_url),
        about: "Page.",
    },
    Field {
        key: "terms_of_service_url",
        slot: Slot::Text(|c| &mut c.facts.terms_of_service_url),
        about: "Page.",
    },
    Field {
        key: "status_page_url",
        slot: Slot::Text(|c| &mut c.facts.status_page_url),
        about: "Page.",
    },
];

/// Reads `[providers.NAME]` on top of `provider`.
pub(super) fn read(section: &Section<'_>, provider: &mut ProviderTable) {
    // A secret that is bound anew is not joined by the inherited one.
    if section.has("api_key_file") {
        provider.api_key_env.clear();
    }
    if section.has("api_key_env") {
        provider.api_key_file = None;
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
    check_credential(section, provider);
    check_url(section, provider);
}

fn check_name(section: &Section<'_>) {
    if !is_slug(section.name()) {
        section.error("", "is no usable name", "use lower-case letters, digits, `-`, `_` and `.`");
    }
}

/// Whether it can be part of a model's or an endpoint's name.
pub(super) fn is_slug(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    !name.is_empty() && name.bytes().all(allowed)
}

/// Longer names of environment variables are taken for secrets.
const MAX_VARIABLE_BYTES: usize = 64;

fn check_credential(section: &Section<'_>, provider: &mut ProviderTable) {
    // Whoever writes the secret itself here must not find it in a message.
    let is_variable = |name: &str| {
        let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        name.len() <= MAX_VARIABLE_BYTES && name.bytes().all(allowed)
    };
    if !provider.api_key_env.iter().all(|name| is_variable(name)) {
        provider.api_key_env.clear();
        const REMEDY: &str = "name the variable that holds the secret, in capitals";
        section.error("api_key_env", "is no name of a variable", REMEDY);
    }
    if section.has("api_key_env") && section.has("api_key_file") {
        section.error(
            "api_key_file",
            "a second secret besides `api_key_env`",
            "keep one of the two",
        );
    }
    let bound = section.has("api_key_env") || section.has("api_key_file");
    if provider.auth == Some(AuthScheme::None) {
        if bound && section.has("auth") {
            const REMEDY: &str = "remove the secret, or say how it is attached";
            section.error("auth", "`none` leaves the secret unused", REMEDY);
        }
        provider.api_key_env.clear();
        provider.api_key_file = None;
    } else if section.has("auth") && provider.credential(&|_| None) == CredentialSource::None {
        section.error(
            "auth",
            "there is no secret to attach",
            "name one with `api_key_env` or `api_key_file`",
        );
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
    let plain = url.scheme_str() == Some("http");
    if plain && !provider.allow_plain_http && !is_loopback(url) {
        section.error(
            "base_url",
            "sends prompts and credentials readably over the network",
            "use https, or set `allow_plain_http = true`",
        );
    }
}

fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let by_address = address.parse::<std::net::IpAddr>();
    host == "localhost" || by_address.is_ok_and(|address| address.is_loopback())
}

fn read_auth(entry: &Entry<'_>) -> Option<AuthScheme> {
    const REMEDY: &str =
        "choose \"bearer\", \"none\", { header = \"name\" } or { query = \"name\" }";
    let scheme = match entry.value() {
        DeValue::String(text) if text == "bearer" => Some(AuthScheme::Bearer),
        DeValue::String(text) if text == "none" => Some(AuthScheme::None),
        DeValue::Table(table) if table.len() == 1 => {
            table.iter().next().and_then(|(kind, name)| {
                let name = name.get_ref().as_str()?;
                match kind.get_ref().as_ref() {
                    "header" => HeaderName::from_bytes(name.as_bytes())
                        .ok()
                        .map(|name| AuthScheme::Header(name.to_string())),
                    "query" if !name.is_empty() => Some(AuthScheme::Query(name.to_owned())),
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

fn read_variables(entry: &Entry<'_>) -> Vec<String> {
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

fn read_fact(entry: &Entry<'_>) -> Option<bool> {
    let fact = entry.value().as_bool();
    if fact.is_none() {
        entry.wrong_type("`true` or `false`");
    }
    fact
}

fn read_headers(entry: &Entry<'_>) -> Vec<(HeaderName, HeaderValue)> {
    /// The host's own business, or per connection.
    const RESERVED: &[&str] = &[
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
    ];
    let Some(section) = entry.table() else {
        return Vec::new();
    };
    let mut headers = Vec::new();
    for header in section.entries() {
        let Some(text) = header.text() else { continue };
        let name = HeaderName::from_bytes(header.key().as_bytes());
        match (name, HeaderValue::from_str(text)) {
            (Ok(name), _) if RESERVED.contains(&name.as_str()) => {
                header.error("is set by the router itself", "remove it");
            }
            (Ok(name), Ok(value)) => headers.push((name, value)),
            _ => header.error("is no valid HTTP header", "use ASCII without line breaks"),
        }
    }
    headers
}

impl ProviderTable {
    /// Of several variables the first that is set, or else the first.
    pub(super) fn credential(&self, env: Environment<'_>) -> CredentialSource {
        let is_set = |name: &&String| env(name).is_some_and(|value| !value.is_empty());
        let variables = &self.api_key_env;
        match (&self.api_key_file, variables.iter().find(is_set).or(variables.first())) {
            (Some(file), _) => CredentialSource::File(file.clone()),
            (None, Some(variable)) => CredentialSource::Env(variable.clone()),
            (None, None) => CredentialSource::None,
        }
    }

    /// What is missing on this machine, if something is.
    pub(super) fn missing_secret(&self, env: Environment<'_>) -> Option<(&'static str, String)> {
        match self.credential(env) {
            CredentialSource::Env(variable) if env(&variable).is_none_or(|v| v.is_empty()) => {
                let variables = self.api_key_env.join("` or `");
                Some(("api_key_env", format!("`{variables}` is not set")))
            }
            CredentialSource::File(file) => std::fs::File::open(file)
                .err()
                .map(|error| ("api_key_file", format!("cannot open the file: {error}"))),
            _ => None,
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
        let credential = self.credential(env);
        let auth = match (&credential, self.auth) {
            (CredentialSource::None, _) => AuthScheme::None,
            (_, Some(auth)) => auth,
            (_, None) => known.cloned().unwrap_or(AuthScheme::Bearer),
        };
        Some(Provider {
            name: name.to_owned(),
            display_name: self.display_name.unwrap_or_else(|| name.to_owned()),
            adapter: self.adapter.unwrap_or_else(|| name.to_owned()),
            base_url: self.base_url?,
            auth,
            credential,
            options: self.options,
            tags: self.tags,
            headers: self.headers,
            facts: self.facts,
        })
    }
}

/// Notes a secret that this machine lacks.
pub(super) fn check_secret(section: &Section<'_>, provider: &ProviderTable, env: Environment<'_>) {
    if let Some((key, problem)) = provider.missing_secret(env) {
        const REMEDY: &str = "set it, or remove the provider";
        section.remark(Severity::Missing, key, problem, REMEDY);
    }
}
