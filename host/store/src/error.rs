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
    /// The file was moved, deleted or replaced while it was in use.
    #[error(
        "the state file `{path}` is not where it was opened: it was moved, deleted or replaced. \
         Put it back, or start again with what is there"
    )]
    Displaced {
        /// Where it was.
        path: PathBuf,
    },
    /// This version of the program has other tables.
    #[error(
        "the tables of {place} are those of an older version of this program, and what only \
         looks does not change them; start the router, which brings them up to date"
    )]
    Older {
        /// Which.
        place: String,
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

    /// Whether it is about what was to be written, so that anything else may be written
    /// and this never. What is not known to be is not: a password that was changed, a right
    /// that was taken away, a table that is gone concern all that is written, and may be put
    /// right.
    #[must_use]
    pub fn is_of_what_was_written(&self) -> bool {
        match self {
            Self::Record(_) | Self::Form(_) | Self::Value { .. } => true,
            Self::Query(cause) => is_of_values(cause),
            _ => false,
        }
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

/// Whether these values would be refused again, and others taken.
fn is_of_values(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let Some(code) = error.code() else { return false };
            match error.try_downcast_ref::<SqliteError>() {
                Some(_) => code.parse().is_ok_and(is_of_values_to_sqlite),
                None => is_of_values_to_postgres(&code),
            }
        }
        // What a hand has put into a row that was there.
        sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => true,
        _ => false,
    }
}

/// Too long, against a constraint, of another type.
fn is_of_values_to_sqlite(code: i32) -> bool {
    matches!(code & 0xff, 18..=20)
}

/// Data, constraints, and limits of the program: of a row's length, for one.
fn is_of_values_to_postgres(code: &str) -> bool {
    ["22", "23", "54"].iter().any(|class| code.starts_with(class))
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

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::error::{DatabaseError, ErrorKind};
    use std::borrow::Cow;
    use std::fmt;

    /// What a server says.
    #[derive(Debug)]
    struct Said(&'static str);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Said {}

    impl DatabaseError for Said {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn a_server_says_it_of_a_row_or_of_all() {
        let error = |code| Error::from(sqlx::Error::Database(Box::new(Said(code))));
        for code in ["22001", "22021", "22P05", "23502", "23505", "23514", "54000", "54011"] {
            assert!(error(code).is_of_what_was_written(), "{code}");
            assert!(!error(code).is_passing(), "{code}");
        }
        for code in [
            "00000",
            "08006",
            "0A000",
            "25006",
            "25P02",
            "26000",
            "28000",
            "28P01",
            "2BP01",
            "3D000",
            "3F000",
            "40001",
            "40P01",
            "42501",
            "42703",
            "42P01",
            "42P05",
            "53100",
            "53200",
            "53300",
            "55000",
            "55006",
            "55P03",
            "57014",
            "57P01",
            "57P03",
            "58030",
            "F0000",
            "P0001",
            "XX000",
            "XX001",
            "not-a-code",
        ] {
            assert!(!error(code).is_of_what_was_written(), "{code}");
        }
    }

    #[test]
    fn sqlite_says_it_of_a_row_or_of_all() {
        for code in 0..=28 {
            // The upper bytes only say more of the same.
            for more in [0, 5 << 8, 12 << 8] {
                assert_eq!(
                    is_of_values_to_sqlite(code | more),
                    (18..=20).contains(&code),
                    "{code}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_known_to_be_of_a_row_is_of_all() {
        for error in [
            sqlx::Error::PoolClosed,
            sqlx::Error::PoolTimedOut,
            sqlx::Error::WorkerCrashed,
            sqlx::Error::RowNotFound,
            sqlx::Error::Protocol("?".into()),
            sqlx::Error::BeginFailed,
            sqlx::Error::ColumnNotFound("id".into()),
            std::io::Error::from(std::io::ErrorKind::PermissionDenied).into(),
        ] {
            let error = Error::from(error);
            assert!(!error.is_of_what_was_written(), "{error:?}");
        }
        assert!(Error::Value { column: "budget" }.is_of_what_was_written());
        assert!(Error::Form(9).is_of_what_was_written());
    }
}
