//! The database: where it is, how it is opened, which tables it has.

use crate::Error;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In this process, and gone with it.
    Memory,
    /// In this file and its two companions; made if it is not there.
    File(PathBuf),
}

/// How long a query waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections to a file: one writes, the others read.
const MAX_CONNECTIONS: u32 = 4;

/// An open database. Its copies are the same one.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: SqlitePool,
}

impl Store {
    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub async fn open(location: &Location) -> Result<Self, Error> {
        let path = location.path().display().to_string();
        let opened = pool(location).await;
        let pool = opened.map_err(|cause| Error::Open { path: path.clone(), cause })?;
        let migrated = sqlx::migrate!("./migrations").run(&pool).await;
        migrated.map_err(|cause| Error::Migrate { path, cause })?;
        Ok(Self { pool })
    }
}

impl Location {
    fn path(&self) -> &Path {
        match self {
            Self::Memory => Path::new(":memory:"),
            Self::File(path) => path,
        }
    }
}

async fn pool(location: &Location) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new().busy_timeout(BUSY_TIMEOUT);
    match location {
        // Each connection to the memory is a database of its own: there may be only one.
        Location::Memory => {
            let pool = SqlitePoolOptions::new().min_connections(1).max_connections(1);
            let pool = pool.idle_timeout(None).max_lifetime(None);
            pool.connect_with(options.in_memory(true)).await
        }
        Location::File(path) => {
            if let Some(directory) = path.parent() {
                std::fs::create_dir_all(directory)?;
            }
            let options = options
                .filename(path)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal);
            SqlitePoolOptions::new().max_connections(MAX_CONNECTIONS).connect_with(options).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_made_once_and_opened_again() {
        let home = tempfile::tempdir().unwrap();
        let location = Location::File(home.path().join("new/state.db"));
        for _ in 0..2 {
            let store = Store::open(&location).await.unwrap();
            let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM presets");
            assert_eq!(count.fetch_one(&store.pool).await.unwrap(), 0);
            store.pool.close().await;
        }
    }

    #[tokio::test]
    async fn what_is_no_database_is_refused_by_name() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("plugway.toml");
        std::fs::write(&path, "listen = 1\n".repeat(100)).unwrap();
        let error = Store::open(&Location::File(path.clone())).await.unwrap_err();
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 100);
    }
}
