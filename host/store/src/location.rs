//! Where state is kept, and how that is told to the drivers, and to people.

use sqlx::any::AnyConnectOptions;
use sqlx::postgres::PgConnectOptions;
use std::fmt::{self, Write};
use std::io;
use std::path::{Path, PathBuf};

/// Where state is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// In this process, and gone with it.
    Memory,
    /// In this file and its companions; made if it is not there.
    File(PathBuf),
    /// In the PostgreSQL database at this URL, which may hold a password.
    Postgres(String),
}

impl Location {
    /// As the drivers take it.
    pub(crate) fn options(&self) -> Result<AnyConnectOptions, sqlx::Error> {
        match self {
            Self::Memory => "sqlite::memory:".parse(),
            Self::File(path) => url_of_file(path)?.parse(),
            Self::Postgres(url) => url.parse(),
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// For people: without user and password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("this process's memory"),
            Self::File(path) => write!(f, "the state file `{}`", path.display()),
            Self::Postgres(url) => match url.parse::<PgConnectOptions>() {
                Ok(options) => write!(
                    f,
                    "the PostgreSQL database `{}` at {}:{}",
                    options.get_database().unwrap_or_else(|| options.get_username()),
                    options.get_host(),
                    options.get_port(),
                ),
                Err(_) => f.write_str("the PostgreSQL database that `state` names"),
            },
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

/// A path may hold what means something in a URL, and what a URL's reader would shorten:
/// every byte but letters and digits is escaped. It is made absolute, because SQLite reads
/// more than a name into `:memory:` and `file:`.
fn url_of_file(path: &Path) -> Result<String, io::Error> {
    let path = std::path::absolute(path)?;
    let not_text = || io::Error::new(io::ErrorKind::InvalidData, "its name is not UTF-8");
    let mut url = "sqlite:".to_owned();
    for byte in path.to_str().ok_or_else(not_text)?.bytes() {
        if byte.is_ascii_alphanumeric() {
            url.push(byte.into());
        } else if write!(url, "%{byte:02X}").is_err() {
            unreachable!("a string takes whatever is written to it");
        }
    }
    // Whoever loses it is not to find an empty one instead.
    url.push_str("?mode=rw");
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_without_user_and_password() {
        for url in [
            "postgres://me:se%3Fcret@db.example:6543/plugway",
            "postgres://db.example:6543/plugway?user=me&password=secret",
            "postgres://me:secret@db.example:badport/plugway",
            "postgres://me:sec/ret@db.example/plugway",
            "postgres://me:sec?ret@db.example/plugway",
        ] {
            let location = Location::Postgres(url.to_owned());
            let told = format!("{location} {location:?} {:?}", location.options().err());
            assert!(!told.contains("cret") && !told.contains("sec"), "{told}");
        }
        let location = Location::Postgres("postgres://me:x@db.example:6543/plugway".to_owned());
        assert_eq!(location.to_string(), "the PostgreSQL database `plugway` at db.example:6543");
    }
}
