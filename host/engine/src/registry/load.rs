//! From a file that was found to a plugin that serves, or to a refusal that shows:
//! on a few threads that give way to traffic.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Instant;

use super::{Embedded, Files, Live, RegistryOptions, Shared};
use crate::compile::give_way;
use crate::directory::{Found, Unread};
use crate::engine::{Code, Engine};
use crate::error::Error;
use crate::grants::PluginKind;
use crate::plugin::{self, Plugin};
use crate::status::{RefusedFile, Source};

/// A find to be loaded.
pub(super) struct Job {
    pub(super) found: Found,
    /// Its number.
    pub(super) find: u64,
    /// Its place in the line.
    pub(super) place: u64,
    /// Also if the same bytes were refused before.
    pub(super) again: bool,
    /// Told what it came to.
    pub(super) done: Vec<Sender<(String, Loaded)>>,
}

/// What a find came to.
#[derive(Clone, Debug)]
pub(super) enum Loaded {
    /// It serves.
    Serving,
    /// What serves is the same.
    Unchanged,
    /// It was refused, for this reason.
    Refused(String),
    /// It is no longer what was found.
    Changing,
}

/// The threads that load. Dropping this ends them, each after what it is at, and
/// waits for none.
pub(super) struct Loaders {
    shared: Arc<Shared>,
}

impl Loaders {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Self, Error> {
        let loaders = Self { shared: Arc::clone(shared) };
        for _ in 0..shared.engine.limits().max_compiles.max(1) {
            let shared = Arc::clone(shared);
            let run = move || {
                give_way();
                while let Some((id, job)) = shared.next_job() {
                    shared.load(&id, &job);
                }
            };
            thread::Builder::new()
                .name("plugin-load".to_owned())
                .spawn(run)
                .map_err(|error| Error::Start(format!("no thread to load plugins: {error}")))?;
        }
        Ok(loaders)
    }
}

impl Drop for Loaders {
    fn drop(&mut self) {
        self.shared.files().ended = true;
        self.shared.work.notify_all();
    }
}

impl Shared {
    /// Waits for work; none at the end.
    fn next_job(&self) -> Option<(String, Job)> {
        let files = self.files();
        let idle = |files: &mut Files| files.waiting.is_empty() && !files.ended;
        let files = self.work.wait_while(files, idle);
        let mut files = files.unwrap_or_else(PoisonError::into_inner);
        if files.ended {
            return None;
        }
        let next = files.waiting.iter().min_by_key(|(_, job)| job.place)?.0.clone();
        let job = files.waiting.remove(&next)?;
        Some((next, job))
    }

    fn load(&self, id: &str, job: &Job) {
        let loaded = loop {
            let options = Arc::clone(&self.files().options);
            let began = Instant::now();
            let outcome = self.contain(id, || self.read_and_load(id, job, &options));
            if let Some(loaded) = self.settle(id, job, &options, outcome, began) {
                break loaded;
            }
        };
        for done in &job.done {
            // Nobody has to wait.
            let _ = done.send((id.to_owned(), loaded.clone()));
        }
    }

