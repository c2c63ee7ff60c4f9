//! `[providers.NAME]`: where a provider is, which adapter speaks to it and
//! which credential it gets. A name of the embedded catalogue starts from what
//! is known about it; any other from nothing.

mod fields;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Uri};
use plugway_engine::{AuthScheme, Setting};

use super::accounts::{self, AccountTable};
use super::credential::{Form, Missing};
use super::diagnostic::{Place, Severity};
use super::identity::{self, IdentityTable, refuse_secret};
use super::load::Environment;
use super::rates::{RateTable, Rated};
use super::reader::Section;
use super::template::{Template, Variable, is_value};
use crate::catalog::{Credential, Provider, ProviderFacts};

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
    pub(super) identity: IdentityTable,
    /// In place of the one.
    accounts: Vec<AccountTable>,
    variables: BTreeMap<String, Variable>,
    pub(super) by_name_only: bool,
    /// The router has no credential of its own there.
    byok_only: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
    options: Vec<Setting>,
    relay: Vec<String>,
    tags: Vec<(String, String)>,
    rates: RateTable,
    facts: ProviderFacts,
}

impl Rated for ProviderTable {
    fn rates(&mut self) -> &mut RateTable {
        &mut self.rates
    }
}

/// The keys that bind credentials.
const BINDING: [&str; 4] = ["api_key_env", "api_key_file", "credential", "credentials"];

/// Reads `[providers.NAME]` on top of `provider`.
pub(super) fn read(section: &Section<'_>, provider: &mut ProviderTable) {
    // A credential that is bound anew is not joined by the inherited one.
    if BINDING.iter().any(|key| section.has(key)) {
        provider.identity = IdentityTable::default();
    }
    // What is known of one place does not hold for another.
    if section.has("base_url") {
        provider.models_url = None;
        provider.facts.trains_on_prompts = None;
        provider.facts.retains_prompts = None;
    }
    section.read_with(&[FIELDS], provider, |entry, _| refuse_secret(section, entry.key()));
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
    identity::check_names(section, &mut provider.identity);
    let first = identity::written(section, BINDING);
    if provider.byok_only {
        if let Some(first) = first {
            const REMEDY: &str = "remove it, or `byok_only`";
            section.error(first, "a secret that `byok_only` leaves unused", REMEDY);
        }
        if provider.auth == Some(AuthScheme::None) {
            const REMEDY: &str = "remove it, or say how keys are attached";
            section.error("byok_only", "the provider takes no keys", REMEDY);
        }
        provider.identity = IdentityTable::default();
        provider.accounts.clear();
    } else if provider.auth == Some(AuthScheme::None) {
        if first.is_some() && section.has("auth") {
            const REMEDY: &str = "remove the secret, or say how it is attached";
            section.error("auth", "`none` leaves the secret unused", REMEDY);
        }
        provider.identity = IdentityTable::default();
        provider.accounts.clear();
    } else if section.has("auth")
        && provider.form() == Form::Nothing
        && !matches!(first, Some("credential" | "credentials"))
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
    for (section, key, url) in provider.urls(section) {
        for name in url.names().into_iter().filter(|name| !has(name)) {
            let remedy = format!("add `variables = {{ {name} = \"...\" }}`");
            section.error(key, format!("nothing fills `{{{name}}}`"), remedy);
        }
    }
}

