//! What each provider's adapter can do, asked of the adapters themselves: a table in the
//! docs that cannot drift.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod answers;
mod asking;
mod features;
mod requests;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use plugway_engine::{Adapter, Engine, Grants, Limits, Plugin};

use asking::{Asking, Cell};
use features::FEATURES;

/// Set to anything: the table is written, not compared.
const WRITE: &str = "PLUGWAY_WRITE_DOCS";

/// What the table stands between.
const BEGIN: &str =
    "<!-- Written by `PLUGWAY_WRITE_DOCS=1 cargo test --release --test providers`. -->\n";
const END: &str = "<!-- End of what is written. -->\n";

#[test]
fn the_table_of_providers_is_what_their_adapters_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/PROVIDERS.md");
    let document = fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).expect("the mark before the table");
    let (_, after) = rest.split_once(END).expect("the mark after the table");
    let written = format!("{before}{BEGIN}\n{}\n{END}{after}", table(&adapters()));
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, written).unwrap();
    } else {
        assert!(document == written, "docs/PROVIDERS.md has drifted: run it with {WRITE}=1");
    }
}

#[test]
fn every_adapter_chats_whole_and_streamed() {
    for adapter in adapters() {
        for feature in FEATURES.iter().take(2) {
            let cell = (feature.ask)(&Asking::of(&adapter));
            assert_eq!(cell, Cell::Yes, "{}: {}", adapter.id(), feature.name);
        }
    }
}

/// The adapters that the router brings along.
fn adapters() -> Vec<Arc<Adapter>> {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-code-cache");
    let engine = Engine::new(Limits::default(), Some(cache)).unwrap();
    let plugins = plugway::FIRST_PARTY.iter();
    let plugins = plugins.map(|it| engine.load(it.id, it.wasm, &Grants::default()).unwrap());
    plugins
        .filter_map(|plugin| match plugin {
            Plugin::Adapter(adapter) => Some(adapter),
            Plugin::Strategy(_) => None,
        })
        .collect()
}

/// A row for each feature, a column for each adapter.
fn table(adapters: &[Arc<Adapter>]) -> String {
    let mut table = String::from("| |");
    for adapter in adapters {
        write!(table, " {} |", adapter.id()).unwrap();
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(adapters.len()));
    table.push('\n');
    for feature in FEATURES {
        write!(table, "| {} |", feature.name).unwrap();
        for adapter in adapters {
            let cell = (feature.ask)(&Asking::of(adapter));
            write!(table, " {} |", cell.word()).unwrap();
        }
        table.push('\n');
    }
    table
}
