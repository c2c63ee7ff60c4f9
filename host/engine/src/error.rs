//! What can go wrong with a plugin, in terms that name the plugin, its digest and
//! what to do. wasmtime's own error type ends here.

use std::fmt;
use std::time::Duration;

use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

use crate::grants::Ungranted;
use crate::limits::{Exceeded, Limits};
use crate::plugin::Identity;
use crate::spoken;

/// The engine or the registry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sandbox refuses its settings, or the machine cannot hold its pools.
    #[error("cannot start the plugin engine: {0}")]
    Start(String),
    /// A plugin does not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A strategy does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// A component was refused. `Display` names the plugin, its digest and a remedy.
#[derive(Debug, thiserror::Error)]
#[error("plugin `{plugin}` ({digest}) was refused: {cause}")]
pub struct LoadError {
    /// The plugin's id.
    pub plugin: String,
    /// First 12 digits of its SHA-256.
    pub digest: String,
    /// Why.
    pub cause: LoadErrorKind,
}

impl LoadError {
    /// Another try may end otherwise: this machine was at fault, not the component.
    pub fn is_passing(&self) -> bool {
        match &self.cause {
            LoadErrorKind::Compiler(_) => true,
            LoadErrorKind::SelfTest(error) => error.cause == CallErrorKind::NoCapacity,
            _ => false,
        }
    }
}

impl Error {
    /// As [`LoadError::is_passing`].
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Load(error) => error.is_passing(),
            Self::Open(OpenError::Call(error)) => error.cause == CallErrorKind::NoCapacity,
            Self::Open(_) | Self::Start(_) => false,
        }
    }
}

/// Why a component was refused.
#[derive(Debug, thiserror::Error)]
pub enum LoadErrorKind {
    /// Larger than [`Limits::max_component_bytes`].
    #[error("it has {size} bytes, the limit is {limit} (`max_component_bytes`)")]
    TooLarge {
        /// Of the file, bytes.
        size: usize,
        /// The bound, bytes.
        limit: usize,
    },
    /// A WebAssembly module that was never made a component.
    #[error(
        "it is a core module, not a component; build it for wasm32-wasip2, or wrap it with your \
         toolchain's `component new`"
    )]
    CoreModule,
    /// More than is worth compiling.
    #[error("it has {count} {what}, the limit is {limit}; make it smaller")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many were found so far.
        count: u64,
        /// The bound.
        limit: u64,
    },
    /// [`Limits::compile_timeout`].
    #[error(
        "compiling it took longer than {} s (`compile_timeout`); make it smaller, or raise the \
         limit if you trust it", limit.as_secs()
    )]
    CompileTimeout {
        /// The bound.
        limit: Duration,
    },
    /// [`Limits::max_compile_memory_bytes`].
    #[error(
        "compiling it took more memory than {limit_bytes} bytes (`max_compile_memory`); make it \
         smaller, or raise the limit if you trust it"
    )]
    CompileMemory {
        /// The bound, bytes.
        limit_bytes: usize,
    },
    /// The compiler did not do its work: this machine's trouble or a defect of the
    /// compiler's, not known to be the component's.
    #[error("it could not be compiled ({0}); ask for a reload to try again")]
    Compiler(String),
    /// Not a component that this engine can compile.
    #[error(
        "it is no usable WebAssembly component ({0}); build it for wasm32-wasip2, \
         with at most 4 memories and 16 tables"
    )]
    Invalid(String),
    /// It exports nothing that the router calls.
    #[error(
        "it exports neither plugway:provider/provider@0.1 nor plugway:strategy/strategy@0.1; \
         export one of them"
    )]
    NoKind,
    /// It exports a version of the contract that this router does not speak.
    #[error("it exports {export}, but this router speaks 0.1; build it against that version")]
    Version {
        /// As the component spells it.
        export: String,
    },
    /// It exports more than one interface that the router calls: a provider and a
    /// strategy, or one of them in two versions.
    #[error(
        "it exports more than one of the interfaces that the router calls; make a component \
         of each"
    )]
    TwoKinds,
    /// It asks for more than it was granted.
    #[error("it imports what it was not granted: {}", list(.0))]
    Ungranted(Vec<Ungranted>),
    /// An import or export does not have the contract's type.
    #[error("it does not fit the contract ({0}); build it against the contract's version 0.1")]
    Contract(String),
    /// It did not pass the calls that every plugin gets at load.
    #[error("it failed its self-test: {0}; try it with the SDK's testing module")]
    SelfTest(Box<CallError>),
    /// It passed the calls, but what it returned is not what the contract allows.
    #[error("it failed its self-test: {0}; see wit/deps/provider for what is allowed")]
    Breach(String),
}

/// A strategy did not open, or not to a usable policy.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// `open` or the trial question failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The strategy's own sentence on what is wrong with its configuration.
    #[error("strategy `{plugin}` refuses its options: {reason}; see [plugins.{plugin}.options]")]
    Refused {
        /// The plugin's id.
        plugin: String,
        /// Written by the plugin.
        reason: String,
    },
    /// The answer to the trial question names candidates that were not there.
    #[error("strategy `{plugin}` answered a question of 2 candidates with candidate {candidate}")]
    Nonsense {
        /// The plugin's id.
        plugin: String,
        /// The index that it gave.
        candidate: u32,
    },
}

