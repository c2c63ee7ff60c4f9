//! A configuration in a few lines, for whoever asks whether it is right. Names
//! where secrets are kept, never a secret.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use plugway_engine::AuthScheme;

use super::Config;
use super::load::Environment;
use crate::catalog::{AccessKeySource, Credential, CredentialSource, FileSource, Provider};

/// What the router would do with `config`, for people; several lines.
#[must_use]
pub fn summary(config: &Config, env: Environment<'_>) -> String {
    let mut out = String::new();
    let mut line = |title: &str, text: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{title:<12}{text}");
    };
    line("listen", &format!("http://{}", config.server.listen));
    line("state", &config.state.location.to_string());
    for provider in config.catalog.providers.values() {
        line("provider", &provider_line(provider, env));
        for credential in credential_lines(provider, env) {
            line("credential", &credential);
        }
    }
    let endpoints = config.catalog.models.values().flat_map(|m| &m.endpoints);
    let unpriced = endpoints.clone().filter(|e| e.price.is_none()).count();
    line(
        "models",
        &format!(
            "{} with {} endpoints, {unpriced} of them unpriced",
            config.catalog.models.len(),
            endpoints.count(),
        ),
    );
    line("strategies", &config.routing.strategies.join(", "));
    let directory = config.plugins.directory.as_ref();
    line(
        "plugins",
        &match directory {
            Some(directory) => format!("embedded, and those in {}", directory.display()),
            None => "embedded".to_owned(),
        },
    );
    for (id, grants) in &config.plugins.grants {
        if grants.content {
            line("granted", &format!("{id}: content"));
        }
    }
    out
}

fn provider_line(provider: &Provider, env: Environment<'_>) -> String {
    let credential = match &provider.credentials[..] {
        [] if matches!(provider.auth, AuthScheme::None) => "no credential".to_owned(),
        [] => "keys that clients bring".to_owned(),
        [sole] if sole.name == Credential::SOLE => held(&sole.source, env),
        several => format!("{} credentials", several.len()),
    };
    let Provider { name, base_url, adapter, .. } = provider;
    format!("{name} at {base_url}, adapter {adapter}, {credential}")
}

/// The credentials of a provider, where they have names.
fn credential_lines(provider: &Provider, env: Environment<'_>) -> Vec<String> {
    let named = provider.credentials.iter().filter(|it| it.name != Credential::SOLE);
    let line = |it: &Arc<Credential>| {
        let Credential { name, source, weight, own } = &**it;
        let own = if *own { "own, " } else { "" };
        format!("{}/{name}, {own}weight {weight}, {}", provider.name, held(source, env))
    };
    named.map(line).collect()
}

/// Where a secret is kept, and whether it is there.
fn held(source: &CredentialSource, env: Environment<'_>) -> String {
    let state = |variable: &str| {
        let set = env(variable).is_some_and(|value| !value.is_empty());
        format!("{variable} ({})", if set { "set" } else { "not set" })
    };
    let in_file = |what: &str, file: &Path| match file.exists() {
        true => format!("{what} in {}", file.display()),
        false => format!("{what} in a file that is missing"),
    };
    match source {
        CredentialSource::Env(variable) => format!("key in {}", state(variable)),
        CredentialSource::File(file) => in_file("key", file),
        CredentialSource::AccessKey(AccessKeySource::Env { id, secret, .. }) => {
            format!("access key in {} and {}", state(id), state(secret))
        }
        CredentialSource::AccessKey(AccessKeySource::File(file)) => in_file("access key", file),
        CredentialSource::ServiceAccount(FileSource::Path(file)) => {
            in_file("service account", file)
        }
        CredentialSource::ServiceAccount(FileSource::Env(variable)) => {
            format!("service account in the file that {} names", state(variable))
        }
        CredentialSource::Client(client) => {
            format!("client {} at {}", state(&client.id), client.token_url)
        }
        CredentialSource::Brought(_) => "key that a client has brought".to_owned(),
    }
}
