//! Why something could not be kept or found.

/// An error of the store. None of them is the client's fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened, or is no database of this program.
    #[error("cannot open the state file `{path}`: {cause}")]
    Open {
        /// Which.
        path: String,
        /// Why.
        cause: sqlx::Error,
    },
    /// The file was written by a newer version of this program, or changed by hand.
    #[error("the state file `{path}` does not fit this version: {cause}")]
    Migrate {
        /// Which.
        path: String,
        /// Why.
        cause: sqlx::migrate::MigrateError,
    },
    /// A query failed.
    #[error("the state file failed: {0}")]
    Query(#[from] sqlx::Error),
    /// A record, or what it refers to, of another version of this program.
    #[error("this was recorded in form {0} by another version, which this one cannot read")]
    Form(u32),
    /// A record that is damaged, or could not be written.
    #[error("the record cannot be read: {0}")]
    Record(postcard::Error),
}
