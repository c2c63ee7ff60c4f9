//! Who serves now: the embedded plugins, overlaid by the plugins directory. A
//! request takes an `Arc` and keeps it, whatever is swapped meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::adapter::Adapter;
use crate::directory::{self, Found, Unread};
use crate::engine::Engine;
use crate::error::Error;
use crate::grants::{Grants, PluginKind};
use crate::plugin::{self, Plugin};
use crate::status::{PluginState, PluginStatus, ScanReport, Source};
use crate::strategy::Policy;
use crate::types::Setup;

/// Between two looks at a file that must find it unchanged.
pub(crate) const SETTLE: Duration = Duration::from_millis(50);

/// A plugin that is part of the program.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// The plugin's id.
    pub id: &'static str,
    /// The component.
    pub wasm: &'static [u8],
}

/// What the operator says about plugins.
#[derive(Clone, Debug, Default)]
pub struct RegistryOptions {
    /// Its `*.wasm` overlay the embedded plugins; the file stem is the id.
    pub directory: Option<PathBuf>,
    /// By plugin id; a plugin that is not here gets nothing.
    pub grants: BTreeMap<String, Grants>,
    /// Embedded adapters that a file may replace. Embedded strategies always may
    /// be: they see no prompt and no credential's owner.
    pub replaceable_providers: BTreeSet<String>,
    /// By strategy id; one that is not here is opened with the default.
    pub setups: BTreeMap<String, Setup>,
}

/// Who serves now. Readers never wait; scans wait for each other.
pub struct Registry {
    engine: Engine,
    options: RegistryOptions,
    /// Kept loaded, so that they can be restored at any time.
    embedded: BTreeMap<String, Live>,
    slots: ArcSwap<Slots>,
    /// Held for the length of a scan.
    files: Mutex<Files>,
}

type Slots = BTreeMap<String, Slot>;

/// What scans remember, by id.
#[derive(Default)]
struct Files {
    /// Files as they were when they were last loaded or refused.
    known: BTreeMap<String, Found>,
    generations: BTreeMap<String, u64>,
}

#[derive(Clone)]
struct Slot {
    live: Option<Live>,
    source: Source,
    generation: u64,
    error: Option<String>,
}

#[derive(Clone)]
enum Live {
    Adapter(Arc<Adapter>),
    Policy(Arc<Policy>),
}

impl Registry {
    /// Loads the embedded plugins, then the directory's. Takes the time of
    /// compiling them where the engine's cache does not have them.
    ///
    /// # Errors
    /// When an embedded plugin does not load. A file that does not is reported in
    /// [`Registry::status`].
    pub fn new(
        engine: Engine,
        embedded: Vec<Embedded>,
        options: RegistryOptions,
    ) -> Result<Self, Error> {
        let embedded = load_embedded(&engine, &embedded, &options)?;
        let mut files = Files::default();
        let slots = embedded.iter().map(|(id, live)| {
            let generation = files.next_generation(id);
            let live = Some(live.clone());
            (id.clone(), Slot { live, source: Source::Embedded, generation, error: None })
        });
        let slots = ArcSwap::from_pointee(slots.collect());
        let registry = Self { engine, options, embedded, slots, files: Mutex::new(files) };
        registry.rescan();
        Ok(registry)
    }

    /// The adapter that serves under this id.
    pub fn adapter(&self, id: &str) -> Option<Arc<Adapter>> {
        match self.slots.load().get(id)?.live.as_ref()? {
            Live::Adapter(adapter) => Some(Arc::clone(adapter)),
            Live::Policy(_) => None,
        }
    }

    /// The policy of the strategy that serves under this id.
    pub fn policy(&self, id: &str) -> Option<Arc<Policy>> {
        match self.slots.load().get(id)?.live.as_ref()? {
            Live::Policy(policy) => Some(Arc::clone(policy)),
            Live::Adapter(_) => None,
        }
    }

