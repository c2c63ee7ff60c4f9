//! A configuration in a few lines, for whoever asks whether it is right. Names
//! where secrets are kept, never a secret.

use std::fmt::Write as _;
use std::path::Path;

use super::Config;
use super::load::Environment;
use crate::catalog::{AccessKeySource, CredentialSource, FileSource, Provider};

/// What the router would do with `config`, for people; several lines.
#[must_use]
pub fn summary(config: &Config, env: Environment<'_>) -> String {
    let mut out = String::new();
    let mut line = |title: &str, text: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{title:<12}{text}");
    };
    line("listen", &format!("http://{}", config.server.listen));
    for provider in config.catalog.providers.values() {
        line("provider", &provider_line(provider, env));
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
    let state = |variable: &str| {
        let set = env(variable).is_some_and(|value| !value.is_empty());
        format!("{variable} ({})", if set { "set" } else { "not set" })
    };
    let held = |what: &str, file: &Path| match file.exists() {
        true => format!("{what} in {}", file.display()),
        false => format!("{what} in a file that is missing"),
    };
    let credential = match &provider.credential {
        CredentialSource::None => "no credential".to_owned(),
        CredentialSource::Env(variable) => format!("key in {}", state(variable)),
        CredentialSource::File(file) => held("key", file),
        CredentialSource::AccessKey(AccessKeySource::Env { id, secret, .. }) => {
            format!("access key in {} and {}", state(id), state(secret))
        }
        CredentialSource::AccessKey(AccessKeySource::File(file)) => held("access key", file),
        CredentialSource::ServiceAccount(FileSource::Path(file)) => held("service account", file),
        CredentialSource::ServiceAccount(FileSource::Env(variable)) => {
            format!("service account in the file that {} names", state(variable))
        }
        CredentialSource::Client(client) => {
            format!("client {} at {}", state(&client.id), client.token_url)
        }
    };
    let Provider { name, base_url, adapter, .. } = provider;
    format!("{name} at {base_url}, adapter {adapter}, {credential}")
}
