//! The open database, and how reading and writing share it.

use crate::Error;
use crate::file::OpenFile;
use sqlx::{Any, AnyPool, Executor, Transaction};
use std::sync::Arc;
use std::time::Duration;

/// An open database. Its copies are the same one.
#[derive(Clone, Debug)]
pub struct Store {
    /// `SQLite` takes one writer at a time. They queue here, where nobody spins. On a server
    /// they need not, and these connections are the ledger's: whatever else is asked, they
    /// are free for it.
    pub(crate) writer: AnyPool,
    /// The same in memory, where there is no other. On a server all but the ledger's.
    readers: AnyPool,
    kind: Kind,
    pub(crate) server_timeout: Duration,
    /// Where it is a file.
    pub(crate) file: Option<Arc<OpenFile>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    File,
    Postgres,
}

impl Store {
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

    /// Whether the file is where it was opened, if it is one. While it is not, nothing is
    /// written: it would be in no file that anybody opens again.
    ///
    /// # Errors
    /// [`Error::Displaced`].
    pub fn look_for_file(&self) -> Result<(), Error> {
        self.file.as_ref().map_or(Ok(()), |file| file.look())
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
        match self.kind {
            Kind::Postgres => Ok(self.readers.begin_with(SERVER_BEGIN).await?),
            Kind::Memory | Kind::File => self.ledger_work().await,
        }
    }

    /// Begins to write what no other work may keep waiting for a connection.
    pub(crate) async fn ledger_work(&self) -> Result<Transaction<'static, Any>, Error> {
        self.look_for_file()?;
        let begin = match self.kind {
            Kind::Postgres => SERVER_BEGIN,
            Kind::Memory | Kind::File => "BEGIN IMMEDIATE",
        };
        Ok(self.writer.begin_with(begin).await?)
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

    pub(crate) fn new(writer: AnyPool, readers: AnyPool, kind: Kind) -> Self {
        Self { writer, readers, kind, server_timeout: Duration::MAX, file: None }
    }
}

/// Said each time: a server, a role or a database may have another default, under which
/// one of two commits that come together is refused.
const SERVER_BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

#[cfg(test)]
mod tests;