    /// Looks through the directory and loads what changed. Blocks for as long as
    /// compiling takes, and longer while another scan is under way: call it on a
    /// thread that may.
    pub fn rescan(&self) -> ScanReport {
        let mut report = ScanReport::default();
        let Some(directory) = &self.options.directory else {
            return report;
        };
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match settled(directory, &files.known, &mut report) {
            Ok(found) => self.apply(directory, found, &mut files, &mut report),
            Err(error) => {
                let directory = directory.display();
                tracing::error!(%directory, %error, "the plugins directory cannot be read");
            }
        }
        report
    }

    /// All plugins, by id.
    pub fn status(&self) -> Vec<PluginStatus> {
        self.slots.load().iter().map(|(id, slot)| slot.status(id)).collect()
    }

    /// Runs its plugins.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The directory that is overlaid, if any.
    pub fn directory(&self) -> Option<&Path> {
        self.options.directory.as_deref()
    }

    /// Acts on the difference between what was found and what was known. Files
    /// that are still being written stay as they were known.
    fn apply(
        &self,
        directory: &Path,
        found: BTreeMap<String, Found>,
        files: &mut MutexGuard<'_, Files>,
        report: &mut ScanReport,
    ) {
        let gone: Vec<String> =
            files.known.keys().filter(|id| !found.contains_key(*id)).cloned().collect();
        for id in gone {
            files.known.remove(&id);
            self.remove(&id, files);
            tracing::info!(plugin = id, "plugin file is gone");
            report.removed.push(id);
        }
        for (id, file) in found {
            if report.unsettled.contains(&id) || files.known.get(&id) == Some(&file) {
                continue;
            }
            let path = directory.join(format!("{id}.wasm"));
            let read = match &file {
                Ok(stamp) => stamp.read(self.engine.limits().max_component_bytes),
                Err(reason) => Err(Unread::ForGood(reason.clone())),
            };
            let outcome = match read {
                // Not known: the next scan tries again.
                Err(Unread::Changing) => {
                    report.unsettled.push(id);
                    continue;
                }
                Err(Unread::ForGood(reason)) => Err(reason),
                Ok(wasm) => self.load_file(&id, &wasm),
            };
            files.known.insert(id.clone(), file);
            match outcome {
                Ok(live) => {
                    let digest = plugin::short(live.digest());
                    tracing::info!(plugin = id, digest, "plugin serves");
                    self.serve(&id, live, Source::File(path), files);
                    report.loaded.push(id);
                }
                Err(error) => {
                    tracing::error!(plugin = id, file = %path.display(), error, "plugin refused");
                    self.refuse(&id, path, error.clone());
                    report.failed.push((id, error));
                }
            }
        }
    }

    /// Loads one file, under the conditions that an embedded plugin of the same
    /// name sets.
    fn load_file(&self, id: &str, wasm: &[u8]) -> Result<Live, String> {
        let embedded = self.embedded.get(id).map(Live::kind);
        let named = self.options.replaceable_providers.contains(id);
        if embedded == Some(PluginKind::Adapter) && !named {
            return Err(format!(
                "the embedded adapter `{id}` may be replaced only where the configuration says so: \
                 `replace = true` under [plugins.{id}]"
            ));
        }
        let live =
            load(&self.engine, id, wasm, &self.options).map_err(|error| error.to_string())?;
        match embedded {
            Some(kind) if kind != live.kind() => Err(format!(
                "it is a {}, but the embedded `{id}` is a {kind}; rename the file",
                live.kind()
            )),
            _ => Ok(live),
        }
    }

    fn serve(&self, id: &str, live: Live, source: Source, files: &mut Files) {
        let generation = files.next_generation(id);
        let slot = Slot { live: Some(live), source, generation, error: None };
        self.update(|slots| {
            slots.insert(id.to_owned(), slot);
        });
    }

