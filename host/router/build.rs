//! Builds the first-party plugins to components and embeds them, and lists the
//! catalogue's files, so that the binary needs no other file.

use plugway_guest_build::{Guest, build_and_watch};
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

/// The plugins that every router brings along: adapters, then strategies.
const ADAPTERS: &[&str] = &[
    "plugway-plugin-anthropic",
    "plugway-plugin-azure-openai",
    "plugway-plugin-bedrock",
    "plugway-plugin-cohere",
    "plugway-plugin-deepseek",
    "plugway-plugin-gemini",
    "plugway-plugin-groq",
    "plugway-plugin-mistral",
    "plugway-plugin-ollama",
    "plugway-plugin-openai",
    "plugway-plugin-openai-compatible",
    "plugway-plugin-openrouter",
    "plugway-plugin-perplexity",
    "plugway-plugin-xai",
];
const STRATEGIES: &[&str] = &[
    "plugway-plugin-balanced",
    "plugway-plugin-latency",
    "plugway-plugin-price",
    "plugway-plugin-throughput",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let packages: Vec<_> = ADAPTERS.iter().chain(STRATEGIES).copied().map(Guest::Package).collect();
    let plugins = build_and_watch(&packages)?;
    let mut source = String::from("&[\n");
    for plugin in plugins {
        let (name, path) = (plugin.name, plugin.path);
        writeln!(source, "    Embedded {{ id: {name:?}, wasm: include_bytes!({path:?}) }},")?;
    }
    source.push_str("]\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("embedded.rs"), source)?;
    let ids: Vec<_> = ADAPTERS.iter().filter_map(|it| it.strip_prefix("plugway-plugin-")).collect();
    std::fs::write(out.join("adapters.rs"), format!("&{ids:?}"))?;
    std::fs::write(out.join("offers.rs"), offers()?)?;
    Ok(())
}

/// Name and text of each file of offers, as Rust.
fn offers() -> Result<String, Box<dyn Error>> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?;
    let directory = PathBuf::from(manifest).join("catalog/offers");
    println!("cargo::rerun-if-changed={}", directory.display());
    let files = std::fs::read_dir(directory)?.map(|entry| entry.map(|it| it.path()));
    let mut files = files.collect::<Result<Vec<_>, _>>()?;
    files.sort();
    let mut source = String::from("&[\n");
    for path in files {
        let name = path.file_stem().unwrap_or_default();
        writeln!(source, "    ({name:?}, include_str!({path:?})),")?;
    }
    source.push_str("]\n");
    Ok(source)
}