/// A call into a plugin failed: one attempt is lost, nothing else. `Display` is
/// one sentence for the log, without content.
#[derive(Debug, thiserror::Error)]
#[error("plugin `{plugin}` ({digest}), `{export}`: {cause}")]
pub struct CallError {
    /// The plugin's id.
    pub plugin: String,
    /// First 12 digits of its SHA-256.
    pub digest: String,
    /// The export that was called.
    pub export: &'static str,
    /// What stopped it.
    pub cause: CallErrorKind,
    backtrace: Option<Box<str>>,
}

/// What stopped a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallErrorKind {
    /// The plugin's own fault: a panic, an access out of bounds.
    #[error("trapped: {0}")]
    Trap(String),
    /// [`Limits::call_budget`].
    #[error("exceeded its CPU budget of {} ms (`call_budget`)", limit.as_millis())]
    CpuBudget {
        /// The bound.
        limit: Duration,
    },
    /// [`Limits::wall_deadline`].
    #[error("exceeded its deadline of {} ms (`wall_deadline`)", limit.as_millis())]
    WallDeadline {
        /// The bound.
        limit: Duration,
    },
    /// [`Limits::max_memory_bytes`].
    #[error("exceeded its memory of {limit_bytes} bytes (`max_memory_bytes`)")]
    Memory {
        /// The bound, bytes.
        limit_bytes: usize,
    },
    /// [`Limits::max_output_bytes`].
    #[error("exceeded its output of {limit_bytes} bytes (`max_output_bytes`)")]
    OutputTooLarge {
        /// The bound, bytes.
        limit_bytes: usize,
    },
    /// [`Limits::max_events_per_call`].
    #[error("exceeded its output of {limit} events (`max_events_per_call`)")]
    TooManyEvents {
        /// The bound.
        limit: usize,
    },
    /// All instances are in use ([`Limits::max_instances`]): the router's load,
    /// not the plugin's fault.
    #[error("no free instance (`max_instances`)")]
    NoCapacity,
    /// The engine could not make the call.
    #[error("could not be called: {0}")]
    Host(String),
}

impl CallError {
    pub(crate) fn new(identity: &Identity, export: &'static str, cause: CallErrorKind) -> Self {
        let digest = identity.short_digest().to_owned();
        Self { plugin: identity.id.clone(), digest, export, cause, backtrace: None }
    }

    /// Reads what the engine reported, `exceeded` having precedence: what the
    /// meter stopped surfaces as one trap or another.
    pub(crate) fn from_engine(
        identity: &Identity,
        export: &'static str,
        limits: &Limits,
        exceeded: Option<Exceeded>,
        error: &wasmtime::Error,
    ) -> Self {
        let cause = match exceeded {
            Some(Exceeded::CpuBudget) => CallErrorKind::CpuBudget { limit: limits.call_budget },
            Some(Exceeded::WallDeadline) => {
                CallErrorKind::WallDeadline { limit: limits.wall_deadline }
            }
            Some(Exceeded::Memory) => {
                CallErrorKind::Memory { limit_bytes: limits.max_memory_bytes }
            }
            None => cause(limits, error),
        };
        let backtrace = error.downcast_ref::<WasmBacktrace>().map(symbolicate);
        Self { backtrace, ..Self::new(identity, export, cause) }
    }

    /// The plugin's stack, innermost function first, one line each; none where
    /// the call failed outside of the plugin.
    pub fn backtrace(&self) -> Option<&str> {
        self.backtrace.as_deref()
    }
}

fn cause(limits: &Limits, error: &wasmtime::Error) -> CallErrorKind {
    if error.is::<PoolConcurrencyLimitError>() {
        return CallErrorKind::NoCapacity;
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return CallErrorKind::Trap(trap.to_string());
    }
    let text = error.root_cause().to_string();
    // The type of this one is private to wasmtime.
    if text.contains("fuel allocated for hostcalls") {
        return CallErrorKind::OutputTooLarge { limit_bytes: limits.max_output_bytes };
    }
    CallErrorKind::Trap(spoken::sentence(&text))
}

fn symbolicate(backtrace: &WasmBacktrace) -> Box<str> {
    let mut lines = String::new();
    for (depth, frame) in backtrace.frames().iter().enumerate() {
        let names: Vec<&str> =
            frame.symbols().iter().filter_map(wasmtime::FrameSymbol::name).collect();
        let name = match (names.is_empty(), frame.func_name()) {
            (false, _) => spoken::sentence(&names.join(" < ")),
            (true, Some(name)) => spoken::sentence(name),
            (true, None) => format!("function {}", frame.func_index()),
        };
        lines.push_str(&format!("{depth:>3}: {name}\n"));
    }
    lines.into_boxed_str()
}

fn list(imports: &[Ungranted]) -> String {
    let imports: Vec<String> = imports.iter().map(ToString::to_string).collect();
    imports.join("; ")
}

/// The message of an engine error with its causes, for [`LoadErrorKind`]. It may
/// quote the component.
pub(crate) fn chain(error: &wasmtime::Error) -> String {
    struct Causes<'a>(&'a wasmtime::Error);
    impl fmt::Display for Causes<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for (depth, cause) in self.0.chain().enumerate() {
                write!(f, "{}{cause}", if depth == 0 { "" } else { ": " })?;
            }
            Ok(())
        }
    }
    spoken::sentence(&Causes(error).to_string())
}
