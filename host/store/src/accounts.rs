//! Who may ask and who pays: read as a whole by routers, which look twice a second whether
//! anything has changed. The tables themselves: [`crate::KeyRow`], [`crate::WorkspaceRow`],
//! [`crate::ByokRow`].

use crate::{ByokRow, Error, KeyRow, Store, WorkspaceRow, byok, keys, workspaces};
use sqlx::AnyConnection;

/// Accounts, as they were at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// Counts up with every change.
    pub revision: i64,
    /// Which keys there are.
    pub keys: Keys,
    /// All.
    pub workspaces: Vec<WorkspaceRow>,
    /// All, in the order in which they are tried.
    pub byok: Vec<ByokRow>,
}

/// The keys of [`Accounts`]: there may be many, of which few change at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// All that are not deleted.
    All(Vec<KeyRow>),
    /// Those that were made, changed or deleted since.
    Changed(Vec<KeyRow>),
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Change {
    /// It is done.
    Done,
    /// There is, or once was, one of that name.
    Taken,
    /// There is none to change, or its workspace is not there.
    Missing,
    /// As many as may be kept are kept.
    Full,
    /// Others still rest on it.
    InUse,
}

/// After what time a sum begins anew, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Interval {
    /// At midnight.
    Daily,
    /// On Monday.
    Weekly,
    /// On the first.
    Monthly,
    /// Never.
    Lifetime,
}

impl Interval {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Lifetime => "lifetime",
        }
    }

    /// Which one has this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Daily, Self::Weekly, Self::Monthly, Self::Lifetime]
            .into_iter()
            .find(|it| it.as_str() == name)
    }
}

impl Store {
    /// Moves with every change of keys, workspaces and providers' keys, whoever made it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revision(&self) -> Result<i64, Error> {
        self.within(async {
            let mut connection = self.readers().acquire().await?;
            revision(&mut connection).await
        })
        .await
    }

    /// The accounts, as they were at one moment: of keys those that have changed since the
    /// revision, where there is one.
    ///
    /// # Errors
    /// When the database fails, or was changed by hand into what cannot be read.
    pub async fn accounts(&self, since: Option<i64>) -> Result<Accounts, Error> {
        self.within(async {
            let mut view = self.view().await?;
            let revision = revision(&mut view).await?;
            let keys = match since {
                Some(since) if since <= revision => {
                    Keys::Changed(keys::changed_after(since, &mut view).await?)
                }
                // The database is another one, or a copy from before was put back.
                _ => Keys::All(keys::living(&mut view).await?),
            };
            let accounts = Accounts {
                revision,
                keys,
                workspaces: workspaces::all(&mut view).await?,
                byok: byok::all(&mut view).await?,
            };
            view.commit().await?;
            Ok(accounts)
        })
        .await
    }
}

/// The counter that changes of accounts take turns at.
pub(crate) const REVISION: &str = "revision";

async fn revision(from: &mut AnyConnection) -> Result<i64, Error> {
    let query = sqlx::query_scalar("SELECT value FROM counters WHERE name = $1");
    Ok(query.bind(REVISION).fetch_one(from).await?)
}

/// Reads a limit, or an amount, of picodollars.
pub(crate) fn amount(text: &str, column: &'static str) -> Result<u128, Error> {
    text.parse().map_err(|_| Error::Value { column })
}

/// Reads an interval.
pub(crate) fn interval(name: &str, column: &'static str) -> Result<Interval, Error> {
    Interval::from_name(name).ok_or(Error::Value { column })
}

#[cfg(test)]
mod tests;
