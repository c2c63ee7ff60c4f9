//! The real program, for what only a process of its own shows.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The binary `plugway`, built as these tests were, once per process: a run of this
/// package's tests alone would find an old one, or none.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        // Of the whole workspace, as the tests are: `-p` would choose other features.
        build.args(["build", "--release", "--quiet", "--bin", "plugway"]);
        build.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        // What cargo says of this test is no news to build scripts that look at it.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let of_test = ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"];
            if of_test.iter().any(|of_test| text.starts_with(of_test)) {
                build.env_remove(&name);
            }
        }
        assert!(build.status().unwrap().success(), "the binary does not build");
        // The tests are in `deps` beside it.
        let own = std::env::current_exe().unwrap();
        own.parent().and_then(Path::parent).unwrap().join("plugway")
    })
}
