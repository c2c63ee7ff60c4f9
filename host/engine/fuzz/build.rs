//! Builds the first-party components that the loader's target changes.

use plugway_guest_build::{Guest, build_and_watch};
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

/// An adapter and two strategies: the smallest, for each compiles anew.
const COMPONENTS: [&str; 3] = ["provider-minimal", "plugway-plugin-price", "strategy-minimal"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut source = String::from("[\n");
    for component in build_and_watch(&COMPONENTS.map(Guest::Package))? {
        writeln!(source, "    include_bytes!({:?}).as_slice(),", component.path)?;
    }
    source.push_str("]\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("components.rs"), source)?;
    Ok(())
}
