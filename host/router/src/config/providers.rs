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
use crate::catalog::{CredentialSource, Provider};

/// A provider as typed, on top of what the embedded catalogue says of it.
#[derive(Clone, Debug, Default)]
pub(super) struct ProviderTable {
    /// Of the operator's own section; none: only the embedded catalogue names it.
    pub(super) place: Option<Place>,
    display_name: Option<String>,
    pub(super) adapter: Option<String>,
    base_url: Option<Uri>,
    models_url: Option<Uri>,
    allow_plain_http: bool,
    pub(super) auth: Option<AuthScheme>,
    pub(super) api_key_env: Option<String>,
    api_key_file: Option<PathBuf>,
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
        slot: Slot::Url(|c| &mut c.base_url),
        about: "Where requests go; adapters' paths are appended. Required unless the provider is in the catalogue.",
    },
    Field {
        key: "models_url",
        slot: Slot::Url(|c| &mut c.models_url),
        about: "Where the provider lists its models, if not under `base_url`; for `plugway models --live`.",
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
    // A secret that is bound anew is not joined by the inherited one.
    if section.has("api_key_file") {
        provider.api_key_env = None;
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
    check_relay(section, provider);
    check_credential(section, provider);
    check_url(section, provider);
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

/// Longer names of environment variables are taken for secrets.
const MAX_VARIABLE_BYTES: usize = 64;

fn check_credential(section: &Section<'_>, provider: &mut ProviderTable) {
    // Whoever writes the secret itself here must not find it in a message.
    let is_variable = |name: &str| {
        let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        name.len() <= MAX_VARIABLE_BYTES && name.bytes().all(allowed)
    };
    if provider.api_key_env.as_deref().is_some_and(|name| !is_variable(name)) {
        provider.api_key_env = None;
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
        provider.api_key_env = None;
        provider.api_key_file = None;
    } else if section.has("auth") && provider.credential() == CredentialSource::None {
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
    pub(super) fn credential(&self) -> CredentialSource {
        match (&self.api_key_file, &self.api_key_env) {
            (Some(file), _) => CredentialSource::File(file.clone()),
            (None, Some(variable)) => CredentialSource::Env(variable.clone()),
            (None, None) => CredentialSource::None,
        }
    }

    /// What is missing on this machine, if something is.
    pub(super) fn missing_secret(&self, env: Environment<'_>) -> Option<(&'static str, String)> {
        match self.credential() {
            CredentialSource::Env(variable) if env(&variable).is_none_or(|v| v.is_empty()) => {
                Some(("api_key_env", format!("`{variable}` is not set")))
            }
            CredentialSource::File(file) => std::fs::File::open(file)
                .err()
                .map(|error| ("api_key_file", format!("cannot open the file: {error}"))),
            _ => None,
        }
    }

    /// As used. None where a mistake that was noted before leaves no URL.
    /// `known` is how the catalogue attaches secrets for the same adapter.
    pub(super) fn finish(self, name: &str, known: Option<&AuthScheme>) -> Option<Provider> {
        let credential = self.credential();
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
            models_url: self.models_url,
            auth,
            credential,
            options: self.options,
            tags: self.tags,
            headers: self.headers,
            relay: self.relay,
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
