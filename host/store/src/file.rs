//! The state file on its disk: made so that nobody else may read it, and looked at while it
//! is in use. A file that was moved or deleted can still be written to, and whatever is
//! written then is in no file that anybody will open again.

use crate::Error;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What is made here is read by its owner alone: a ledger and the hashes of keys.
const FILE_MODE: u32 = 0o600;

/// As above.
const DIRECTORY_MODE: u32 = 0o700;

/// Makes the file and its directories where they are not there; what is there stays as it
/// is. The companions that SQLite makes have the mode of the file.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent().filter(|it| *it != Path::new("")) {
        DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)?;
    }
    if !path.try_exists()? {
        made(path)?;
    }
    Ok(())
}

/// A file to write to, which is made if it is not there.
pub(crate) fn made(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(FILE_MODE).open(path)
}

/// A file in use.
#[derive(Debug)]
pub(crate) struct OpenFile {
    path: PathBuf,
    /// Of the device, and on it.
    number: (u64, u64),
}

impl OpenFile {
    /// The one that is there now.
    pub(crate) fn now(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), number: number(&path.metadata()?) })
    }

    /// Fails while another file is in its place, or none.
    pub(crate) fn look(&self) -> Result<(), Error> {
        match self.path.metadata() {
            Ok(found) if number(&found) == self.number => Ok(()),
            _ => Err(Error::Displaced { path: self.path.clone() }),
        }
    }
}

fn number(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

#[cfg(test)]
mod tests {
    use crate::ledger::{Entry, Row};
    use crate::{Error, Location, Store};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn what_is_made_is_its_owners_alone_and_what_is_there_stays_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let file = |name: &str| home.path().join("new/deep").join(name);
        let location = Location::File(file("state.db"));
        let lock = Store::lock(&location).unwrap();
        let store = Store::open(&location).await.unwrap();
        store.write_ledger(&[Entry::Settled(Row::default())]).await.unwrap();
        for name in ["state.db", "state.db.lock", "state.db-wal", "state.db-shm"] {
            assert_eq!(mode(&file(name)), 0o600, "{name}");
        }
        assert_eq!(mode(&home.path().join("new")), 0o700);
        assert_eq!(mode(&file("")), 0o700);
        store.close().await;
        drop(lock);
        // Whoever has opened it to others had a reason.
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        set(&file("state.db"), 0o640);
        set(&file(""), 0o750);
        let _lock = Store::lock(&location).unwrap();
        Store::open(&location).await.unwrap().close().await;
        assert_eq!((mode(&file("state.db")), mode(&file(""))), (0o640, 0o750));
    }

    #[tokio::test]
    async fn a_file_that_is_moved_deleted_or_replaced_is_not_written_to_until_it_is_back() {
        let home = tempfile::tempdir().unwrap();
        let [path, elsewhere] = ["state.db", "elsewhere"].map(|name| home.path().join(name));
        let store = Store::open(&Location::File(path.clone())).await.unwrap();
        let batch = [Entry::Settled(Row { id: "gen-1".into(), ..Row::default() })];
        let refused = async || {
            let error = store.write_ledger(&batch).await.unwrap_err();
            assert!(matches!(error, Error::Displaced { .. }), "{error:?}");
            assert!(error.to_string().contains("state.db"), "{error}");
            // Nothing is wrong with the row.
            assert!(!error.is_of_what_was_written());
            assert!(store.look_for_file().is_err());
        };
        std::fs::rename(&path, &elsewhere).unwrap();
        refused().await;
        std::fs::write(&path, "").unwrap();
        refused().await;
        std::fs::rename(&elsewhere, &path).unwrap();
        store.look_for_file().unwrap();
        assert_eq!(store.write_ledger(&batch).await.unwrap().settled, 1);
        std::fs::remove_file(&path).unwrap();
        refused().await;
        store.close().await;
        // Nor was another one made.
        assert!(!path.exists());
    }
}
