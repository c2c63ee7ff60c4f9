//! A configuration in a few lines, for whoever asks whether it is right. Names
//! where secrets are kept, never a secret.

use std::fmt::Write as _;

use super::Config;
use super::load::Environment;
use crate::catalog::{CredentialSource, Provider};

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
    let credential = match &provider.credential {
        CredentialSource::None => "no credential".to_owned(),
        CredentialSource::Env(variable) => {
            let set = env(variable).is_some_and(|value| !value.is_empty());
            format!("key in {variable} ({})", if set { "set" } else { "not set" })
        }
        CredentialSource::File(file) if file.exists() => format!("key in {}", file.display()),
        CredentialSource::File(_) => "key in a file that is missing".to_owned(),
    };
    let Provider { name, base_url, adapter, .. } = provider;
    format!("{name} at {base_url}, adapter {adapter}, {credential}")
}
