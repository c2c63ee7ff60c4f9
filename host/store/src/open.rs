//! How a database is opened: what connections there are, and what each of them is told.

use crate::error::is_busy;
use crate::file::{self, OpenFile};
use crate::store::Kind;
use crate::{Error, Location, Store, migrations};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, Executor};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// What a commit survives, where the database is a file. A server has its own settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The death of the process.
    #[default]
    Normal,
    /// And the loss of power.
    Full,
}

/// What becomes of tables from before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tables {
    /// They are brought up to date.
    #[default]
    UpToDate,
    /// They are left as they are, and refused if that is not up to date.
    AsTheyAre,
}

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What becomes of tables from before.
    pub tables: Tables,
    /// What a commit survives.
    pub durability: Durability,
    /// Connections to a server at a time, besides those that write the ledger.
    pub server_connections: u32,
    /// A server that says nothing for so long is taken for gone.
    pub server_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tables: Tables::default(),
            durability: Durability::default(),
            server_connections: 8,
            server_timeout: Duration::from_secs(15),
        }
    }
}

/// How long a query waits for another process that writes, and for a free connection.
/// SQLite's driver waits as long by itself.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Between two tries to open a file that is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Connections that read from a file. One more writes.
const READERS: u32 = 4;

/// Connections to a server that write the ledger and its signs of life: one of each may
/// hang, and the next takes its place.
const LEDGER_CONNECTIONS: u32 = 3;

/// Beyond so many pages of 4 KiB (64 MiB), the writer moves what it wrote from the log to
/// the file by itself, if [`Store::checkpoint`] has not.
pub(crate) const MAX_LOG_PAGES: u32 = 16_384;

/// A connection that is taken or given back and does not answer for so long is closed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

impl Store {
    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    /// When it cannot be opened, is damaged, or was written by a newer version. Then it is
    /// left as it was.
    pub async fn open(location: &Location) -> Result<Self, Error> {
        Self::open_with(location, &Options::default()).await
    }

    /// Opens the database for a look, which changes no tables.
    ///
    /// # Errors
    /// See [`Store::open`]; and when the tables are not up to date.
    pub async fn open_as_it_is(location: &Location) -> Result<Self, Error> {
        let options = Options { tables: Tables::AsTheyAre, ..Options::default() };
        Self::open_with(location, &options).await
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
            Location::Memory => in_memory(connect).await,
            Location::File(path) => in_file(path, connect, options.durability).await,
            Location::Postgres(_) => on_server(connect, options).await,
        };
        let store = store.map_err(|cause| Error::opening(&place, cause))?;
        let tables = match location {
            // Nobody has made them before.
            Location::Memory => Tables::UpToDate,
            _ => options.tables,
        };
        let migrated = migrations::run(&store.writer, location.is_postgres(), tables, &place).await;
        if let Err(error) = migrated {
            store.close().await;
            return Err(error);
        }
        Ok(store)
    }
}

/// Each connection to the memory is a database of its own: there may be only one.
async fn in_memory(connect: AnyConnectOptions) -> Result<Store, sqlx::Error> {
    let pool = AnyPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = pool.idle_timeout(None).max_lifetime(None).connect_with(connect).await?;
    Ok(Store::new(pool.clone(), pool, Kind::Memory))
}

async fn in_file(
    path: &Path,
    connect: AnyConnectOptions,
    durability: Durability,
) -> Result<Store, sqlx::Error> {
    file::make(path)?;
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
    let mut store = Store::new(writer, readers, Kind::File);
    store.file = Some(Arc::new(OpenFile::now(path)?));
    Ok(store)
}

async fn on_server(connect: AnyConnectOptions, options: &Options) -> Result<Store, sqlx::Error> {
    // The pool would try again and again, and then say only that it took too long.
    let first = timeout(options.server_timeout, connect.connect());
    first.await.map_err(|_| sqlx::Error::PoolTimedOut)??.close().await?;
    let ledger = server_pool(LEDGER_CONNECTIONS, &connect).await?;
    let others = server_pool(options.server_connections.max(2), &connect).await?;
    let mut store = Store::new(ledger, others, Kind::Postgres);
    store.server_timeout = options.server_timeout;
    Ok(store)
}

/// So that nobody waits for what another router left behind as it vanished.
const SERVER_SETTINGS: &str = "SET lock_timeout = '5s'; \
     SELECT set_config('application_name', 'plugway', false) \
     WHERE current_setting('application_name') = ''; \
     SET idle_in_transaction_session_timeout = '30s'; SET client_min_messages = 'warning'";

async fn server_pool(most: u32, connect: &AnyConnectOptions) -> Result<AnyPool, sqlx::Error> {
    AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(BUSY_TIMEOUT)
        .after_connect(|connection, _| {
            Box::pin(async move { prepare(connection, &Arc::from(SERVER_SETTINGS)).await })
        })
        // Below, and in less time than it takes to find no connection.
        .test_before_acquire(false)
        .before_acquire(|connection, _| {
            Box::pin(async move { Ok(answers(connection).await.is_ok()) })
        })
        .after_release(|connection, _| {
            Box::pin(async move { answers(connection).await.map(|()| true) })
        })
        .connect_with(connect.clone())
        .await
}

/// Whether somebody is at the other end.
async fn answers(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    let answered = timeout(ANSWER_TIMEOUT, connection.ping()).await;
    answered.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

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