    fn refuse(&self, id: &str, path: PathBuf, error: String) {
        self.update(|slots| {
            let nothing =
                Slot { live: None, source: Source::File(path), generation: 0, error: None };
            slots.entry(id.to_owned()).or_insert(nothing).error = Some(error);
        });
    }

    /// Goes back to the embedded plugin, or to none.
    fn remove(&self, id: &str, files: &mut Files) {
        let Some(live) = self.embedded.get(id) else {
            return self.update(|slots| {
                slots.remove(id);
            });
        };
        let serves = self.slots.load().get(id).is_some_and(|slot| slot.source == Source::Embedded);
        if serves {
            // The file was never good enough to take over; only its error goes.
            return self.update(|slots| {
                if let Some(slot) = slots.get_mut(id) {
                    slot.error = None;
                }
            });
        }
        self.serve(id, live.clone(), Source::Embedded, files);
    }

    /// Swaps the table. Only scans write, and they hold `files`.
    fn update(&self, change: impl FnOnce(&mut Slots)) {
        let mut slots = Slots::clone(&self.slots.load());
        change(&mut slots);
        self.slots.store(Arc::new(slots));
    }
}

impl Files {
    fn next_generation(&mut self, id: &str) -> u64 {
        let generation = self.generations.entry(id.to_owned()).or_default();
        *generation += 1;
        *generation
    }
}

impl Slot {
    fn status(&self, id: &str) -> PluginStatus {
        let state = match (&self.live, &self.error) {
            (None, _) => PluginState::Failed,
            (Some(_), None) => PluginState::Serving,
            (Some(_), Some(_)) => PluginState::Outdated,
        };
        PluginStatus {
            id: id.to_owned(),
            kind: self.live.as_ref().map(Live::kind),
            source: self.source.clone(),
            generation: self.generation,
            digest: self.live.as_ref().map(Live::digest).unwrap_or_default().to_owned(),
            state,
            last_error: self.error.clone(),
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

    fn digest(&self) -> &str {
        match self {
            Self::Adapter(adapter) => adapter.digest(),
            Self::Policy(policy) => policy.strategy().digest(),
        }
    }
}

/// Loads a plugin and, if it is a strategy, opens it.
fn load(engine: &Engine, id: &str, wasm: &[u8], options: &RegistryOptions) -> Result<Live, Error> {
    let grants = options.grants.get(id).cloned().unwrap_or_default();
    match engine.load(id, wasm, &grants)? {
        Plugin::Adapter(adapter) => Ok(Live::Adapter(adapter)),
        Plugin::Strategy(strategy) => {
            let setup = options.setups.get(id).cloned().unwrap_or_default();
            Ok(Live::Policy(Arc::new(strategy.open(setup)?)))
        }
    }
}

/// Loads all at once, each on a thread of its own: a cold start takes as long as
/// its cores allow.
fn load_embedded(
    engine: &Engine,
    embedded: &[Embedded],
    options: &RegistryOptions,
) -> Result<BTreeMap<String, Live>, Error> {
    thread::scope(|scope| {
        let loading: Vec<_> = embedded
            .iter()
            .map(|plugin| {
                (plugin.id, scope.spawn(|| load(engine, plugin.id, plugin.wasm, options)))
            })
            .collect();
        let loaded = loading.into_iter().map(|(id, thread)| {
            let live = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok((id.to_owned(), live))
        });
        loaded.collect()
    })
}

/// What lies in the directory. Where something differs from what is known, looks
/// again a moment later, and notes as unsettled what has changed meanwhile.
fn settled(
    directory: &Path,
    known: &BTreeMap<String, Found>,
    report: &mut ScanReport,
) -> std::io::Result<BTreeMap<String, Found>> {
    let first = directory::look(directory)?;
    if first == *known {
        return Ok(first);
    }
    thread::sleep(SETTLE);
    let second = directory::look(directory)?;
    let moving = second.iter().filter(|(id, file)| first.get(*id) != Some(file));
    report.unsettled = moving.map(|(id, _)| id.clone()).collect();
    Ok(second)
}