    /// A defect that these bytes bring to light costs them, not the thread.
    fn contain(&self, id: &str, load: impl FnOnce() -> Outcome) -> Outcome {
        panic::catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|_| {
            let reason = "loading it failed by a defect of the router, see the log; build it \
                          otherwise, and report the file"
                .to_owned();
            let (file, digest) = (self.file_of(id), None);
            Outcome::Refused(RefusedFile { file, digest, reason, is_passing: false })
        })
    }

    /// Reads the file once, and loads what was read.
    fn read_and_load(&self, id: &str, job: &Job, options: &RegistryOptions) -> Outcome {
        let file = self.file_of(id);
        let refuse = |reason, digest, is_passing| {
            Outcome::Refused(RefusedFile { file: file.clone(), digest, reason, is_passing })
        };
        let read = match &job.found {
            Ok(stamp) => stamp.read(self.engine.limits().max_component_bytes),
            Err(reason) => Err(Unread::ForGood(reason.clone())),
        };
        let wasm = match read {
            Ok(wasm) => wasm,
            Err(Unread::Changing) => return Outcome::Changing,
            Err(Unread::ForNow(reason)) => return refuse(reason, None, true),
            Err(Unread::ForGood(reason)) => return refuse(reason, None, false),
        };
        let digest = plugin::digest(&wasm);
        if let Some(known) = self.known_outcome(id, &digest, job.again) {
            return known;
        }
        match self.load_file(id, &wasm, options) {
            Ok(live) => Outcome::Good { live, file: file.clone() },
            Err((reason, is_passing)) => refuse(reason, Some(digest), is_passing),
        }
    }

    /// What the same bytes came to before, where it would be the same now.
    fn known_outcome(&self, id: &str, digest: &str, again: bool) -> Option<Outcome> {
        let slots = self.slots.load();
        let slot = slots.get(id)?;
        let serves = slot.live.as_ref().is_some_and(|live| live.digest() == digest);
        if serves && matches!(slot.source, Source::File(_)) {
            return Some(Outcome::Unchanged);
        }
        let refusal = slot.refused.as_ref()?;
        let same = refusal.digest.as_deref() == Some(digest) && !again && !refusal.is_passing;
        same.then(|| Outcome::Refused(refusal.clone()))
    }

    /// Loads one file, under the conditions that an embedded plugin of the same
    /// name sets. The error says whether another try may end otherwise.
    fn load_file(
        &self,
        id: &str,
        wasm: &[u8],
        options: &RegistryOptions,
    ) -> Result<Live, (String, bool)> {
        let embedded = self.files().embedded_kind(id);
        if embedded == Some(PluginKind::Adapter) && !options.replaceable_providers.contains(id) {
            return Err((not_replaceable(id), false));
        }
        let live = load(&self.engine, id, wasm, options)
            .map_err(|error| (error.to_string(), error.is_passing()))?;
        match embedded {
            Some(kind) if kind != live.kind() => {
                let reason = format!(
                    "it is a {}, but the embedded `{id}` is a {kind}; rename the file",
                    live.kind()
                );
                Err((reason, false))
            }
            _ => Ok(live),
        }
    }

    /// Acts on an outcome, unless the file has been found otherwise since. None:
    /// the conditions have changed meanwhile, and it has to be loaded once more.
    fn settle(
        &self,
        id: &str,
        job: &Job,
        options: &Arc<RegistryOptions>,
        outcome: Outcome,
        began: Instant,
    ) -> Option<Loaded> {
        let mut files = self.files();
        let is_current = Arc::ptr_eq(&files.options, options);
        let Some(known) = files.known.get_mut(id).filter(|known| known.find == job.find) else {
            return Some(Loaded::Changing);
        };
        if !is_current {
            return None;
        }
        known.is_loading = false;
        Some(match outcome {
            Outcome::Good { live, file } => {
                let digest = plugin::short(live.digest());
                let took = began.elapsed();
                let load_ms = took.as_millis() as u64;
                tracing::info!(plugin = id, digest, file = %file.display(), load_ms, "plugin serves");
                self.serve(id, live, Source::File(file), took, &mut files);
                Loaded::Serving
            }
            Outcome::Unchanged => {
                self.update(|slots| {
                    if let Some(slot) = slots.get_mut(id) {
                        slot.refused = None;
                    }
                });
                Loaded::Unchanged
            }
            // The next look finds it new.
            Outcome::Changing => {
                known.forget();
                Loaded::Changing
            }
            Outcome::Refused(refusal) => {
                if refusal.is_passing {
                    known.put_off();
                }
                let reason = refusal.reason.clone();
                self.tell(id, &refusal);
                self.refuse(id, refusal, &mut files);
                Loaded::Refused(reason)
            }
        })
    }

    /// Logs a refusal, unless it is the one that was logged last.
    fn tell(&self, id: &str, refusal: &RefusedFile) {
        let slots = self.slots.load();
        if slots.get(id).and_then(|slot| slot.refused.as_ref()) == Some(refusal) {
            return;
        }
        let RefusedFile { file, digest, reason, .. } = refusal;
        let digest = digest.as_deref().map(plugin::short);
        tracing::error!(plugin = id, file = %file.display(), digest, error = reason, "plugin refused");
    }
}

/// What loading came to, before anyone knows of it.
enum Outcome {
    Good { live: Live, file: PathBuf },
    Unchanged,
    Changing,
    Refused(RefusedFile),
}

pub(super) fn not_replaceable(id: &str) -> String {
    format!(
        "the embedded adapter `{id}` may be replaced only where the configuration says so: \
         `replace = true` under [plugins.{id}]"
    )
}

/// Loads a plugin and, if it is a strategy, opens it.
fn load(engine: &Engine, id: &str, wasm: &[u8], options: &RegistryOptions) -> Result<Live, Error> {
    let grants = options.grants.get(id).cloned().unwrap_or_default();
    open(plugin::load(engine, id, wasm, &grants, options.check)?, id, options)
}

/// Loads what was loaded before under other conditions.
pub(super) fn reload(
    engine: &Engine,
    id: &str,
    code: &Arc<Code>,
    options: &RegistryOptions,
) -> Result<Live, Error> {
    let grants = options.grants.get(id).cloned().unwrap_or_default();
    open(plugin::reload(engine, id, code, &grants, options.check)?, id, options)
}

fn open(plugin: Plugin, id: &str, options: &RegistryOptions) -> Result<Live, Error> {
    match plugin {
        Plugin::Adapter(adapter) => Ok(Live::Adapter(adapter)),
        Plugin::Strategy(strategy) => {
            let setup = options.setups.get(id).cloned().unwrap_or_default();
            Ok(Live::Policy(Arc::new(strategy.open(setup)?)))
        }
    }
}

/// Loads those that are neither idle nor loaded, all at once, each on a thread of its own: a cold start takes as long as
/// its cores allow.
pub(super) fn embedded(
    engine: &Engine,
    bundled: &[Embedded],
    loaded: &BTreeMap<String, Live>,
    options: &RegistryOptions,
) -> Result<BTreeMap<String, Live>, Error> {
    thread::scope(|scope| {
        let loading: Vec<_> = bundled
            .iter()
            .filter(|plugin| !options.idle.contains(plugin.id) && !loaded.contains_key(plugin.id))
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
