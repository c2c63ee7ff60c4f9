//! The router's state: what every request shares.

use crate::account::Accounts;
use crate::admission::Admission;
use crate::api::Lane;
use crate::capacity::{Capacity, TooFewDescriptors, Wanted};
use crate::config::Config;
use crate::decisions::Journal;
use crate::embedded;
use crate::exchange::AttemptBudget;
use crate::ledger::Ledger;
use crate::presets::Presets;
use crate::reload::{ConfigSource, ConfigStatus, Reloading};
use crate::route::{CredentialHealth, Health, Rates};
use crate::telemetry::Metrics;
use crate::upstream::{self, Client, ClientError, Credentials, Fetcher};
use arc_swap::ArcSwap;
use plugway_engine::{Compiler, Engine, Registry, RegistryOptions, Setup, machine};
use plugway_routing::{Clock, Warmth};
use plugway_store::Store;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// Why a router could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The plugin engine, or a first-party plugin.
    #[error(transparent)]
    Engine(#[from] plugway_engine::Error),
    /// The HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The machine.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
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
    /// The time of everything that is remembered of endpoints and conversations.
    pub clock: Clock,
    /// What outlasts this process.
    pub store: Store,
    /// Who may ask.
    pub accounts: Accounts,
    /// Settings that requests name.
    pub(crate) presets: Presets,
    /// What was decided, and what came of it.
    pub journal: Arc<Journal>,
    /// What each request took and cost.
    pub(crate) ledger: Arc<Ledger>,
    /// What each endpoint has lately been worth.
    pub health: Health,
    /// Which credentials their providers lately refused.
    pub credential_health: CredentialHealth,
    /// How much of what endpoints may be asked for was used.
    pub rates: Rates,
    /// Where conversations have their prompt caches. Locked for a look or a few
    /// assignments.
    pub(crate) warmth: Mutex<Warmth>,
    /// Counters and histograms.
    pub metrics: Arc<Metrics>,
    /// Providers' keys.
    pub credentials: Credentials,
    /// One reload on request at a time.
    pub(crate) reload_turn: Arc<Semaphore>,
    /// How often requests may be tried again.
    pub attempts: AttemptBudget,
    /// Places for connections and requests.
    pub(crate) admission: Admission,
    /// What the administration has apart from them.
    pub(crate) administration: Arc<Lane>,
    /// All the room for request and response bodies held whole, in KiB.
    buffer_kibibytes: usize,
    /// What is left of it.
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
        store: Store,
        compiler: Compiler,
    ) -> Result<Self, StartError> {
        let wanted = Wanted::by(&config);
        // Known to suffice before anything is opened.
        let descriptors = machine::claim_descriptors();
        Capacity::derive(descriptors, u32::MAX, wanted)?;
        let plugins = &config.plugins;
        let cache = plugins.cache_directory.clone();
        let engine = Engine::start(plugins.limits.clone(), cache, compiler)?;
        let capacity = Capacity::derive(descriptors, engine.instances(), wanted)?;
        capacity.tell(wanted);
        let options = plugin_options(&config);
        let registry = Registry::new(engine, embedded::PLUGINS.to_vec(), options)?;
        let kibibytes = config.server.max_buffered_bytes / 1024;
        let kibibytes = kibibytes.clamp(1, Semaphore::MAX_PERMITS);
        let metrics = Arc::new(Metrics::new());
        let clock = Clock::machine();
        let journal = Journal::new(&config.decisions, store.clone(), metrics.clone());
        let ledger = Ledger::new(&config.ledger, store.clone(), metrics.clone());
        let (secrets, env) = (config.secrets.clone(), credentials.environment());
        let rates = Rates::new(&config.catalog, clock.clone());
        Ok(Self {
            journal: Arc::new(journal),
            ledger: Arc::new(ledger),
            settings: ArcSwap::from_pointee(Settings::new(config, &capacity, None)?),
            reloading: Mutex::default(),
            shown: ArcSwap::default(),
            registry: Arc::new(registry),
            health: Health::new(clock.clone(), metrics.clone()),
            credential_health: CredentialHealth::new(clock.clone(), metrics.clone()),
            rates,
            warmth: Mutex::default(),
            metrics,
            credentials,
            reload_turn: Arc::new(Semaphore::new(1)),
            attempts: AttemptBudget::new(clock.clone()),
            accounts: Accounts::new(store.clone(), clock.clone()).opening_with(secrets, env),
            clock,
            presets: Presets::new(store.clone()),
            store,
            admission: Admission::new(capacity),
            administration: Arc::default(),
            buffer_kibibytes: kibibytes,
            buffers: Arc::new(Semaphore::new(kibibytes)),
        })
    }

    /// The same, to be configured anew when `source` changes.
    #[must_use]
    pub fn configured_by(self, source: Option<ConfigSource>) -> Self {
        let reloading = Reloading::new(source);
        let shown = ArcSwap::from_pointee(reloading.status().clone());
        Self { reloading: Mutex::new(reloading), shown, ..self }
    }

    /// The same, at another time: all that it remembers is forgotten.
    #[must_use]
    pub fn timed_by(self, clock: Clock) -> Self {
        let (secrets, env) =
            (self.settings().config.secrets.clone(), self.credentials.environment());
        Self {
            health: Health::new(clock.clone(), self.metrics.clone()),
            credential_health: CredentialHealth::new(clock.clone(), self.metrics.clone()),
            rates: Rates::new(&self.settings().config.catalog, clock.clone()),
            attempts: AttemptBudget::new(clock.clone()),
            accounts: Accounts::new(self.store.clone(), clock.clone()).opening_with(secrets, env),
            warmth: Mutex::default(),
            clock,
            ..self
        }
    }

    /// Brings the metrics of what is in use up to date.
    pub(crate) fn note_use(&self) {
        for (resource, capacity, taken) in self.admission.usage() {
            self.metrics.note_use(resource, capacity.into(), taken as u64);
        }
        let Capacity { descriptors, instances, .. } = self.admission.capacity();
        let live = self.registry.engine().instances_in_use();
        self.metrics.note_use("instances", instances.into(), live);
        // Unknown where the system does not tell.
        if let Some(open) = machine::open_descriptors() {
            self.metrics.note_use("descriptors", descriptors.into(), open.into());
        }
        let kibibytes = self.buffer_kibibytes;
        let held = kibibytes.saturating_sub(self.buffers.available_permits());
        self.metrics.note_use("buffered_bytes", kibibytes as u64 * 1024, held as u64 * 1024);
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
    /// What clients name by URL is fetched by it, if at all.
    pub(crate) media: Option<Fetcher>,
}

