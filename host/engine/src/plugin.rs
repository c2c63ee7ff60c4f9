//! From the bytes of a component to a plugin that can be called: size, compiled
//! code, kind, grants, imports, first call, in this order.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::adapter::Adapter;
use crate::bindings::adapter::plugway::host::{log, sealed};
use crate::engine::Engine;
use crate::error::{LoadError, LoadErrorKind, chain};
use crate::grants::{self, Grants, PluginKind};
use crate::log::Pace;
use crate::sandbox::{Hosts, State};
use crate::strategy::Strategy;
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
}

impl Identity {
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

/// Loads a component; see [`Engine::load`].
pub(crate) fn load(
    engine: &Engine,
    id: &str,
    wasm: &[u8],
    grants: &Grants,
) -> Result<Plugin, LoadError> {
    let digest = digest(wasm);
    let refused =
        |cause| LoadError { plugin: id.to_owned(), digest: short(&digest).to_owned(), cause };
    let limit = engine.limits().max_component_bytes;
    if wasm.len() > limit {
        return Err(refused(LoadErrorKind::TooLarge { size: wasm.len(), limit }));
    }
    let component = engine
        .compile(&digest, wasm)
        .map_err(|error| refused(LoadErrorKind::Invalid(chain(&error))))?;
    let kind = grants::kind(&component).map_err(refused)?;
    grants::check(id, kind, &component, grants).map_err(refused)?;
    let contract = |error| refused(LoadErrorKind::Contract(chain(&error)));
    let instance = link(&component).map_err(contract)?;
    let pace = Pace::default();
    let identity = Arc::new(Identity { id: id.to_owned(), digest: digest.clone(), pace });
    match kind {
        PluginKind::Adapter => {
            let unproven =
                Adapter::link(engine.clone(), identity, instance, grants).map_err(contract)?;
            let adapter =
                unproven.prove().map_err(|e| refused(LoadErrorKind::FirstCall(Box::new(e))))?;
            Ok(Plugin::Adapter(Arc::new(adapter)))
        }
        PluginKind::Strategy => {
            let strategy = Strategy::new(engine.clone(), identity, instance).map_err(contract)?;
            Ok(Plugin::Strategy(Arc::new(strategy)))
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
