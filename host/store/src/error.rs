//! Why something could not be kept or found, told apart by what there is to do about it.

use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqliteError;
use std::path::PathBuf;

/// An error of the store. None of them is the client's fault, and none holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database cannot be opened.
    #[error("cannot open {place}: {cause}")]
    Open {
        /// Which.
        place: String,
        /// Why.
        cause: sqlx::Error,
    },
    /// The file is something else.
    #[error(
        "{place} is no database; it was left as it is. Name another file with `state`, or \
         move this one away"
    )]
    Foreign {
        /// Which.
        place: String,
    },
    /// The file is broken.
    #[error(
        "{place} is damaged ({cause}); it was left as it is. Put a copy of it in its place, \
         or move it away to begin with an empty one"
    )]
    Damaged {
        /// Which.
        place: String,
        /// What was found.
        cause: sqlx::Error,
    },
    /// A newer version of this program has changed the tables.
    #[error(
        "{place} was written by a newer version of this program (its change {version} is \
         unknown here); run that version again, or put back the copy from before the upgrade"
    )]
    Newer {
        /// Which.
        place: String,
        /// The first change that is unknown.
        version: i64,
    },
    /// The tables could not be brought up to date. They are as they were.
    #[error("the tables of {place} cannot be brought up to date: {cause}")]
    Migrate {
        /// Which.
        place: String,
        /// Why.
        cause: MigrateError,
    },
    /// Another process serves from this file.
    #[error(
        "`{path}` is held by another process that serves from the same state file; stop it, \
         or name another file with `state`"
    )]
    InUse {
        /// The file that is locked.
        path: PathBuf,
    },
    /// The file that says who serves cannot be made.
    #[error("cannot lock `{path}`: {cause}")]
    Lock {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Another process writes for too long.
    #[error("the state database is locked by another process: {0}")]
    Busy(sqlx::Error),
    /// There is no room left.
    #[error("the disk of the state database is full: {0}")]
    Full(sqlx::Error),
    /// The server does not answer, or hung up.
    #[error("the state database cannot be reached: {0}")]
    Gone(sqlx::Error),
    /// The server did not answer in time; what was asked may have been done.
    #[error("the state database has not answered for {0:?}")]
    Late(std::time::Duration),
    /// A query failed.
    #[error("the state database failed: {0}")]
    Query(sqlx::Error),
    /// A record, or what it refers to, of another version of this program.
    #[error("this was recorded in form {0} by another version, which this one cannot read")]
    Form(u32),
    /// A record that is damaged, or could not be written.
    #[error("the record cannot be read: {0}")]
    Record(postcard::Error),
    /// A column that holds what this program never wrote.
    #[error("the state database holds a {column} that cannot be read; it was changed by hand")]
    Value {
        /// Which.
        column: &'static str,
    },
}

impl Error {
    /// Whether the same may succeed later without anybody's doing.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Gone(_) | Self::Late(_))
    }

    /// Whether somebody has to make room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether the database as a whole fails, so that whatever else is asked of it would
    /// fail too. Otherwise it is about what was to be written.
    #[must_use]
    pub fn is_of_the_database(&self) -> bool {
        self.is_passing() || self.is_full() || matches!(self, Self::Damaged { .. })
    }

    /// What kept the database at this place from being opened.
    pub(crate) fn opening(place: &str, cause: sqlx::Error) -> Self {
        let place = place.to_owned();
        match (fault(&cause), cause) {
            (Some(Fault::Foreign), _) => Self::Foreign { place },
            (Some(Fault::Damaged), cause) => Self::Damaged { place, cause },
            (Some(Fault::Busy), cause) => Self::Busy(cause),
            (Some(Fault::Full), cause) => Self::Full(cause),
            (Some(Fault::Gone) | None, cause) => Self::Open { place, cause },
        }
    }

    /// What kept its tables from being brought up to date. `newest` is the last change that
    /// this version knows of.
    pub(crate) fn migrating(place: &str, newest: i64, cause: MigrateError) -> Self {
        match cause {
            MigrateError::VersionMissing(version) if version > newest => {
                Self::Newer { place: place.to_owned(), version }
            }
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)
                if fault(&cause).is_some() =>
            {
                Self::opening(place, cause)
            }
            cause => Self::Migrate { place: place.to_owned(), cause },
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(cause: sqlx::Error) -> Self {
        match fault(&cause) {
            Some(Fault::Foreign | Fault::Damaged) => {
                Self::Damaged { place: "the state file".to_owned(), cause }
            }
            Some(Fault::Busy) => Self::Busy(cause),
            Some(Fault::Full) => Self::Full(cause),
            Some(Fault::Gone) => Self::Gone(cause),
            None => Self::Query(cause),
        }
    }
}

/// Whether somebody else has the database for now.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(fault(error), Some(Fault::Busy))
}

/// What is wrong with the database itself.
enum Fault {
    Foreign,
    Damaged,
    Busy,
    Full,
    Gone,
}

fn fault(error: &sqlx::Error) -> Option<Fault> {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code()?;
            match error.try_downcast_ref::<SqliteError>() {
                Some(_) => fault_of_sqlite(code.parse().ok()?),
                None => fault_of_postgres(&code),
            }
        }
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            Some(Fault::Full)
        }
        // That SQLite's own thread is gone counts as such: a new connection has a new one.
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => Some(Fault::Gone),
        _ => None,
    }
}

/// <https://www.sqlite.org/rescode.html>; the upper bytes only say more of the same, but for
/// an error of input and output: that one says that the index of the log finds no room.
/// What is said of memory, permissions, files and the disk holds for all that is asked.
fn fault_of_sqlite(code: i32) -> Option<Fault> {
    const NO_ROOM_FOR_INDEX: i32 = 10 | (19 << 8);
    if code == NO_ROOM_FOR_INDEX {
        return Some(Fault::Full);
    }
    match code & 0xff {
        5 | 6 => Some(Fault::Busy),
        3 | 7 | 8 | 10 | 14 | 15 => Some(Fault::Gone),
        11 => Some(Fault::Damaged),
        13 => Some(Fault::Full),
        26 => Some(Fault::Foreign),
        _ => None,
    }
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn fault_of_postgres(code: &str) -> Option<Fault> {
    match code {
        "53100" => Some(Fault::Full),
        // Deadlocks, and what waited too long for another.
        "40001" | "40P01" | "55P03" => Some(Fault::Busy),
        "XX001" | "XX002" => Some(Fault::Damaged),
        // It only reads for now, or hung up on a transaction that had gone quiet.
        "25006" | "25P03" => Some(Fault::Gone),
        // Connections; too little memory, or too many connections; it stops, starts, or was
        // told to; its own files.
        _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
            Some(Fault::Gone)
        }
        _ => None,
    }
}
