//! Everything that touches wasmtime: a plugin goes in as bytes and comes out as
//! an [`Adapter`] or a [`Strategy`] that can be called, bounded in time, memory
//! and output, and that is refused when it asks for more than it was granted.
//!
//! All calls are synchronous and short: no plugin can wait for anything. What a
//! plugin needs is read from its type before it runs, and every call that fails
//! is a [`CallError`] which names plugin, digest, export and limit.

mod adapter;
mod bindings;
mod cache;
mod compile;
mod directory;
mod engine;
mod error;
mod grants;
mod inspect;
mod limits;
mod log;
pub mod machine;
mod offers;
mod plugin;
mod question;
mod registry;
mod rehearsal;
mod sandbox;
mod spoken;
mod status;
mod strategy;
mod types;
mod wasi;
mod watch;

pub use adapter::{Adapter, Attempt, Decoder};
pub use bindings::chat;
pub use compile::{CompileFailed, Compiler, compile_here};
pub use engine::Engine;
pub use error::{CallError, CallErrorKind, Error, LoadError, LoadErrorKind, OpenError};
pub use grants::{Grants, PluginKind, Ungranted};
pub use limits::Limits;
pub use offers::{
    EmbedInput, EmbedRequest, EmbedResponse, EmbeddingsCall, ListedModel, ModelsCall, OFFERS, Page,
    Ranking, RerankCall, RerankRequest, RerankResponse, TokenCountCall,
};
pub use plugin::{Plugin, RequestCheck};
pub use registry::{Embedded, Registry, RegistryOptions};
pub use sandbox::CallContext;
pub use status::{PluginState, PluginStatus, RefusedFile, ScanReport, Source};
pub use strategy::{Policy, Strategy};
pub use types::*;
pub use watch::Watch;
