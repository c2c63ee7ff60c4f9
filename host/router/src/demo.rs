//! `plugway demo`: simulated providers on loopback and a router in front of
//! them. Needs no key, no configuration and no network.

use crate::config::{self, Config, Diagnostics};
use plugway_simulator::{DemoProvider, Simulator};
use plugway_store::Location;
use std::fmt::{self, Write as _};
use std::io;
use std::net::SocketAddr;
use std::path::Path;

/// The variable that holds the simulated providers' key. Its value is made up:
/// the simulators take any.
const KEY_VARIABLE: &str = "PLUGWAY_DEMO_KEY";

/// The strategy that takes over when its file is dropped into the directory.
const DROPPED: &str = "strategy-minimal";

/// A router's configuration together with the providers that it names. The
/// providers serve for as long as this lives.
pub struct Demo {
    /// Ready to be served.
    pub config: Config,
    providers: Vec<DemoProvider>,
}

/// Why the demo could not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A simulator got no port.
    #[error("the simulated providers could not start: {0}")]
    Simulators(#[from] io::Error),
    /// The demo's own configuration was refused.
    #[error("the demo's configuration is wrong:\n{0}")]
    Config(#[from] Diagnostics),
}

/// Stands in for the environment: the demo reads nothing of the real one but
/// where caches are kept.
pub fn environment(name: &str) -> Option<String> {
    match name {
        KEY_VARIABLE => Some("any-key-will-do".to_owned()),
        "HOME" | "XDG_CACHE_HOME" | "LOCALAPPDATA" => std::env::var(name).ok(),
        _ => None,
    }
}

impl Demo {
    /// Starts the simulated providers. Plugins are loaded from `plugins` if that
    /// directory is there.
    ///
    /// # Errors
    /// When a simulator cannot listen.
    pub fn start(listen: SocketAddr, plugins: &Path) -> Result<Self, DemoError> {
        let providers = Simulator::demo_fleet()?;
        let mut config = config::load_str("demo", &toml(&providers), &environment)?;
        config.server.listen = listen;
        // What is asked of the demo is nobody's spending.
        config.state.location = Location::Memory;
        config.plugins.directory = plugins.is_dir().then(|| plugins.to_owned());
        Ok(Self { config, providers })
    }

    /// What to try, as soon as the router listens at `address`.
    pub fn guide(&self, address: SocketAddr) -> Guide<'_> {
        Guide { demo: self, address }
    }
}

/// The demo's configuration, as an operator would write it. The provider that
/// fails is the cheapest, so that strategies like it.
fn toml(providers: &[DemoProvider]) -> String {
    let mut toml = format!("[routing]\nstrategies = [\"{DROPPED}\", \"balanced\"]\n");
    for provider in providers {
        let DemoProvider { name, adapter, base_url, .. } = provider;
        // Writing to a string cannot fail.
        let _ = write!(
            toml,
            "\n[providers.{name}]\nadapter = \"{adapter}\"\nbase_url = \"{base_url}\"\n\
             api_key_env = \"{KEY_VARIABLE}\"\n"
        );
    }
    let mut models: Vec<_> = providers.iter().flat_map(|provider| &provider.models).collect();
    models.sort();
    models.dedup();
    for model in models {
        let _ = write!(toml, "\n[models.\"demo/{model}\"]\ncontext_length = 128_000\n");
        let serving = providers.iter().rev().filter(|provider| provider.models.contains(model));
        for (dearer, provider) in serving.enumerate() {
            let _ = write!(
                toml,
                "[[models.\"demo/{model}\".endpoints]]\nprovider = \"{}\"\nmodel = \"{model}\"\n\
                 price = {{ prompt = 0.{}, completion = {}.0 }}\n",
                provider.name,
                dearer + 1,
                dearer + 1,
            );
        }
    }
    toml
}

/// What the demo prints: where it is, what to type, and what will fail when.
pub struct Guide<'a> {
    demo: &'a Demo,
    address: SocketAddr,
}

impl fmt::Display for Guide<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = format!("http://{}/v1/chat/completions", self.address);
        writeln!(f, "\nPlugway listens on http://{}\n\nSimulated providers:", self.address)?;
        for provider in &self.demo.providers {
            writeln!(f, "  {:<12} {}", provider.name, provider.description)?;
        }
        let stream = r#"{"model":"demo/demo-small","stream":true,"messages":[{"role":"user","content":"Hello, router!"}]}"#;
        let failing = r#"{"model":"demo/demo-small","provider":{"order":["flaky"]},"messages":[{"role":"user","content":"Hello, failover!"}]}"#;
        let command = |body: &str, flags: &str| {
            format!("curl {flags} {url} -H 'content-type: application/json' -d '{body}'")
        };
        writeln!(
            f,
            "\n1. A streamed answer, through a strategy and an adapter in the sandbox:\n   {}",
            command(stream, "-sN")
        )?;
        writeln!(
            f,
            "\n2. A failover. `flaky` fails every second request before its first token: send this\n   \
             twice, and see another provider step in (the access log below tells the attempts):\n   {}",
            command(failing, "-si")
        )?;
        writeln!(
            f,
            "\n3. A plugin of your own. Drop {DROPPED} into the running router; the next decision\n   \
             is its own (x-plugway-strategy in the answer to 2, and in the access log):\n   \
             cargo build --profile guest --target wasm32-wasip2 --target-dir target/guests -p {DROPPED} &&\n   \
             cp target/guests/wasm32-wasip2/guest/{}.wasm plugins/{DROPPED}.wasm",
            DROPPED.replace('-', "_"),
        )?;
        if self.demo.config.plugins.directory.is_none() {
            writeln!(
                f,
                "   (needs a `plugins` directory here; make one and start the demo again)"
            )?;
        }
        writeln!(f, "\nAlso there: /v1/models  /readyz  /metrics. Ctrl-C ends it.\n",)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_configuration_is_one_that_an_operator_could_write() {
        let demo =
            Demo::start(SocketAddr::from(([127, 0, 0, 1], 0)), Path::new("nowhere")).unwrap();
        let catalog = &demo.config.catalog;
        assert_eq!(catalog.providers.len(), demo.providers.len());
        assert_eq!(catalog.models["demo/demo-small"].endpoints.len(), demo.providers.len());
        let guide = demo.guide(SocketAddr::from(([127, 0, 0, 1], 8787))).to_string();
        assert!(guide.contains("curl -sN http://127.0.0.1:8787/v1/chat/completions"));
    }
}
