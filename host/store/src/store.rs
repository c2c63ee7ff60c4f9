//! The database: how it is opened, and how reading and writing share it.

use crate::error::is_busy;
use crate::{Error, Location, migrations};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection, Executor, Transaction};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a commit survives, where the database is a file. A server has its own settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The death of the process.
    #[default]
    Normal,
    /// And the loss of power.
    Full,
}

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What a commit survives.
    pub durability: Durability,
    /// Connections to a server at a time.
    pub server_connections: u32,
    /// A server that says nothing for so long is taken for gone.
    pub server_timeout: Duration,
}

/// How long a query waits for another process that writes, and for a free connection.
/// SQLite's driver waits as long by itself.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Between two tries to open a file that is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Connections that read from a file. One more writes.
const READERS: u32 = 4;

/// Beyond so many pages of 4 KiB (64 MiB), the writer moves what it wrote from the log to
/// the file by itself, if [`Store::checkpoint`] has not.
const MAX_LOG_PAGES: u32 = 16_384;

/// A connection that is given back and does not answer for so long is closed.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

/// An open database. Its copies are the same one.
#[derive(Clone, Debug)]
pub struct Store {
    /// `SQLite` takes one writer at a time. They queue here, where nobody spins.
    writer: AnyPool,
    /// The same where nothing is gained by another: in memory, and on a server.
    readers: AnyPool,
    kind: Kind,
    server_timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    File,
    Postgres,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            server_connections: 8,
            server_timeout: Duration::from_secs(15),
        }
    }
}

impl Store {
    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    /// When it cannot be opened, is damaged, or was written by a newer version. Then it is
    /// left as it was.
    pub async fn open(location: &Location) -> Result<Self, Error> {
        Self::open_with(location, &Options::default()).await
    }

    /// The same, not as usual.
    ///
    /// # Errors
    /// See [`Store::open`].
    pub async fn open_with(location: &Location, options: &Options) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let place = location.to_string();
        let connect = location.options().map_err(|cause| Error::opening(&place, cause))?;
        // Statements over many rows fill a log with themselves.
        let connect = connect.disable_statement_logging();
        let store = match location {
            Location::Memory => Self::in_memory(connect).await,
            Location::File(path) => {
                let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
                made.map_err(|cause| Error::opening(&place, cause.into()))?;
                Self::in_file(connect, options.durability).await
            }
            Location::Postgres(_) => Self::on_server(connect, options).await,
        };
        let store = store.map_err(|cause| Error::opening(&place, cause))?;
        let migrated = migrations::run(&store.writer, location.is_postgres(), &place).await;
        if let Err(error) = migrated {
            store.close().await;
            return Err(error);
        }
        Ok(store)
    }

    /// Gives all connections back. Whoever still asks gets an error.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Moves what was written from `SQLite`'s log to its file, as far as nobody is in the way,
    /// and in nobody's way: neither readers nor the writer wait for it. The writer leaves
    /// this to whoever calls it, so that no commit pays for those before it; and does it
    /// itself if the log grows beyond its bound. On a server there is nothing to do.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint(&self) -> Result<(), Error> {
        if self.kind == Kind::File {
            self.readers.execute("PRAGMA wal_checkpoint(PASSIVE)").await?;
        }
        Ok(())
    }

    /// Where to read.
    pub(crate) fn readers(&self) -> &AnyPool {
        &self.readers
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Begins to write. On `SQLite` nobody else writes until the end.
    pub(crate) async fn work(&self) -> Result<Transaction<'static, Any>, Error> {
        Ok(match self.kind {
            Kind::Postgres => self.writer.begin().await?,
            Kind::Memory | Kind::File => self.writer.begin_with("BEGIN IMMEDIATE").await?,
        })
    }

    /// Begins to write what only one may write at a time, on either database: the others
    /// wait for this counter. It has counted up if this is committed.
    pub(crate) async fn turn(&self, counter: &str) -> Result<Transaction<'static, Any>, Error> {
        let mut work = self.work().await?;
        let query = sqlx::query("UPDATE counters SET value = value + 1 WHERE name = $1");
        query.bind(counter).execute(&mut *work).await?;
        Ok(work)
    }

    /// Begins to read what belongs together: nobody's writing comes between.
    pub(crate) async fn view(&self) -> Result<Transaction<'static, Any>, Error> {
        Ok(match self.kind {
            Kind::Postgres => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
                self.readers.begin_with(begin).await?
            }
            Kind::Memory | Kind::File => self.readers.begin().await?,
        })
    }

    /// A server may vanish without a word, and nobody must wait for it for ever. What is
    /// given up here rolls back, or was committed all the same.
    pub(crate) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        match self.kind {
            Kind::Memory | Kind::File => work.await,
            Kind::Postgres => tokio::time::timeout(self.server_timeout, work)
                .await
                .unwrap_or(Err(Error::Late(self.server_timeout))),
        }
    }

    /// Each connection to the memory is a database of its own: there may be only one.
    async fn in_memory(connect: AnyConnectOptions) -> Result<Self, sqlx::Error> {
        let pool = AnyPoolOptions::new().max_connections(1).test_before_acquire(false);
        let pool = pool.idle_timeout(None).max_lifetime(None).connect_with(connect).await?;
        Ok(Self::new(pool.clone(), pool, Kind::Memory))
    }

    async fn in_file(
        connect: AnyConnectOptions,
        durability: Durability,
    ) -> Result<Self, sqlx::Error> {
        let synchronous = match durability {
            Durability::Normal => "NORMAL",
            Durability::Full => "FULL",
        };
        let writes = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
             PRAGMA wal_autocheckpoint = {MAX_LOG_PAGES}; \
             PRAGMA journal_size_limit = {};",
            MAX_LOG_PAGES * 4096
        );
        let reads = format!("PRAGMA synchronous = {synchronous}; PRAGMA query_only = ON;");
        // Kept until then, so that nobody else finds it closed and takes the log away.
        let first = first_connection(&writes, &connect).await?;
        let writer = sqlite_pool(1, &writes, &connect).await?;
        let readers = sqlite_pool(READERS, &reads, &connect).await?;
        first.close().await?;
        Ok(Self::new(writer, readers, Kind::File))
    }

    async fn on_server(connect: AnyConnectOptions, options: &Options) -> Result<Self, sqlx::Error> {
        // The pool would try again and again, and then say only that it took too long.
        let first = tokio::time::timeout(options.server_timeout, connect.connect());
        first.await.map_err(|_| sqlx::Error::PoolTimedOut)??.close().await?;
        let pool = AnyPoolOptions::new()
            .max_connections(options.server_connections.max(2))
            .acquire_timeout(BUSY_TIMEOUT)
            .after_connect(|connection, _| {
                Box::pin(async move { prepare(connection, &Arc::from(SERVER_SETTINGS)).await })
            })
            .after_release(|connection, _| {
                Box::pin(async move {
                    let answered = tokio::time::timeout(RELEASE_TIMEOUT, connection.ping()).await;
                    answered.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|()| true)
                })
            })
            .connect_with(connect)
            .await?;
        let store = Self::new(pool.clone(), pool, Kind::Postgres);
        Ok(Self { server_timeout: options.server_timeout, ..store })
    }

    fn new(writer: AnyPool, readers: AnyPool, kind: Kind) -> Self {
        Self { writer, readers, kind, server_timeout: Duration::MAX }
    }
}

