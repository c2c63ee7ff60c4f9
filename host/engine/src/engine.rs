//! The one wasmtime engine of the process: its settings, its pools and the clock
//! that stops plugins which run too long.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use wasmtime::component::Component;
use wasmtime::{Config, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::cache::{self, CodeCache};
use crate::compile::{Compiler, Places};
use crate::error::{Error, LoadError, LoadErrorKind};
use crate::grants::Grants;
use crate::inspect::Shape;
use crate::limits::{Limits, MAX_MEMORIES, MAX_TABLES, TICK};
use crate::machine;
use crate::plugin::{self, Plugin};

/// Compiles and runs plugins. Cheap to clone; the pools and the clock's thread
/// live until the last clone and the last plugin are gone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    wasmtime: wasmtime::Engine,
    instances: u32,
    limits: Arc<Limits>,
    cache: Option<CodeCache>,
    compiler: Compiler,
    places: Places,
    /// By digest: the same bytes under two names, or under other conditions, are
    /// neither compiled nor held twice.
    in_use: Mutex<HashMap<String, Weak<Code>>>,
}

/// What is kept of a component: enough to run it under any conditions.
pub(crate) struct Code {
    /// SHA-256 of the component in hexadecimal.
    pub(crate) digest: String,
    pub(crate) shape: Shape,
    pub(crate) component: Component,
}

/// Fewer instances than this are not worth running with.
const MIN_INSTANCES: u32 = 16;

/// Core instances, memories and tables per instance on average. A component from
/// Rust needs 4, 1 and 2; the pools are common, so one that needs more takes the
/// share of others.
const CORE_INSTANCES: u32 = 4;
const TABLES: u32 = 2;

/// Tables that one core module may define.
const MAX_TABLES_PER_MODULE: u32 = 4;

/// Host memory of one instance's own bookkeeping, bytes.
const MAX_INSTANCE_SIZE: usize = 2 << 20;

impl Engine {
    /// Starts an engine that compiles in this process: for plugins that are trusted.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn new(limits: Limits, cache_dir: Option<PathBuf>) -> Result<Self, Error> {
        Self::start(limits, cache_dir, Compiler::InProcess)
    }

    /// Starts the engine. `cache_dir` keeps compiled code from one start to the
    /// next; it becomes private to this user, and where it cannot, nothing is
    /// cached.
    ///
    /// # Errors
    /// When the machine cannot hold even the smallest pools.
    pub fn start(
        limits: Limits,
        cache_dir: Option<PathBuf>,
        compiler: Compiler,
    ) -> Result<Self, Error> {
        let (wasmtime, instances) = with_pools(&limits)?;
        let cache = cache_dir.and_then(|directory| {
            let cache = CodeCache::open(&directory, &wasmtime);
            cache
                .inspect_err(|error| {
                    let directory = directory.display();
                    tracing::warn!(%directory, %error, "compiled plugins are not cached");
                })
                .ok()
        });
        tick(wasmtime.weak())?;
        let places = Places::new(limits.max_compiles);
        let (limits, in_use) = (Arc::new(limits), Mutex::default());
        let shared = Shared { wasmtime, instances, limits, cache, compiler, places, in_use };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Looks at a component, compiles it (or finds it compiled), links and tries it.
    /// `id` is its name in errors, logs and configuration. Takes up to seconds of
    /// processor time: not for a thread that serves.
    ///
    /// # Errors
    /// When the component is not to be run, with the reason and a remedy.
    pub fn load(&self, id: &str, wasm: &[u8], grants: &Grants) -> Result<Plugin, LoadError> {
        plugin::load(self, id, wasm, grants, |_| Ok(()))
    }

    /// The bounds that plugins run under.
    pub fn limits(&self) -> &Arc<Limits> {
        &self.shared.limits
    }

    /// Instances that the pools hold, at most [`Limits::max_instances`]; one that
    /// needs more than its share leaves less to others.
    pub fn instances(&self) -> u32 {
        self.shared.instances
    }

    /// Plugin instances alive now, warm ones included.
    pub fn instances_in_use(&self) -> u64 {
        let pools = self.shared.wasmtime.pooling_allocator_metrics();
        pools.map_or(0, |pools| pools.component_instances())
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.shared.wasmtime
    }

    /// The code of a component that was looked at: in use already, or compiled
    /// before, or compiled now.
    pub(crate) fn code(
        &self,
        digest: &str,
        shape: Shape,
        wasm: &[u8],
    ) -> Result<Arc<Code>, LoadErrorKind> {
        if let Some(code) = self.in_use(digest) {
            return Ok(code);
        }
        let component = self.find_or_compile(digest, wasm)?;
        let code = Arc::new(Code { digest: digest.to_owned(), shape, component });
        let mut in_use = self.shared.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.retain(|_, code| code.strong_count() > 0);
        in_use.insert(digest.to_owned(), Arc::downgrade(&code));
        Ok(code)
    }

    fn in_use(&self, digest: &str) -> Option<Arc<Code>> {
        let in_use = self.shared.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.get(digest).and_then(Weak::upgrade)
    }

    fn find_or_compile(&self, digest: &str, wasm: &[u8]) -> Result<Component, LoadErrorKind> {
        let Shared { wasmtime, limits, cache, compiler, places, .. } = &*self.shared;
        if let Some(component) = cache.as_ref().and_then(|cache| cache.get(wasmtime, digest)) {
            return Ok(component);
        }
        let compiled = compiler.compile(wasmtime, places, limits, wasm)?;
        let component = cache::load(wasmtime, &compiled)
            .map_err(|error| LoadErrorKind::Invalid(crate::error::chain(&error)))?;
        if let Some(Err(error)) = cache.as_ref().map(|cache| cache.put(digest, &compiled)) {
            let digest = plugin::short(digest);
            tracing::warn!(digest, %error, "a compiled plugin is not cached");
        }
        Ok(component)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("limits", &self.shared.limits).finish_non_exhaustive()
    }
}

