//! What lies in the plugins directory, told apart by size and time before a file
//! is ever opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Longest id of a plugin, bytes.
const MAX_ID_BYTES: usize = 64;

/// One `*.wasm` in the directory: its stamp, or why it is not to be read.
pub(crate) type Found = Result<Stamp, String>;

/// What lies in the directory.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// By id.
    pub(crate) files: BTreeMap<String, Found>,
    /// Files beyond the limit, which were not looked at.
    pub(crate) left_out: usize,
    /// Which directory it was: another one may have the same path at another time.
    pub(crate) root: Option<Identity>,
}

/// Tells a directory from another one with the same path.
pub(crate) type Identity = (u64, u64);

/// Which directory is there, if any.
#[cfg(unix)]
pub(crate) fn identity(directory: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(directory).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
pub(crate) fn identity(directory: &Path) -> Option<Identity> {
    fs::metadata(directory).ok().map(|_| (0, 0))
}

/// What a file looks like from outside. Two equal stamps a moment apart: nobody
/// is writing to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Without symbolic links.
    path: PathBuf,
    pub(crate) size: u64,
    modified: SystemTime,
    /// Inode and time of change, seconds and nanoseconds: a copy that keeps size
    /// and time of modification differs in these.
    #[cfg(unix)]
    identity: (u64, i64, i64),
}

impl Stamp {
    fn of(path: &Path, metadata: &Metadata) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            size: metadata.len(),
            modified: metadata.modified()?,
            #[cfg(unix)]
            identity: {
                use std::os::unix::fs::MetadataExt as _;
                (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
            },
        })
    }

    /// Reads the file, once, if it is still what was looked at.
    pub(crate) fn read(&self, limit: usize) -> Result<Vec<u8>, Unread> {
        if self.size > limit as u64 {
            let size = self.size;
            return Err(Unread::ForGood(format!(
                "it has {size} bytes, the limit is {limit} (`max_component_bytes`)"
            )));
        }
        match self.read_unless_changed() {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(Unread::Changing),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Unread::Changing),
            Err(error) => Err(Unread::ForNow(unreadable(error))),
        }
    }

    fn read_unless_changed(&self) -> io::Result<Option<Vec<u8>>> {
        let mut file = open(&self.path)?;
        if Self::of(&self.path, &file.metadata()?)? != *self {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        // A byte more than expected shows that it grew.
        file.by_ref().take(self.size.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 == self.size).then_some(bytes))
    }
}

/// Opens a file, and waits for nobody: what was a file when it was looked at may be a
/// pipe by now.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.read(true).open(path)
}

/// Why there are no bytes.
pub(crate) enum Unread {
    /// Somebody is writing to it, or it cannot be opened just now.
    Changing,
    /// The machine did not let it be read; another look may help.
    ForNow(String),
    /// Another look would not help.
    ForGood(String),
}

/// Looks at the `*.wasm` directly in `directory`, by id, and at no more of them than
/// `limit`, the first ones by name.
///
/// # Errors
/// When the directory is not there or cannot be listed, which is not to say that
/// its files are gone.
pub(crate) fn look(directory: &Path, limit: usize) -> io::Result<Listing> {
    let root = fs::canonicalize(directory)?;
    let mut listing = Listing { root: identity(&root), ..Listing::default() };
    let mut paths = BTreeSet::new();
    for entry in fs::read_dir(&root)? {
        let path = entry?.path();
        let is_wasm = path.extension().is_some_and(|extension| extension == "wasm");
        // Editors and file systems put their own beside what is edited.
        let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes()[0] == b'.');
        if is_wasm && !is_hidden {
            paths.insert(path);
            if paths.len() > limit {
                paths.pop_last();
                listing.left_out += 1;
            }
        }
    }
    for path in paths {
        if let Some(stem) = path.file_stem() {
            let id = stem.to_string_lossy().into_owned();
            let file = inspect(&root, &id, &path);
            listing.files.insert(id, file);
        }
    }
    Ok(listing)
}

fn inspect(root: &Path, id: &str, path: &Path) -> Found {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if id.is_empty() || id.len() > MAX_ID_BYTES || !id.chars().all(plain) {
        return Err(format!(
            "a plugin's name is 1 to {MAX_ID_BYTES} of a-z, 0-9, - and _; rename the file"
        ));
    }
    let target = fs::canonicalize(path).map_err(unreadable)?;
    if !target.starts_with(root) {
        return Err("it is a link out of the plugins directory; copy the file".to_owned());
    }
    let metadata = fs::metadata(&target).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    Stamp::of(&target, &metadata).map_err(unreadable)
}

fn unreadable(error: io::Error) -> String {
    format!("it cannot be read: {error}")
}