impl Settings {
    /// With the connections that there are, where nothing about them is to change.
    pub(crate) fn new(
        mut config: Config,
        capacity: &Capacity,
        before: Option<&Self>,
    ) -> Result<Self, ClientError> {
        let idle = capacity.idle_per_origin(config.catalog.providers.len());
        config.upstream.pool_max_idle_per_host = config.upstream.pool_max_idle_per_host.min(idle);
        let upstream = match before.filter(|it| it.config.upstream == config.upstream) {
            Some(before) => before.upstream.clone(),
            None => Arc::new(Client::new(&config.upstream)?),
        };
        let media = &config.media;
        let media = media.fetch.then(|| Fetcher::new(media, &config.upstream)).transpose()?;
        Ok(Self { config, upstream, media })
    }
}

/// The conditions that plugins serve under.
pub(crate) fn plugin_options(config: &Config) -> RegistryOptions {
    let plugins = &config.plugins;
    let used = |id: &str| config.catalog.providers.values().any(|it| it.adapter == id);
    let idle = embedded::ADAPTERS.iter().filter(|id| !used(id));
    let setups = plugins
        .options
        .iter()
        .map(|(id, options)| (id.clone(), Setup { options: options.clone(), ..Setup::default() }));
    RegistryOptions {
        directory: plugins.directory.clone(),
        grants: plugins.grants.clone(),
        replaceable_providers: plugins.replace.clone(),
        idle: idle.map(|id| (*id).to_owned()).collect(),
        setups: setups.collect(),
        check: upstream::check,
    }
}
