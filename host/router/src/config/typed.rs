//! All sections as typed, and how they become what is used: which providers are
//! active, which endpoints they serve.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plugway_engine::AuthScheme;
use plugway_store::Location;

use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::field::{Field, Slot};
use super::load::Environment;
use super::models::ModelTable;
use super::providers::ProviderTable;
use super::reader::{Entry, Section, Source, did_you_mean, key_path};
use super::{
    Config, DecisionsConfig, LedgerConfig, LogConfig, MediaConfig, PluginsConfig, RoutingConfig,
    SecretsConfig, ServerConfig, StateConfig, UpstreamConfig, aliases, decisions, ledger, log,
    media, models, plugins, providers, routing, secrets, server, state, upstream,
};
use crate::catalog::{Catalog, EMBEDDED, OFFERS, Provider};

/// All sections as typed.
#[derive(Default)]
pub(super) struct Typed {
    state: Option<Location>,
    server: ServerConfig,
    upstream: UpstreamConfig,
    media: MediaConfig,
    pub(super) plugins: PluginsConfig,
    routing: RoutingConfig,
    decisions: DecisionsConfig,
    pub(super) ledger: LedgerConfig,
    pub(super) secrets: SecretsConfig,
    log: LogConfig,
    providers: BTreeMap<String, ProviderTable>,
    models: BTreeMap<String, ModelTable>,
    aliases: Vec<aliases::Alias>,
    /// By adapter: how the embedded catalogue attaches the secret.
    known_auth: BTreeMap<String, AuthScheme>,
    /// What is being read is the embedded catalogue, not the operator's file.
    is_embedded: bool,
}

/// Where state is kept. Like the other keys that stand outside all sections.
pub(super) const STATE: Field<Typed> = Field {
    key: "state",
    slot: Slot::Nested {
        shape: "path or `postgres://` URL",
        read: |entry, typed| typed.state = state::read(entry).or(typed.state.take()),
    },
    about: "Where is kept what outlasts a restart: keys, spending, presets, decisions, health. A path is that of an SQLite file, made if it is not there, for one router alone. `postgres://USER@HOST:PORT/DATABASE` is a PostgreSQL database, for one router or several; its password is better left to the variable `PGPASSWORD`. Default: the file `plugway/plugway.db` where the system keeps the user's state, `$XDG_STATE_HOME` or `~/.local/state`; without either, nothing outlasts the process. Stands above all sections.",
};

pub(super) const SECTIONS: &[Field<Typed>] = &[
    STATE,
    ledger::LEDGER,
    ledger::SYNCHRONOUS,
    Field {
        key: "server",
        slot: Slot::Nested {
            shape: "table",
            read: |entry, typed| {
                if let Some(section) = entry.table() {
                    section.read(server::FIELDS, &mut typed.server);
                    server::check(&section, &mut typed.server);
                }
            },
        },
        about: "How the router listens, and what it grants a client.",
    },
    Field {
        key: "upstream",
        slot: Slot::Nested {
            shape: "table",
            read: |entry, typed| {
                if let Some(section) = entry.table() {
                    section.read(upstream::FIELDS, &mut typed.upstream);
                    upstream::check(&section, &mut typed.upstream);
                }
            },
        },
        about: "How providers are called.",
    },
    Field {
        key: "media",
        slot: Slot::Nested {
            shape: "table",
            read: |entry, typed| {
                if let Some(section) = entry.table() {
                    section.read(media::FIELDS, &mut typed.media);
                }
            },
        },
        about: "Images and documents that clients name by URL, fetched for providers that cannot fetch them.",
    },
    Field {
        key: "plugins",
        slot: Slot::Nested {
            shape: "table",
            read: |entry, typed| {
                if let Some(section) = entry.table() {
                    plugins::read(&section, &mut typed.plugins);
                }
            },
        },
        about: "Where plugins are loaded from.",
    },
    Field {
        key: "routing",
        slot: Slot::Nested {
            shape: "table",
            read: |entry, typed| {
                if let Some(section) = entry.table() {
                    section.read(routing::FIELDS, &mut typed.routing);
                    routing::check(&section, &typed.routing);
                }
            },
        },
        about: "How a request finds its endpoint.",
    },
    Field {
        key: "decisions",
        slot: Slot::Nested {
            shape: "table",
            read: |entry, typed| {
                if let Some(section) = entry.table() {
                    section.read(decisions::FIELDS, &mut typed.decisions);
                }
            },
        },
        about: "What is kept of each request's decision.",
    },
    ledger::SECTION,
    secrets::SECTION,
    Field {
        key: "log",
        slot: Slot::Nested {
            shape: "table",
            read: |entry, typed| {
                if let Some(section) = entry.table() {
                    section.read(log::FIELDS, &mut typed.log);
                }
            },
        },
        about: "How log lines look, and which are written.",
    },
    Field {
        key: "providers",
        slot: Slot::Nested {
            shape: "tables by name",
            read: |entry, typed| {
                each_table(entry, |section| {
                    let provider = typed.providers.entry(section.name().to_owned());
                    providers::read(section, provider.or_default());
                });
            },
        },
        about: "One table for each provider. Where the name is in the catalogue, only what differs needs to be written, and an empty table is enough to turn it on. As soon as the file names one provider, exactly those that it names are active.",
    },
    Field {
        key: "models",
        slot: Slot::Nested {
            shape: "tables by slug",
            read: |entry, typed| {
                each_table(entry, |section| {
                    let model = typed.models.entry(section.name().to_owned());
                    models::read(section, model.or_default(), typed.is_embedded);
                });
            },
        },
        about: "One table for each model that the catalogue does not know, or where it is to be corrected or gets further endpoints. A model without a table is reachable as `provider/model`: it is passed through, and its cost is unknown.",
    },
    Field {
        key: "aliases",
        slot: Slot::Nested {
            shape: "table of strings",
            read: |entry, typed| typed.aliases = aliases::read(entry),
        },
        about: "Names of your own, each with the model that it stands for, e.g. `fast = \"author/model:nitro\"`. They win over the catalogue's names, and none may stand for another. Answers name the model.",
    },
];

