//! Builds this workspace's guests to WebAssembly components, for build scripts
//! and tests: a nested cargo with a target directory and an environment of its
//! own, so that neither the outer build's lock nor its flags reach the guests.

mod graft;

pub use graft::graft;

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What guests are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// What the outer cargo (or clippy) sets for itself and a guest must not inherit.
const FOREIGN: [&str; 4] =
    ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "RUSTC_WRAPPER"];

/// Which components to build.
#[derive(Clone, Copy, Debug)]
pub enum Guest<'a> {
    /// The library of this workspace package.
    Package(&'a str),
    /// Every `[[example]]` of this workspace package.
    Examples(&'a str),
}

/// One component on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Name of the cargo target, with `-` for `_`: what the file would be called
    /// in the plugins directory.
    pub name: String,
    /// Absolute.
    pub path: PathBuf,
}

/// Why there are no components.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The toolchain cannot compile for the guests' target.
    #[error("the target {TARGET} is not installed; run `rustup target add {TARGET}`")]
    TargetMissing,
    /// No workspace above the package that asks.
    #[error(
        "no workspace with a `wit` directory above {0}; call this from a package's build or test"
    )]
    NoWorkspace(PathBuf),
    /// A tool did not start, or its output broke off.
    #[error("cannot run `{program}`: {error}")]
    Run {
        /// What was to run.
        program: String,
        /// Why it did not.
        error: io::Error,
    },
    /// The nested cargo failed; its own messages are on stderr.
    #[error("building the guests failed ({0}); the compiler's messages are above")]
    Failed(String),
}

/// [`build`] for build scripts: also tells the outer cargo when to run again.
///
/// # Errors
/// As [`build`].
pub fn build_and_watch(guests: &[Guest<'_>]) -> Result<Vec<Component>, Error> {
    let built = run(guests)?;
    let mut out = io::stdout().lock();
    for path in &built.sources {
        // A closed stdout means that nobody asked to be told.
        let _ = writeln!(out, "cargo::rerun-if-changed={}", path.display());
    }
    Ok(built.components)
}

/// Builds the guests with the profile `guest`; where nothing changed, a fraction
/// of a second. Blocks while another build of guests is under way. Sorted by name.
///
/// # Errors
/// When the target is not installed, or a guest does not compile.
pub fn build(guests: &[Guest<'_>]) -> Result<Vec<Component>, Error> {
    Ok(run(guests)?.components)
}

/// What the nested builds reported.
#[derive(Default)]
struct Built {
    components: Vec<Component>,
    /// Directories and files that the components are made from.
    sources: BTreeSet<PathBuf>,
}

fn run(guests: &[Guest<'_>]) -> Result<Built, Error> {
    require_target()?;
    let root = workspace_root()?;
    let mut built = Built::default();
    for file in ["wit", "Cargo.toml", "Cargo.lock"] {
        built.sources.insert(root.join(file));
    }
    // Libraries and examples in two builds: cargo's target flags hold for all
    // packages of one.
    let libraries = guests.iter().filter_map(|guest| match guest {
        Guest::Package(name) => Some(*name),
        Guest::Examples(_) => None,
    });
    let examples = guests.iter().filter_map(|guest| match guest {
        Guest::Examples(name) => Some(*name),
        Guest::Package(_) => None,
    });
    cargo(&root, "--lib", &libraries.collect::<Vec<_>>(), &mut built)?;
    cargo(&root, "--examples", &examples.collect::<Vec<_>>(), &mut built)?;
    built.components.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(built)
}

fn cargo(root: &Path, kind: &str, packages: &[&str], built: &mut Built) -> Result<(), Error> {
    if packages.is_empty() {
        return Ok(());
    }
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&program);
    command
        .current_dir(root)
        .args(["build", "--profile", "guest", "--target", TARGET, kind])
        .arg("--message-format=json-render-diagnostics")
        .arg("--target-dir")
        .arg(target_directory(root))
        .stderr(Stdio::inherit());
    for package in packages {
        command.args(["-p", package]);
    }
    for variable in FOREIGN {
        command.env_remove(variable);
    }
    let output = command.output().map_err(|error| not_run(&program, error))?;
    if !output.status.success() {
        return Err(Error::Failed(output.status.to_string()));
    }
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Ok(message) = serde_json::from_str::<Value>(line) {
            built.note(root, packages, &message);
        }
    }
    Ok(())
}

impl Built {
    /// Takes in one of cargo's messages, if it is about a finished artifact.
    fn note(&mut self, root: &Path, packages: &[&str], message: &Value) {
        if message["reason"] != "compiler-artifact" {
            return;
        }
        let directory = message["manifest_path"].as_str().and_then(|path| Path::new(path).parent());
        let Some(directory) = directory.filter(|directory| directory.starts_with(root)) else {
            return;
        };
        self.sources.insert(directory.to_path_buf());
        // `path+file:///...#name@version`, or `path+file:///.../name#version`.
        let id = message["package_id"].as_str().unwrap_or_default();
        if !packages.iter().any(|name| names(id, name)) {
            return;
        }
        let files = message["filenames"].as_array().into_iter().flatten();
        let Some(path) = files.filter_map(Value::as_str).find(|path| path.ends_with(".wasm"))
        else {
            return;
        };
        let name = message["target"]["name"].as_str().unwrap_or_default().replace('_', "-");
        self.components.push(Component { name, path: PathBuf::from(path) });
    }
}

/// Whether cargo's package id is that of the package `name`.
fn names(id: &str, name: &str) -> bool {
    let (source, version) = id.split_once('#').unwrap_or((id, ""));
    match version.split_once('@') {
        Some((named, _)) => named == name,
        None => source.rsplit('/').next() == Some(name),
    }
}

/// The directory above the asking package that holds the contract.
fn workspace_root() -> Result<PathBuf, Error> {
    let start = match env::var_os("CARGO_MANIFEST_DIR") {
        Some(directory) => PathBuf::from(directory),
        None => env::current_dir().map_err(|error| not_run(&".".into(), error))?,
    };
    let root = start.ancestors().find(|path| path.join("wit/worlds.wit").is_file());
    root.map(Path::to_path_buf).ok_or(Error::NoWorkspace(start))
}

fn target_directory(root: &Path) -> PathBuf {
    let outer = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    root.join(outer).join("guests")
}

fn require_target() -> Result<(), Error> {
    let program = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(&program)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| not_run(&program, error))?;
    let directory = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && Path::new(&directory).is_dir() {
        Ok(())
    } else {
        Err(Error::TargetMissing)
    }
}

fn not_run(program: &OsString, error: io::Error) -> Error {
    Error::Run { program: program.to_string_lossy().into_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn package_ids_are_told_apart() {
        let check = |id, name, expected| assert_eq!(names(id, name), expected, "{id} {name}");
        check(
            "path+file:///x/plugins/openai#plugway-plugin-openai@0.1.0",
            "plugway-plugin-openai",
            true,
        );
        check("path+file:///x/plugins/openai#plugway-plugin-openai@0.1.0", "openai", false);
        check("path+file:///x/strategy-minimal#0.1.0", "strategy-minimal", true);
        check("path+file:///x/strategy-minimal#0.1.0", "minimal", false);
    }
}
