//! A real component with something changed is loaded or refused, by name; it never
//! takes the process down and never takes long.
//!
//! The input is a script: which component, and whether with its code, then six bytes
//! for each change. Random bytes would not get past the first check, random changes
//! of a real component get everywhere.

#![no_main]

mod binary;
mod change;

use std::sync::OnceLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use plugway_engine::{Engine, Grants, Limits};

use binary::Module;
use change::Change;

/// What the changes begin with.
const COMPONENTS: [&[u8]; 3] = include!(concat!(env!("OUT_DIR"), "/components.rs"));

/// What the first byte of a script holds for a component with its code: to compile
/// it takes so long that most go without.
const WITH_CODE: u8 = 0x70;

/// Changes of one component; further ones are left out.
const MAX_CHANGES: usize = 8;

/// What a refusal may say, in bytes.
const MAX_SENTENCE: usize = 4 * 1024;

fuzz_target!(
    init: {
        // Panics that the engine contains are its business, and no crash.
        let _ = std::panic::take_hook();
        engine();
    },
    |input: &[u8]| {
        let Some((which, script)) = input.split_first() else { return };
        let wasm = changed(*which, script);
        match engine().load("mutant", &wasm, &Grants { content: which & 0x80 != 0 }) {
            Ok(plugin) => {
                assert_eq!(plugin.id(), "mutant");
                assert_eq!(plugin.digest().len(), 64);
            }
            Err(error) => {
                let said = error.to_string();
                assert_eq!(error.plugin, "mutant", "{said}");
                assert_eq!(error.digest.len(), 12, "{said}");
                assert!(said.starts_with("plugin `mutant` ("), "{said}");
                assert!(said.len() <= MAX_SENTENCE && !said.contains('\n'), "{said}");
            }
        }
    }
);

/// The one engine, with limits so small that a change is stopped early.
fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let limits = Limits {
            call_budget: Duration::from_millis(50),
            wall_deadline: Duration::from_secs(2),
            max_memory_bytes: 16 << 20,
            max_component_bytes: 1 << 20,
            max_instances: 16,
            ..Limits::default()
        };
        Engine::new(limits, None).unwrap_or_else(|error| panic!("{error}"))
    })
}

/// The component after the script's changes: first those of its sections, whose
/// lengths are made to fit, then those of its bytes.
fn changed(which: u8, script: &[u8]) -> Vec<u8> {
    static PARSED: OnceLock<Vec<[Module; 2]>> = OnceLock::new();
    let parsed = PARSED.get_or_init(|| {
        let modules = COMPONENTS.iter().map(|component| binary::parse(component));
        modules.map(|module| [module.clone().hollow(), module]).collect()
    });
    let with_code = usize::from(which & WITH_CODE == WITH_CODE);
    let mut module = parsed[usize::from(which & !WITH_CODE) % parsed.len()][with_code].clone();
    let changes: Vec<Change> =
        script.chunks_exact(6).take(MAX_CHANGES).map(Change::from_script).collect();
    for change in &changes {
        change.of_sections(&mut module);
    }
    let mut wasm = module.to_bytes();
    for change in &changes {
        change.of_bytes(&mut wasm);
    }
    wasm
}
