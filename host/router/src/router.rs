//! The router's state: what every request shares.

use crate::config::{Config, PluginsConfig};
use crate::embedded;
use crate::exchange::RetryBudget;
use crate::reload::{ConfigSource, ConfigStatus, Reloading};
use crate::route::Health;
use crate::telemetry::Metrics;
use crate::upstream::{self, Client, ClientError, Credentials};
use arc_swap::ArcSwap;
use plugway_engine::{Compiler, Engine, Registry, RegistryOptions, Setup};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// Why a router could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The plugin engine, or a first-party plugin.
    #[error("the plugin engine could not start: {0}")]
    Engine(#[from] plugway_engine::Error),
    /// The HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Everything that requests share. Made once, then only read; what changes
/// while it runs (plugins, health, metrics) changes behind its own lock.
pub struct Router {
    pub(crate) settings: ArcSwap<Settings>,
    pub(crate) reloading: Mutex<Reloading>,
    /// For whoever asks while a reload is under way.
    pub(crate) shown: ArcSwap<ConfigStatus>,
    /// Who serves as adapter and strategy now.
    pub registry: Arc<Registry>,
    /// What each endpoint has lately been worth.
    pub health: Health,
    /// Counters and histograms.
    pub metrics: Arc<Metrics>,
    /// Providers' keys.
    pub credentials: Credentials,
    /// One reload on request at a time.
    pub(crate) reload_turn: Arc<Semaphore>,
    /// How often requests may be tried again.
    pub(crate) retries: RetryBudget,
    /// Room for request and response bodies held whole, in KiB.
    pub(crate) buffers: Arc<Semaphore>,
}

impl Router {
    /// Compiles or finds in the cache every plugin, and connects to nothing yet.
    /// Blocks: call it before serving, or on a thread that may block.
    ///
    /// # Errors
    /// When the engine cannot start, a first-party plugin is broken, or a
    /// configured CA file is unusable.
    pub fn new(
        config: Config,
        credentials: Credentials,
        compiler: Compiler,
    ) -> Result<Self, StartError> {
        let plugins = &config.plugins;
        let cache = plugins.cache_directory.clone();
        let engine = Engine::start(plugins.limits.clone(), cache, compiler)?;
        let options = plugin_options(plugins);
        let registry = Registry::new(engine, embedded::PLUGINS.to_vec(), options)?;
        let kibibytes = config.server.max_buffered_bytes / 1024;
        let metrics = Arc::new(Metrics::new());
        Ok(Self {
            settings: ArcSwap::from_pointee(Settings::new(config)?),
            reloading: Mutex::default(),
            shown: ArcSwap::default(),
            registry: Arc::new(registry),
            health: Health::new(metrics.clone()),
            metrics,
            credentials,
            reload_turn: Arc::new(Semaphore::new(1)),
            retries: RetryBudget::new(),
            buffers: Arc::new(Semaphore::new(kibibytes.clamp(1, Semaphore::MAX_PERMITS))),
        })
    }

    /// The same, to be configured anew when `source` changes.
    #[must_use]
    pub fn configured_by(self, source: Option<ConfigSource>) -> Self {
        let reloading = Reloading::new(source);
        let shown = ArcSwap::from_pointee(reloading.status().clone());
        Self { reloading: Mutex::new(reloading), shown, ..self }
    }

    /// What holds now. A request asks once and keeps to what it was given, so that
    /// a reload never shows it two halves.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }
}

/// What the operator says, and what follows from it alone. Replaced as a whole.
pub struct Settings {
    /// As the operator wrote it.
    pub config: Config,
    /// Connections to providers.
    pub upstream: Arc<Client>,
}

impl Settings {
    pub(crate) fn new(config: Config) -> Result<Self, ClientError> {
        Ok(Self { upstream: Arc::new(Client::new(&config.upstream)?), config })
    }
}

/// The conditions that plugins serve under.
pub(crate) fn plugin_options(plugins: &PluginsConfig) -> RegistryOptions {
    let setups = plugins
        .options
        .iter()
        .map(|(id, options)| (id.clone(), Setup { options: options.clone(), ..Setup::default() }));
    RegistryOptions {
        directory: plugins.directory.clone(),
        grants: plugins.grants.clone(),
        replaceable_providers: plugins.replace.clone(),
        setups: setups.collect(),
        check: upstream::check,
    }
}
