//! Compiled code from one start to the next, in a directory that only this user
//! can write. The one file of the crate with `unsafe` in it.

use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compile::Compiled;

/// Entries beyond this are deleted, oldest first.
const MAX_ENTRIES: usize = 128;

const SEAL_BYTES: usize = 32;

/// Entries are files `<digest of the component>-<engine settings>.code`: a seal
/// of 32 bytes, then what wasmtime serialized.
pub(crate) struct CodeCache {
    directory: PathBuf,
    /// Of wasmtime's version, its settings and the processor.
    settings: String,
}

impl CodeCache {
    /// Creates the directory where there is none.
    ///
    /// # Errors
    /// When it cannot be created, or another user could write to it.
    pub(crate) fn open(directory: &Path, engine: &Engine) -> io::Result<Self> {
        create_private(directory)?;
        // As it was checked: a link on the way may lead elsewhere later.
        let directory = fs::canonicalize(directory)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let settings = format!("{:016x}", hasher.finish());
        Ok(Self { directory, settings })
    }

    /// The compiled component; none for whatever reason, and then it is to be
    /// compiled anew.
    pub(crate) fn get(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let name = self.name(digest);
        let path = self.directory.join(&name);
        let entry = fs::read(&path).ok()?;
        let (seal, code) = entry.split_at_checked(SEAL_BYTES)?;
        if seal != self::seal(&name, code) {
            tracing::warn!(entry = name, "a damaged entry of the code cache is not used");
            return None;
        }
        // What is in use is not the oldest. Where that cannot be said, it is compiled
        // once more some day.
        let _ = File::options()
            .append(true)
            .open(path)
            .and_then(|it| it.set_modified(SystemTime::now()));
        deserialize(engine, code).ok()
    }

    /// Keeps the compiled component. Replaces an entry as a whole: a reader sees
    /// the old one or the new one.
    pub(crate) fn put(&self, digest: &str, compiled: &Compiled) -> io::Result<()> {
        let (name, code) = (self.name(digest), compiled.code());
        let part = self.directory.join(format!("{name}.{}.part", unique()));
        let written = File::create_new(&part).and_then(|mut file| {
            file.write_all(&seal(&name, code))?;
            file.write_all(code)
        });
        let placed = written.and_then(|()| fs::rename(&part, self.directory.join(&name)));
        if placed.is_err() {
            // Whatever is left of it is in nobody's way.
            let _ = fs::remove_file(&part);
        }
        placed?;
        self.prune()
    }

    fn name(&self, digest: &str) -> String {
        format!("{digest}-{}.code", self.settings)
    }

    fn prune(&self) -> io::Result<()> {
        let mut entries: Vec<(SystemTime, PathBuf)> = fs::read_dir(&self.directory)?
            .filter_map(|entry| {
                let entry = entry.ok()?;
                Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
            })
            .collect();
        entries.sort();
        let excess = entries.len().saturating_sub(MAX_ENTRIES);
        for (_, path) in &entries[..excess] {
            match fs::remove_file(path) {
                // Another process was quicker.
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Binds an entry to its name: cut, flipped or swapped entries do not match.
fn seal(name: &str, code: &[u8]) -> [u8; SEAL_BYTES] {
    Sha256::new().chain_update(name).chain_update([0]).chain_update(code).finalize().into()
}

/// Tells apart what threads and processes write at the same time.
fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Makes compiled code ready to be run.
///
/// # Errors
/// When it is not for this engine's settings, or the engine's pools cannot hold an
/// instance of it.
pub(crate) fn load(engine: &Engine, compiled: &Compiled) -> wasmtime::Result<Component> {
    deserialize(engine, compiled.code())
}

#[expect(unsafe_code, reason = "wasmtime loads native code; the proof is below")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` needs bytes that wasmtime's compiler serialized, because
    // it runs them as native code. Both callers have such bytes.
    //
    // `load` has them from a `Compiled`, which only `compile.rs` makes: of what the
    // compiler of this process returned, or of what this very program, started anew
    // for nothing else, wrote to a pipe that no one else holds.
    //
    // `CodeCache::get` has them from an entry of the cache directory, which
    // `create_private` found to be owned by this user and closed to writing for
    // everyone else, and which nobody but this user and root can replace through
    // the directories above it; the only writer in there is `CodeCache::put`, which
    // writes a `Compiled`. The seal, which covers the name and all bytes, shows that
    // the entry was not torn, cut or swapped since. Whoever can forge an entry is
    // this user already, and could replace this very program. Other versions and
    // settings of wasmtime are refused by wasmtime itself, and are other names besides.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(unix)]
fn create_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};

    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let found = fs::symlink_metadata(directory)?;
    if !found.is_dir() {
        return Err(io::Error::other("it is no directory of its own"));
    }
    // Whoever owns a file that this process just made is this user.
    let probe = directory.join(format!("probe.{}", unique()));
    // A process that died here may have had the same id, as the first of a
    // container always has.
    let _ = fs::remove_file(&probe);
    let user = File::create_new(&probe)?.metadata()?.uid();
    fs::remove_file(&probe)?;
    if found.uid() != user {
        return Err(io::Error::other("it belongs to another user"));
    }
    // Whoever can rename a directory above can put another one in its place.
    for above in fs::canonicalize(directory)?.ancestors().skip(1) {
        let found = fs::metadata(above)?;
        let (owner, mode) = (found.uid(), found.permissions().mode());
        let is_sticky = mode & 0o1000 != 0;
        if (owner != user && owner != 0) || (mode & 0o022 != 0 && !is_sticky) {
            let above = above.display();
            return Err(io::Error::other(format!("others could replace it through {above}")));
        }
    }
    // Closing it now would not help: entries may have been planted before.
    if found.permissions().mode() & 0o022 != 0 {
        return Err(io::Error::other("others can write to it; remove it"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn create_private(_directory: &Path) -> io::Result<()> {
    Err(io::Error::other("on this system no directory is known to be private"))
}
