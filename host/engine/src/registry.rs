//! Who serves now: the embedded plugins, overlaid by the plugins directory. A
//! request takes an `Arc` and keeps it, whatever is swapped meanwhile.
//!
//! ```text
//! scan        what changed in the directory since the last look   (scan)
//! load        read, look, compile, link, try: on niced threads    (load)
//! swap        the new one serves; the old one ends with its last request
//! ```
//!
//! Whatever fails on the way leaves the last good plugin serving, and shows.

mod load;
mod reconfigure;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::adapter::Adapter;
use crate::directory::Identity;
use crate::engine::{Code, Engine};
use crate::error::Error;
use crate::grants::{Grants, PluginKind};
use crate::plugin::RequestCheck;
use crate::status::{PluginState, PluginStatus, RefusedFile, ScanReport, Source};
use crate::strategy::Policy;
use crate::types::Setup;
use load::Loaders;
use scan::Known;

pub(crate) use scan::{Due, SETTLE, Scan};

/// How long the start waits for the directory's plugins: bad ones must not keep the
/// router from serving.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// A plugin that is part of the program.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// The plugin's id.
    pub id: &'static str,
    /// The component.
    pub wasm: &'static [u8],
}

/// What the operator says about plugins.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// Its `*.wasm` overlay the embedded plugins; the file stem is the id.
    pub directory: Option<PathBuf>,
    /// By plugin id; a plugin that is not here gets nothing.
    pub grants: BTreeMap<String, Grants>,
    /// Embedded adapters that a file may replace. Embedded strategies always may
    /// be: they see no prompt and no credential's owner.
    pub replaceable_providers: BTreeSet<String>,
    /// Embedded adapters that nobody uses for now: each is loaded when somebody does,
    /// and stays.
    pub idle: BTreeSet<String>,
    /// By strategy id; one that is not here is opened with the default.
    pub setups: BTreeMap<String, Setup>,
    /// Judges what an adapter encodes in its self-test.
    pub check: RequestCheck,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            directory: None,
            grants: BTreeMap::new(),
            replaceable_providers: BTreeSet::new(),
            idle: BTreeSet::new(),
            setups: BTreeMap::new(),
            check: |_| Ok(()),
        }
    }
}

/// Who serves now. Readers never wait.
pub struct Registry {
    shared: Arc<Shared>,
    _loaders: Loaders,
}

/// What the registry's threads share.
struct Shared {
    engine: Engine,
    directory: Option<PathBuf>,
    slots: ArcSwap<Slots>,
    /// Held while the directory is looked through, so that looks follow each other.
    look: Mutex<()>,
    /// Held for moments: never while anything is read or compiled.
    files: Mutex<Files>,
    /// Told of new work, and of the end.
    work: Condvar,
    /// Why the directory cannot be looked through, or not whole.
    trouble: ArcSwapOption<String>,
}

type Slots = BTreeMap<String, Slot>;

/// What is remembered from scan to scan.
struct Files {
    options: Arc<RegistryOptions>,
    /// All that is part of the program.
    bundled: Arc<[Embedded]>,
    /// Those that were wanted. Kept loaded, so that they can be restored at any time.
    embedded: BTreeMap<String, Live>,
    /// By id, as they were last found.
    known: BTreeMap<String, Known>,
    /// To be loaded, by id: the newest find only, so there are never more than files.
    waiting: BTreeMap<String, load::Job>,
    generations: BTreeMap<String, u64>,
    /// Numbers finds.
    finds: u64,
    /// Which directory was looked through last.
    root: Option<Identity>,
    ended: bool,
}

#[derive(Clone)]
struct Slot {
    live: Option<Live>,
    source: Source,
    generation: u64,
    load_time: Duration,
    refused: Option<RefusedFile>,
}

impl Slot {
    /// A plugin in service.
    fn serving(live: Live, source: Source, generation: u64, load_time: Duration) -> Self {
        Self { live: Some(live), source, generation, load_time, refused: None }
    }
}

