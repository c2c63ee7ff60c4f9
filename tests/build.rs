//! Builds the components that the tests drop into a running router.

use plugway_guest_build::{Guest, build_and_watch};
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let guests = build_and_watch(&[
        Guest::Package("provider-minimal"),
        Guest::Package("strategy-minimal"),
        Guest::Examples("plugway-test-guests"),
    ])?;
    let mut source = String::from("match name {\n");
    for guest in guests {
        writeln!(source, "    {:?} => include_bytes!({:?}),", guest.name, guest.path)?;
    }
    source.push_str("    _ => panic!(\"no guest named `{name}`\"),\n}\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("guests.rs"), source)?;
    Ok(())
}