fn check_url(section: &Section<'_>, provider: &ProviderTable) {
    if provider.base_url.is_none() {
        if !section.has("base_url") {
            section.error(
                "base_url",
                "is missing",
                "add it, e.g. `base_url = \"https://host/v1\"`",
            );
        }
        return;
    }
    for (section, key, url) in provider.urls(section) {
        let url = url.sample();
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
    /// What its credentials are; that each of them is the same is checked apart.
    fn form(&self) -> Form {
        self.accounts.first().map_or_else(|| self.identity.form(), |it| it.identity.form())
    }

    /// All its URLs, and where each is written.
    fn urls<'s, 't>(
        &'s self,
        section: &Section<'t>,
    ) -> Vec<(Section<'t>, &'static str, &'s Template)> {
        let token_url = |identity: &'s IdentityTable| identity.credential.token_url.as_ref();
        let single = [
            ("base_url", self.base_url.as_ref()),
            ("models_url", self.models_url.as_ref()),
            ("credential", token_url(&self.identity)),
        ];
        let single = single.into_iter().map(|(key, url)| (section.clone(), key, url));
        let several = section.subtables("credentials").into_iter().zip(&self.accounts);
        let several = several.map(|(own, it)| (own, "credential", token_url(&it.identity)));
        single.chain(several).filter_map(|(own, key, url)| Some((own, key, url?))).collect()
    }

    /// An option whose value is text.
    fn option(&self, name: &str) -> Option<String> {
        let (_, json) = self.options.iter().find(|(key, _)| key == name)?;
        serde_json::from_str(json).ok()
    }

    /// What is missing on this machine. Of several credentials one is enough.
    pub(super) fn missing(&self, env: Environment<'_>) -> Vec<Missing> {
        let mut missing = self.identity.missing(env);
        if !accounts::is_any_there(&self.accounts, env) {
            missing.extend(self.accounts.iter().flat_map(|it| it.identity.missing(env)));
        }
        missing.extend(self.unfilled(env));
        missing
    }

    /// What is missing to fill the gaps of URLs.
    fn unfilled(&self, env: Environment<'_>) -> impl Iterator<Item = Missing> {
        let variables = self.variables.iter().filter(|(name, _)| self.option(name).is_none());
        variables.filter_map(move |(_, variable)| {
            let problem = variable.value(env).err()?;
            Some(Missing { key: "variables", problem, variable: variable.env.clone() })
        })
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
            (Form::Nothing, _) if !self.byok_only => AuthScheme::None,
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
        let source = |identity: &IdentityTable| {
            let token_url = identity.credential.token_url.as_ref();
            identity.source(token_url.and_then(|url| url.filled(&values)), env)
        };
        let sole = source(&self.identity);
        let sole = sole.map(Credential::sole);
        let several = self.accounts.into_iter().enumerate().filter_map(|(at, account)| {
            let source = source(&account.identity)?;
            Some(account.finish(at, source))
        });
        let credentials = sole.into_iter().chain(several).map(Arc::new).collect();
        Some(Provider {
            name: name.to_owned(),
            display_name: self.display_name.unwrap_or_else(|| name.to_owned()),
            adapter: self.adapter.unwrap_or_else(|| name.to_owned()),
            base_url: self.base_url?.filled(&values)?,
            models_url: self.models_url.and_then(|url| url.filled(&values)),
            auth,
            credentials,
            options,
            tags: self.tags,
            rates: self.rates.settings(),
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
    for missing in provider.identity.missing(env).into_iter().chain(provider.unfilled(env)) {
        const REMEDY: &str = "set it, or remove the provider";
        section.remark(Severity::Missing, missing.key, missing.problem, REMEDY);
    }
    let adapter = provider.adapter.as_deref().unwrap_or(section.name());
    let auth = provider.scheme(known.get(adapter));
    let several = section.subtables("credentials");
    accounts::check(&several, &provider.accounts, &auth, env);
    if provider.accounts.is_empty() && !provider.byok_only && !provider.form().fits(&auth) {
        let remedy = identity::remedy(&auth);
        section.error("auth", "the credential cannot be attached so", remedy);
    }
    let has_region =
        provider.variables.contains_key("region") || provider.option("region").is_some();
    if matches!(auth, AuthScheme::Sigv4(_)) && !has_region {
        const REMEDY: &str = "add `variables = { region = \"...\" }`";
        section.error("auth", "a signature holds for one region, and none is named", REMEDY);
    }
}