#[derive(Clone)]
enum Live {
    Adapter(Arc<Adapter>),
    Policy(Arc<Policy>),
}

impl Registry {
    /// Loads the embedded plugins but for the idle ones, then the directory's. Takes the time of
    /// compiling them where the engine's cache does not have them; of the
    /// directory's, those that take long are loaded while the router serves.
    ///
    /// # Errors
    /// When an embedded plugin does not load, or there is no thread to load on. A
    /// file that does not load is reported in [`Registry::status`].
    pub fn new(
        engine: Engine,
        embedded: Vec<Embedded>,
        options: RegistryOptions,
    ) -> Result<Self, Error> {
        let bundled: Arc<[Embedded]> = embedded.into();
        let embedded = load::embedded(&engine, &bundled, &BTreeMap::new(), &options)?;
        let mut files = Files::new(bundled, embedded, options);
        let slots = files.embedded.clone().into_iter().map(|(id, live)| {
            let generation = files.next_generation(&id);
            (id, Slot::serving(live, Source::Embedded, generation, Duration::ZERO))
        });
        let slots = ArcSwap::from_pointee(slots.collect());
        let directory = files.options.directory.clone();
        let (look, work, trouble) = (Mutex::default(), Condvar::new(), ArcSwapOption::empty());
        let files = Mutex::new(files);
        let shared = Shared { engine, directory, slots, look, files, work, trouble };
        let shared = Arc::new(shared);
        let registry = Self { _loaders: Loaders::start(&shared)?, shared };
        registry.shared.scan(false).wait_at_most(START_PATIENCE);
        Ok(registry)
    }

    /// The adapter that serves under this id.
    pub fn adapter(&self, id: &str) -> Option<Arc<Adapter>> {
        match self.shared.slots.load().get(id)?.live.as_ref()? {
            Live::Adapter(adapter) => Some(Arc::clone(adapter)),
            Live::Policy(_) => None,
        }
    }

    /// The policy of the strategy that serves under this id.
    pub fn policy(&self, id: &str) -> Option<Arc<Policy>> {
        match self.shared.slots.load().get(id)?.live.as_ref()? {
            Live::Policy(policy) => Some(Arc::clone(policy)),
            Live::Adapter(_) => None,
        }
    }

    /// Looks through the directory, loads what changed, and waits for that. Blocks
    /// for as long as compiling takes: call it on a thread that may.
    pub fn rescan(&self) -> ScanReport {
        self.shared.scan(false).wait()
    }

    /// As [`Registry::rescan`], and tries again what was refused before.
    pub fn reload(&self) -> ScanReport {
        self.shared.scan(true).wait()
    }

    /// Lets the plugins serve under other conditions: grants, options, who may be
    /// replaced. The directory stays what it was. All or nothing; blocks.
    ///
    /// # Errors
    /// When a plugin that serves does not load under the new conditions. Then the
    /// old ones hold.
    pub fn reconfigure(&self, options: RegistryOptions) -> Result<(), Error> {
        self.shared.reconfigure(options)
    }

    /// All plugins, by id.
    pub fn status(&self) -> Vec<PluginStatus> {
        self.shared.slots.load().iter().map(|(id, slot)| slot.status(id)).collect()
    }

    /// The directory that is overlaid, if any.
    pub fn directory(&self) -> Option<&Path> {
        self.shared.directory.as_deref()
    }

    /// Why the directory cannot be looked through, or not whole; what was loaded
    /// from it serves on.
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.load().as_deref().cloned()
    }

    /// The engine that runs the plugins.
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    pub(crate) fn shared(&self) -> Arc<impl Scan + use<>> {
        Arc::clone(&self.shared)
    }
}