fn each_table(entry: &Entry<'_>, mut read: impl FnMut(&Section<'_>)) {
    let tables = entry.table();
    for section in tables.iter().flat_map(Section::entries) {
        if let Some(section) = section.table() {
            read(&section);
        }
    }
}

impl Typed {
    /// What is known before the operator's file, but for what each provider offers,
    /// and what is wrong with it: nothing, as a test sees to.
    pub(super) fn embedded() -> (Self, Vec<Diagnostic>) {
        let mut typed = Typed::default();
        let found = typed.read_embedded(EMBEDDED.iter());
        for provider in typed.providers.values_mut() {
            provider.place = None;
        }
        for (name, provider) in &typed.providers {
            if let Some(auth) = &provider.auth {
                let adapter = provider.adapter.as_ref().unwrap_or(name);
                // Whoever the adapter is named after knows best.
                if name == adapter || !typed.known_auth.contains_key(adapter) {
                    typed.known_auth.insert(adapter.clone(), auth.clone());
                }
            }
        }
        (typed, found)
    }

    /// Adds the embedded offers of the providers that `root`, the operator's file,
    /// will turn on.
    pub(super) fn add_offers(
        &mut self,
        root: &Section<'_>,
        env: Environment<'_>,
    ) -> Vec<Diagnostic> {
        let named = root.subtable("providers");
        let mut names: BTreeSet<&str> =
            named.iter().flat_map(Section::entries).map(|entry| entry.key()).collect();
        if names.is_empty() {
            names = self.active(env).map(|(name, _)| name.as_str()).collect();
        }
        let names: BTreeSet<String> = names.into_iter().map(str::to_owned).collect();
        self.read_embedded(OFFERS.iter().filter(|(name, _)| names.contains(*name)))
    }