/// So that nobody waits for what another router left behind as it vanished.
const SERVER_SETTINGS: &str = "SET lock_timeout = '5s'; \
     SELECT set_config('application_name', 'plugway', false) \
     WHERE current_setting('application_name') = ''; \
     SET idle_in_transaction_session_timeout = '30s'; SET client_min_messages = 'warning'";

async fn sqlite_pool(
    most: u32,
    settings: &str,
    connect: &AnyConnectOptions,
) -> Result<AnyPool, sqlx::Error> {
    let settings: Arc<str> = settings.into();
    AnyPoolOptions::new()
        .max_connections(most)
        // A file does not hang up, and statements that were prepared stay so.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            let settings = Arc::clone(&settings);
            Box::pin(async move { prepare(connection, &settings).await })
        })
        .after_release(|connection, _| Box::pin(is_usable(connection)))
        .connect_with(connect.clone())
        .await
}

/// Where a disk is full, SQLite rolls back by itself. The driver does not notice, and would
/// begin nothing on this connection ever again.
async fn is_usable(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    // What it was asked to do before is done then.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

async fn prepare(connection: &mut AnyConnection, settings: &Arc<str>) -> Result<(), sqlx::Error> {
    let settings = sqlx::AssertSqlSafe(Arc::clone(settings));
    connection.execute(sqlx::raw_sql(settings)).await.map(|_| ())
}

/// Says what is wrong with a file; the pools would try again and again, and then say only
/// that it took too long. A new file becomes one with a log while nobody else has it open:
/// SQLite waits for much, but not for that.
async fn first_connection(
    settings: &str,
    connect: &AnyConnectOptions,
) -> Result<AnyConnection, sqlx::Error> {
    let (begun, settings) = (Instant::now(), settings.into());
    loop {
        let mut connection = connect.connect().await?;
        match prepare(&mut connection, &settings).await {
            Ok(()) => return Ok(connection),
            Err(error) if is_busy(&error) && begun.elapsed() < BUSY_TIMEOUT => {
                connection.close().await?;
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