impl Shared {
    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `live` in service. `files` shows that the caller holds the lock that
    /// all who swap hold.
    fn serve(&self, id: &str, live: Live, source: Source, took: Duration, files: &mut Files) {
        let slot = Slot::serving(live, source, files.next_generation(id), took);
        self.update(|slots| {
            slots.insert(id.to_owned(), slot);
        });
    }

    fn refuse(&self, id: &str, refusal: RefusedFile, _files: &mut Files) {
        self.update(|slots| {
            let source = Source::File(refusal.file.clone());
            let load_time = Duration::ZERO;
            let nothing = Slot { live: None, source, generation: 0, load_time, refused: None };
            slots.entry(id.to_owned()).or_insert(nothing).refused = Some(refusal);
        });
    }

    /// Goes back to the embedded plugin, or to none.
    fn remove(&self, id: &str, files: &mut Files) {
        let Some(live) = files.embedded.get(id).cloned() else {
            return self.update(|slots| {
                slots.remove(id);
            });
        };
        let serves = self.slots.load().get(id).is_some_and(|slot| slot.source == Source::Embedded);
        if serves {
            // The file was never good enough to take over; only its error goes.
            return self.update(|slots| {
                if let Some(slot) = slots.get_mut(id) {
                    slot.refused = None;
                }
            });
        }
        self.serve(id, live, Source::Embedded, Duration::ZERO, files);
    }

    /// Swaps the table.
    fn update(&self, change: impl FnOnce(&mut Slots)) {
        let mut slots = Slots::clone(&self.slots.load());
        change(&mut slots);
        self.slots.store(Arc::new(slots));
    }
}

impl Files {
    fn new(
        bundled: Arc<[Embedded]>,
        embedded: BTreeMap<String, Live>,
        options: RegistryOptions,
    ) -> Self {
        Self {
            options: Arc::new(options),
            bundled,
            embedded,
            known: BTreeMap::new(),
            waiting: BTreeMap::new(),
            generations: BTreeMap::new(),
            finds: 0,
            root: None,
            ended: false,
        }
    }

    /// The kind of the embedded plugin of this id, if there is one.
    fn embedded_kind(&self, id: &str) -> Option<PluginKind> {
        // Only adapters are ever left unloaded.
        let unloaded = || self.bundled.iter().any(|plugin| plugin.id == id);
        let loaded = self.embedded.get(id).map(Live::kind);
        loaded.or_else(|| unloaded().then_some(PluginKind::Adapter))
    }

    fn next_generation(&mut self, id: &str) -> u64 {
        let generation = self.generations.entry(id.to_owned()).or_default();
        *generation += 1;
        *generation
    }
}

impl Slot {
    fn status(&self, id: &str) -> PluginStatus {
        let state = match (&self.live, &self.refused) {
            (None, _) => PluginState::Failed,
            (Some(_), None) => PluginState::Serving,
            (Some(_), Some(_)) => PluginState::Outdated,
        };
        PluginStatus {
            id: id.to_owned(),
            kind: self.live.as_ref().map(Live::kind),
            source: self.source.clone(),
            generation: self.generation,
            load_time: self.load_time,
            skipped: self.live.as_ref().map_or(0, Live::skipped),
            digest: self.live.as_ref().map(Live::digest).unwrap_or_default().to_owned(),
            state,
            refused: self.refused.clone(),
        }
    }
}

impl Live {
    fn kind(&self) -> PluginKind {
        match self {
            Self::Adapter(_) => PluginKind::Adapter,
            Self::Policy(_) => PluginKind::Strategy,
        }
    }

    fn skipped(&self) -> u64 {
        match self {
            Self::Adapter(adapter) => adapter.skipped(),
            Self::Policy(_) => 0,
        }
    }

    fn digest(&self) -> &str {
        &self.code().digest
    }

    fn code(&self) -> &Arc<Code> {
        match self {
            Self::Adapter(adapter) => adapter.code(),
            Self::Policy(policy) => policy.strategy().code(),
        }
    }
}