    fn read_embedded<'f>(
        &mut self,
        files: impl Iterator<Item = &'f (&'static str, &'static str)>,
    ) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        self.is_embedded = true;
        for (name, text) in files {
            let source = Source::new(name, text);
            let document = source.parse();
            Section::root(&source, &document).read(SECTIONS, self);
            found.extend(source.into_found());
        }
        self.is_embedded = false;
        for endpoint in self.models.values_mut().flat_map(|model| &mut model.endpoints) {
            endpoint.own = false;
        }
        found
    }

    /// The providers that the file names; if it names none, those of the embedded
    /// catalogue whose secret is there.
    pub(super) fn active<'a>(
        &'a self,
        env: Environment<'a>,
    ) -> impl Iterator<Item = (&'a String, &'a ProviderTable)> {
        let named = self.names_providers();
        let providers = self.providers.iter();
        providers.filter(move |(_, provider)| match named {
            true => provider.place.is_some(),
            false => !provider.by_name_only && provider.missing(env).is_empty(),
        })
    }

    /// By name.
    pub(super) fn providers(&self) -> impl Iterator<Item = (&str, &ProviderTable)> {
        self.providers.iter().map(|(name, provider)| (name.as_str(), provider))
    }

    fn names_providers(&self) -> bool {
        self.providers.values().any(|p| p.place.is_some())
    }

    /// What holds between sections.
    pub(super) fn check_media(&self, root: &Section<'_>) {
        if let Some(section) = root.subtable("media") {
            media::check(&section, &self.media, &self.upstream);
        }
    }

    pub(super) fn note_missing_secrets(&self, root: &Section<'_>, env: Environment<'_>) {
        let tables = root.subtable("providers");
        for section in tables.iter().flat_map(Section::entries) {
            if let Some(section) = section.subtable()
                && let Some(provider) = self.providers.get(section.name())
            {
                providers::check_secret(&section, provider, &self.known_auth, env);
            }
        }
    }

    /// Every alias stands for a model.
    pub(super) fn check_aliases(&self, root: &Section<'_>) {
        if let Some(section) = root.subtable("aliases") {
            aliases::check(&section, &self.aliases);
        }
    }

    /// Every endpoint has a provider, and an id of its own.
    pub(super) fn check_endpoints(&self, source: &Source<'_>, env: Environment<'_>) {
        let active: BTreeSet<&String> = self.active(env).map(|(name, _)| name).collect();
        let mut ids = BTreeSet::new();
        let endpoints = self.models.iter();
        let mut endpoints: Vec<_> = endpoints
            .flat_map(|(slug, model)| model.endpoints.iter().map(move |e| (slug, e)))
            .collect();
        endpoints.sort_by_key(|(_, endpoint)| (endpoint.own, endpoint.place.line));
        for (slug, endpoint) in endpoints {
            let fresh = ids.insert(endpoint.id(slug));
            let Some(provider) = endpoint.provider.as_ref().filter(|_| endpoint.own) else {
                continue;
            };
            let (severity, problem, remedy) = if !fresh {
                let problem = format!("`{}` is an endpoint already", endpoint.id(slug));
                (Severity::Error, problem, "remove one of the two".to_owned())
            } else if active.contains(provider) {
                continue;
            } else {
                self.explain_inactive(provider, env)
            };
            let key = key_path(&["models", slug, "endpoints", "provider"]);
            source.note(severity, endpoint.place.clone(), &key, problem, remedy);
        }
    }

    fn explain_inactive(&self, provider: &str, env: Environment<'_>) -> (Severity, String, String) {
        let Some(known) = self.providers.get(provider) else {
            let problem = format!("there is no provider `{provider}`");
            let remedy = did_you_mean(provider, self.providers.keys().map(String::as_str))
                .unwrap_or_else(|| format!("add `[providers.{provider}]`"));
            return (Severity::Error, problem, remedy);
        };
        let problem = format!("the provider `{provider}` is not active");
        match known.to_set(env) {
            Some(remedy) if !self.names_providers() && !known.by_name_only => {
                (Severity::Missing, problem, remedy)
            }
            _ => (Severity::Error, problem, format!("add `[providers.{provider}]`")),
        }
    }

    /// Nothing to route to, and the three ways out. Of all variables those are shown
    /// whose providers have an adapter of their own.
    pub(super) fn no_provider(&self) -> Diagnostic {
        let best_known = self.providers.values().filter(|p| p.adapter.is_none());
        let variables = best_known.filter_map(|p| p.identity.api_key_env.first().cloned());
        let variables = variables.collect::<Vec<_>>().join(", ");
        Diagnostic::general(
            "no provider is configured",
            format!(
                "set a provider's variable ({variables}, or one of those that `plugway config-reference` \
                 lists), or describe providers in plugway.toml, or run `plugway demo`, which needs neither"
            ),
        )
    }

    /// As used. Called when no mistake is left.
    pub(super) fn finish(self, env: Environment<'_>, warnings: Diagnostics) -> Config {
        let active: BTreeSet<String> = self.active(env).map(|(name, _)| name.clone()).collect();
        let mut providers = BTreeMap::new();
        let mut inactive = BTreeMap::new();
        let named = self.names_providers();
        for (name, provider) in self.providers {
            if !active.contains(&name) {
                let remedy = match provider.to_set(env) {
                    Some(remedy) if !named && !provider.by_name_only => remedy,
                    _ => format!("add `[providers.{name}]` to the configuration"),
                };
                inactive.insert(name, remedy);
                continue;
            }
            let adapter = provider.adapter.as_ref().unwrap_or(&name);
            let auth = self.known_auth.get(adapter);
            let provider: Option<Provider> = provider.finish(&name, auth, env);
            providers.extend(provider.map(|provider| (name, Arc::new(provider))));
        }
        let models = self.models.into_iter().filter_map(|(slug, model)| {
            let model = model.finish(&slug, &providers)?;
            Some((slug, Arc::new(model)))
        });
        let models = models.collect();
        let aliases = self.aliases.into_iter().collect();
        Config {
            server: self.server,
            upstream: self.upstream,
            media: self.media,
            plugins: self.plugins,
            routing: self.routing,
            decisions: self.decisions,
            ledger: self.ledger,
            secrets: self.secrets,
            log: self.log,
            state: StateConfig::new(self.state, env),
            catalog: Arc::new(Catalog::new(providers, models, aliases, inactive)),
            warnings,
        }
    }
}