/// Makes the pools as large as the limits and the machine allow: first by what
/// Linux says of its mappings, then by trying, for the address space.
fn with_pools(limits: &Limits) -> Result<(wasmtime::Engine, u32), Error> {
    let fitting = machine::instances_within_mappings();
    let mut instances =
        limits.max_instances.min(fitting).max(MIN_INSTANCES.min(limits.max_instances));
    loop {
        match wasmtime::Engine::new(&config(limits, instances)) {
            Ok(engine) => {
                if instances < limits.max_instances {
                    let wanted = limits.max_instances;
                    tracing::warn!(instances, wanted, "this machine holds fewer plugin instances");
                }
                return Ok((engine, instances));
            }
            Err(_) if instances / 2 >= MIN_INSTANCES => instances /= 2,
            Err(error) => {
                return Err(Error::Start(format!(
                    "{instances} plugin instances do not fit the address space, see `ulimit -v` \
                     ({})",
                    crate::error::chain(&error)
                )));
            }
        }
    }
}

fn config(limits: &Limits, instances: u32) -> Config {
    let page = 64 << 10;
    let mut pools = PoolingAllocationConfig::new();
    pools
        .total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(TABLES))
        .total_stacks(0)
        .max_core_instances_per_component(
            u32::try_from(limits.max_core_instances).unwrap_or(u32::MAX),
        )
        .max_memories_per_component(u32::try_from(MAX_MEMORIES).unwrap_or(u32::MAX))
        .max_tables_per_component(u32::try_from(MAX_TABLES).unwrap_or(u32::MAX))
        .max_tables_per_module(MAX_TABLES_PER_MODULE)
        .max_core_instance_size(MAX_INSTANCE_SIZE)
        .max_component_instance_size(MAX_INSTANCE_SIZE)
        .max_memory_size(limits.max_memory_bytes.next_multiple_of(page))
        .table_elements(limits.max_table_elements)
        // Keeping memory for the next instance costs more than clearing it.
        .linear_memory_keep_resident(0);
    let mut config = code_settings();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pools));
    config
}

/// An engine that compiles for [`Engine`]'s, and runs nothing: it has no pools.
pub(crate) fn for_compiling() -> wasmtime::Result<wasmtime::Engine> {
    wasmtime::Engine::new(&code_settings())
}

/// What the code depends on: the same for who compiles and who runs.
fn code_settings() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        // One thread per component, although wasmtime could take all of them:
        // loading must not take the machine from traffic.
        .parallel_compilation(false)
        .concurrency_support(false)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_tail_call(false);
    config
}

/// Starts the thread that lets time pass for plugins. An OS thread, because a
/// timer of the async runtime can be starved by the very guest it should stop.
fn tick(engine: EngineWeak) -> Result<(), Error> {
    let run = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    thread::Builder::new()
        .name("plugin-clock".to_owned())
        .spawn(run)
        .map(drop)
        .map_err(|error| Error::Start(format!("no thread for the plugins' clock: {error}")))
}
