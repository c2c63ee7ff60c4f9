//! One process serves from a file: two would each take the other's open rows for those of a
//! process that died. Whoever only looks, or changes an account, needs no lock.

use crate::{Error, Location, Store, file};
use std::fs::{File, TryLockError};
use std::path::PathBuf;

/// The right to serve from a location, for as long as it is kept. The system takes it back
/// when the process dies, however it dies.
#[derive(Debug)]
pub struct ServingLock {
    _file: Option<File>,
}

impl Store {
    /// Takes the right to serve from this location. With PostgreSQL several may serve at a
    /// time, and nobody else sees this process's memory: there is nothing to lock.
    ///
    /// # Errors
    /// When another process has it, or the file beside the database cannot be made.
    pub fn lock(location: &Location) -> Result<ServingLock, Error> {
        let Location::File(path) = location else { return Ok(ServingLock { _file: None }) };
        // By its own name, so that a link to it is the same lock.
        let opened = file::make(path).and_then(|()| path.canonicalize()).and_then(|path| {
            let mut name = path.into_os_string();
            name.push(".lock");
            let path = PathBuf::from(name);
            Ok((file::made(&path)?, path))
        });
        // What is in the way of this file is in the way of the other.
        let (file, path) =
            opened.map_err(|cause| Error::opening(&location.to_string(), cause.into()))?;
        match file.try_lock() {
            Ok(()) => Ok(ServingLock { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { path }),
            Err(TryLockError::Error(cause)) => Err(Error::Lock { path, cause }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_serves_from_a_file() {
        let home = tempfile::tempdir().unwrap();
        let location = Location::File(home.path().join("new/state.db"));
        let held = Store::lock(&location).unwrap();
        let refused = Store::lock(&location).unwrap_err();
        assert!(matches!(refused, Error::InUse { .. }), "{refused:?}");
        assert!(refused.to_string().contains("new/state.db.lock"), "{refused}");
        assert!(refused.to_string().contains("`state`"), "{refused}");
        drop(held);
        Store::lock(&location).unwrap();
    }

    #[test]
    fn a_link_to_a_file_is_the_same_lock() {
        let home = tempfile::tempdir().unwrap();
        let [file, link, beside] =
            ["deep/state.db", "link.db", "beside"].map(|name| home.path().join(name));
        let held = Store::lock(&Location::File(file.clone())).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        std::os::unix::fs::symlink(home.path().join("deep"), &beside).unwrap();
        for name in [&link, &beside.join("state.db"), &beside.join("../deep/state.db")] {
            let refused = Store::lock(&Location::File(name.clone())).unwrap_err();
            assert!(matches!(refused, Error::InUse { .. }), "{refused:?}");
        }
        drop(held);
        let _held = Store::lock(&Location::File(link)).unwrap();
        let refused = Store::lock(&Location::File(file)).unwrap_err();
        assert!(matches!(refused, Error::InUse { .. }), "{refused:?}");
    }

    #[test]
    fn there_is_nothing_to_lock_in_memory_and_on_a_server() {
        for location in [Location::Memory, Location::Postgres("postgres://nowhere/x".into())] {
            let _first = Store::lock(&location).unwrap();
            Store::lock(&location).unwrap();
        }
    }
}
