//! Builds the first-party plugins to components and embeds them, so that the
//! binary needs no other file.

use plugway_guest_build::{Guest, build_and_watch};
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

/// The plugins that every router brings along.
const PLUGINS: [&str; 5] = [
    "plugway-plugin-anthropic",
    "plugway-plugin-balanced",
    "plugway-plugin-gemini",
    "plugway-plugin-openai",
    "plugway-plugin-price",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let plugins = build_and_watch(&PLUGINS.map(Guest::Package))?;
    let mut source = String::from("&[\n");
    for plugin in plugins {
        let (name, path) = (plugin.name, plugin.path);
        writeln!(source, "    Embedded {{ id: {name:?}, wasm: include_bytes!({path:?}) }},")?;
    }
    source.push_str("]\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("embedded.rs"), source)?;
    Ok(())
}
