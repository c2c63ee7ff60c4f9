//! Builds the components that the tests drop into a running router, and lists
//! the misbehaving ones for `foreach_guest!`, which wants a test for each.

use plugway_guest_build::{Guest, build_and_watch};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What the folder of examples has for readers to copy.
const EXAMPLES: [&str; 6] = [
    "canary-split",
    "cost-cap",
    "provider-minimal",
    "region-first",
    "strategy-minimal",
    "time-of-day",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let good = build_and_watch(&EXAMPLES.map(Guest::Package))?;
    let bad = build_and_watch(&[Guest::Examples("plugway-test-guests")])?;
    let modules = modules(Path::new("guests/modules"))?;

    let mut source = String::from("match name {\n");
    for guest in good.iter().chain(&bad) {
        writeln!(source, "    {:?} => include_bytes!({:?}),", guest.name, guest.path)?;
    }
    for (name, path) in &modules {
        writeln!(source, "    {name:?} => grafted(include_str!({path:?})),")?;
    }
    source.push_str("    _ => panic!(\"no guest named `{name}`\"),\n}\n");

    let names = bad.iter().map(|guest| &guest.name).chain(modules.iter().map(|(name, _)| name));
    let mut list = String::from("macro_rules! foreach_guest {\n    ($mac:ident) => {\n");
    for name in names {
        writeln!(list, "        $mac!({});", name.replace('-', "_"))?;
    }
    list.push_str("    };\n}\n");

    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out.join("guests.rs"), source)?;
    fs::write(out.join("foreach_guest.rs"), list)?;
    Ok(())
}

/// Names and absolute paths, by name.
fn modules(folder: &Path) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    let mut modules = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path().canonicalize()?;
        let name = path.file_stem().ok_or("a module without a name")?;
        modules.push((name.to_string_lossy().into_owned(), path));
    }
    modules.sort();
    Ok(modules)
}
