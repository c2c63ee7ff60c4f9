//! From the bytes of a component to a plugin that can be called: size, sections,
//! kind, grants, imports, compiled code, self-test, in this order.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use sha2::{Digest as _, Sha256};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::adapter::Adapter;
use crate::bindings::adapter::plugway::host::{log, sealed};
use crate::engine::{Code, Engine};
use crate::error::{LoadError, LoadErrorKind, chain};
use crate::grants::{self, Grants, PluginKind};
use crate::inspect::{Shape, inspect};
use crate::log::Pace;
use crate::sandbox::{Hosts, State};
use crate::strategy::Strategy;
use crate::types::UpstreamRequest;
use crate::wasi;

/// A loaded plugin. Cheap to clone; the compiled code lives as long as the last
/// clone or call.
#[derive(Clone, Debug)]
pub enum Plugin {
    /// Translates for one provider.
    Adapter(Arc<Adapter>),
    /// Orders the endpoints.
    Strategy(Arc<Strategy>),
}

impl Plugin {
    /// The plugin's id: its file stem.
    pub fn id(&self) -> &str {
        match self {
            Self::Adapter(adapter) => adapter.id(),
            Self::Strategy(strategy) => strategy.id(),
        }
    }

    /// SHA-256 of the component in hexadecimal.
    pub fn digest(&self) -> &str {
        match self {
            Self::Adapter(adapter) => adapter.digest(),
            Self::Strategy(strategy) => strategy.digest(),
        }
    }

    /// What it exports.
    pub fn kind(&self) -> PluginKind {
        match self {
            Self::Adapter(_) => PluginKind::Adapter,
            Self::Strategy(_) => PluginKind::Strategy,
        }
    }
}

/// Who a plugin is, for errors and log lines. Shared by all of its instances.
pub(crate) struct Identity {
    pub(crate) id: String,
    /// SHA-256 in hexadecimal.
    pub(crate) digest: String,
    pub(crate) pace: Pace,
    /// What it passed over in answers, since it was loaded.
    pub(crate) skipped: AtomicU64,
}

impl Identity {
    pub(crate) fn new(id: &str, digest: String) -> Self {
        let (pace, skipped) = (Pace::default(), AtomicU64::new(0));
        Self { id: id.to_owned(), digest, pace, skipped }
    }

    pub(crate) fn short_digest(&self) -> &str {
        short(&self.digest)
    }
}

/// As many digits of a digest as people compare.
pub(crate) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Whether the host would send what an adapter encoded; if not, why. The seals of a
/// request are not part of it.
pub type RequestCheck = fn(UpstreamRequest) -> Result<(), String>;

/// Loads a component; see [`Engine::load`]. `check` judges what an adapter would
/// send.
pub(crate) fn load(
    engine: &Engine,
    id: &str,
    wasm: &[u8],
    grants: &Grants,
    check: RequestCheck,
) -> Result<Plugin, LoadError> {
    let digest = digest(wasm);
    let code = || {
        let limit = engine.limits().max_component_bytes;
        if wasm.len() > limit {
            return Err(LoadErrorKind::TooLarge { size: wasm.len(), limit });
        }
        let shape = inspect(wasm)?;
        admit(id, &shape, grants)?;
        engine.code(&digest, shape, wasm)
    };
    code()
        .and_then(|code| bring_up(engine, id, code, grants, check))
        .map_err(|cause| refusal(id, &digest, cause))
}

/// Loads what was loaded before once more, under other conditions.
pub(crate) fn reload(
    engine: &Engine,
    id: &str,
    code: &Arc<Code>,
    grants: &Grants,
    check: RequestCheck,
) -> Result<Plugin, LoadError> {
    bring_up(engine, id, Arc::clone(code), grants, check)
        .map_err(|cause| refusal(id, &code.digest, cause))
}

fn refusal(id: &str, digest: &str, cause: LoadErrorKind) -> LoadError {
    LoadError { plugin: id.to_owned(), digest: short(digest).to_owned(), cause }
}

/// Reads from the outside what a component is and needs, and whether it may.
fn admit(id: &str, shape: &Shape, grants: &Grants) -> Result<PluginKind, LoadErrorKind> {
    let kind = grants::kind(shape)?;
    grants::check(id, kind, shape, grants)?;
    Ok(kind)
}

/// From code to a plugin that was called and did well.
fn bring_up(
    engine: &Engine,
    id: &str,
    code: Arc<Code>,
    grants: &Grants,
    check: RequestCheck,
) -> Result<Plugin, LoadErrorKind> {
    let kind = admit(id, &code.shape, grants)?;
    let contract = |error| LoadErrorKind::Contract(chain(&error));
    let instance = link(&code.component).map_err(contract)?;
    let identity = Arc::new(Identity::new(id, code.digest.clone()));
    match kind {
        PluginKind::Adapter => {
            let unproven = Adapter::link(engine.clone(), identity, code, instance, grants);
            let proven = unproven.map_err(contract)?.prove();
            let (adapter, rehearsed) =
                proven.map_err(|error| LoadErrorKind::SelfTest(Box::new(error)))?;
            rehearsed.map_or(Ok(()), check).map_err(LoadErrorKind::Breach)?;
            Ok(Plugin::Adapter(Arc::new(adapter)))
        }
        PluginKind::Strategy => {
            let strategy = Strategy::new(engine.clone(), identity, code, instance);
            Ok(Plugin::Strategy(Arc::new(strategy.map_err(contract)?)))
        }
    }
}

/// Defines what the component imports, under the very versions that it names:
/// stubbing the rest goes by exact name and would hide a definition under a
/// merely compatible one. Grants were checked before.
fn link(component: &Component) -> wasmtime::Result<InstancePre<State>> {
    let engine = component.engine();
    let mut linker = Linker::<State>::new(engine);
    for (import, item) in component.component_type().imports(engine) {
        let (interface, _) = grants::split(import);
        match interface {
            "plugway:host/log" => {
                let mut instance = linker.instance(import)?;
                log::add_to_linker_instance::<State, Hosts>(&mut instance, |state| state)?;
            }
            "plugway:host/sealed" => {
                let mut instance = linker.instance(import)?;
                sealed::add_to_linker_instance::<State, Hosts>(&mut instance, |state| state)?;
            }
            _ if grants::is_inert_wasi(interface) => {
                let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
                let resources = instance
                    .exports(engine)
                    .filter(|(_, item)| matches!(item.ty, ComponentItem::Resource(_)))
                    .map(|(name, _)| name);
                wasi::link(interface, resources, &mut linker.instance(import)?)?;
            }
            _ => {}
        }
    }
    linker.define_unknown_imports_as_traps(component)?;
    linker.instantiate_pre(component)
}

impl sealed::Host for State {
    /// Only a plugin that was granted content can import this, and to such a one
    /// the host shows the text itself: there are no seals to open.
    fn open(&mut self, _text: String) -> Option<String> {
        None
    }
}
