//! The first-party adapters, built once and loaded into one engine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use plugway_engine::{Adapter, CallContext, Engine, Grants, Limits, Plugin};
use plugway_guest_build::{Guest, build};

/// The adapters whose formats differ most.
pub(crate) const ADAPTERS: [&str; 2] = ["anthropic", "openai"];

/// Those that write what clients write too.
const WRITERS: [&str; 5] = ["anthropic", "gemini", "ollama", "openai", "openrouter"];

pub(crate) const CONTEXT: CallContext = CallContext { seed: 1, now_ms: 1_700_000_000_000 };

/// One of the writers.
pub(crate) fn adapter(name: &str) -> Arc<Adapter> {
    static LOADED: OnceLock<BTreeMap<String, Arc<Adapter>>> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| {
        let guests = WRITERS.map(|name| format!("plugway-plugin-{name}"));
        let guests: Vec<Guest<'_>> = guests.iter().map(|name| Guest::Package(name)).collect();
        let limits = Limits { max_instances: 64, ..Limits::default() };
        let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("code-cache");
        let engine = Engine::new(limits, Some(cache)).unwrap();
        let load = |id: &str, path: PathBuf| {
            let wasm = std::fs::read(path).unwrap();
            match engine.load(id, &wasm, &Grants::default()).unwrap() {
                Plugin::Adapter(adapter) => adapter,
                Plugin::Strategy(_) => panic!("{id} is no adapter"),
            }
        };
        let components = build(&guests).unwrap().into_iter();
        components.map(|it| (it.name.clone(), load(&it.name, it.path))).collect()
    });
    Arc::clone(&loaded[name])
}
