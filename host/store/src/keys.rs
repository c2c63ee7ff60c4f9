//! Keys by their hash. The key itself is kept nowhere.

use crate::accounts::{REVISION, amount, interval};
use crate::sql::{integer, name, text, unsigned};
use crate::{Change, Error, Interval, Store, workspaces};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, Row};

/// Keys that are kept, without those that are deleted.
pub const MAX_KEYS: u32 = 100_000;

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Of the key, hexadecimal.
    pub hash: String,
    /// For people.
    pub name: String,
    /// What people see of the key itself.
    pub label: String,
    /// Whose it is: an id.
    pub workspace: String,
    /// It may change accounts, and nothing else.
    pub is_management: bool,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_ms: u64,
    /// From then on it is refused.
    pub expires_ms: Option<u64>,
    /// It is refused.
    pub disabled: bool,
    /// It is gone since then, but for reports.
    pub deleted_ms: Option<u64>,
    /// Picodollars; none: no limit.
    pub limit: Option<u128>,
    /// When what was spent begins anew; none: never.
    pub reset: Option<Interval>,
    /// What was spent with keys that clients brought counts too.
    pub include_byok: bool,
    /// JSON object, which is nothing to the store.
    pub settings: String,
    /// Who made it.
    pub creator: Option<String>,
}

/// Which keys are listed. By default: all but those that are deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// Of this workspace only.
    pub workspace: Option<String>,
    /// Management keys only, or none of them.
    pub is_management: Option<bool>,
    /// Without those that are disabled.
    pub enabled_only: bool,
    /// With those that are deleted.
    pub with_deleted: bool,
}

/// The revision of the change that has its turn.
macro_rules! changing {
    () => {
        "(SELECT value FROM counters WHERE name = 'revision')"
    };
}

impl Store {
    /// Keeps a new key, in a workspace that is there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_key(&self, key: &KeyRow) -> Result<Change, Error> {
        self.within(async {
            let mut work = self.turn(REVISION).await?;
            if !workspaces::exists(&key.workspace, &mut work).await? {
                return Ok(Change::Missing);
            }
            if read_one(&key.hash, &mut work).await?.is_some() {
                return Ok(Change::Taken);
            }
            let count = sqlx::query_scalar("SELECT count(*) FROM keys WHERE deleted_ms IS NULL");
            let count: i64 = count.fetch_one(&mut *work).await?;
            if count >= i64::from(MAX_KEYS) {
                return Ok(Change::Full);
            }
            bind(sqlx::query(INSERT), key).execute(&mut *work).await?;
            work.commit().await?;
            Ok(Change::Done)
        })
        .await
    }

    /// The key with this hash, even if it is deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn key(&self, hash: &str) -> Result<Option<KeyRow>, Error> {
        self.within(async { read_one(hash, &mut *self.readers().acquire().await?).await }).await
    }

    /// A page of keys, the newest first, and how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keys(
        &self,
        filter: &KeyFilter,
        offset: u64,
        limit: u32,
    ) -> Result<(Vec<KeyRow>, u64), Error> {
        self.within(async {
            let workspace = filter.workspace.as_deref().map(name);
            let is_management = filter.is_management.map(i64::from);
            let mut view = self.view().await?;
            let rows = sqlx::query(LIST)
                .bind(&workspace)
                .bind(is_management)
                .bind(i64::from(filter.enabled_only))
                .bind(i64::from(filter.with_deleted))
                .bind(i64::from(limit))
                .bind(integer(offset))
                .fetch_all(&mut *view)
                .await?;
            let count: i64 = sqlx::query_scalar(COUNT)
                .bind(&workspace)
                .bind(is_management)
                .bind(i64::from(filter.enabled_only))
                .bind(i64::from(filter.with_deleted))
                .fetch_one(&mut *view)
                .await?;
            view.commit().await?;
            let page: Result<Vec<_>, _> = rows.iter().map(read).collect();
            Ok((page?, unsigned(count)))
        })
        .await
    }

    /// Changes a key that is not deleted, and returns it as it is then. Nobody changes it
    /// between. Its hash stays, and so does when it was made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_key(
        &self,
        hash: &str,
        edit: impl FnOnce(&mut KeyRow) + Send,
    ) -> Result<Option<KeyRow>, Error> {
        self.within(async {
            let mut work = self.turn(REVISION).await?;
            let Some(former) = read_one(hash, &mut work).await? else { return Ok(None) };
            if former.deleted_ms.is_some() {
                return Ok(None);
            }
            let mut key = former.clone();
            edit(&mut key);
            (key.hash, key.created_ms, key.deleted_ms) = (former.hash, former.created_ms, None);
            bind(sqlx::query(UPDATE), &key).execute(&mut *work).await?;
            let key = read_one(hash, &mut work).await?;
            work.commit().await?;
            Ok(key)
        })
        .await
    }

    /// Deletes a key; whether there was one. Its name stays for reports.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_key(&self, hash: &str, now_ms: u64) -> Result<bool, Error> {
        self.within(async {
            let mut work = self.turn(REVISION).await?;
            let query = concat!(
                "UPDATE keys SET deleted_ms = $1, revision = ",
                changing!(),
                " WHERE hash = $2 AND deleted_ms IS NULL"
            );
            let query = sqlx::query(query).bind(integer(now_ms)).bind(name(hash));
            let is_gone = query.execute(&mut *work).await?.rows_affected() > 0;
            if is_gone {
                work.commit().await?;
            }
            Ok(is_gone)
        })
        .await
    }

    /// Whether there ever was a key, be it deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_keys(&self) -> Result<bool, Error> {
        self.within(async {
            let query = sqlx::query_scalar::<_, i64>("SELECT created_ms FROM keys LIMIT 1");
            Ok(query.fetch_optional(self.readers()).await?.is_some())
        })
        .await
    }
}

/// Those that are not deleted.
pub(crate) async fn living(from: &mut AnyConnection) -> Result<Vec<KeyRow>, Error> {
    let query = sqlx::query("SELECT * FROM keys WHERE deleted_ms IS NULL ORDER BY hash");
    query.fetch_all(from).await?.iter().map(read).collect()
}

/// Those that were made, changed or deleted after a revision.
pub(crate) async fn changed_after(
    revision: i64,
    from: &mut AnyConnection,
) -> Result<Vec<KeyRow>, Error> {
    let query = sqlx::query("SELECT * FROM keys WHERE revision > $1 ORDER BY hash");
    query.bind(revision).fetch_all(from).await?.iter().map(read).collect()
}

/// Whether a workspace has keys that are not deleted.
pub(crate) async fn any_of(workspace: &str, from: &mut AnyConnection) -> Result<bool, Error> {
    let query = "SELECT created_ms FROM keys WHERE workspace = $1 AND deleted_ms IS NULL LIMIT 1";
    let query = sqlx::query_scalar::<_, i64>(query).bind(name(workspace));
    Ok(query.fetch_optional(from).await?.is_some())
}

/// Values in the order of [`bind`].
const INSERT: &str = concat!(
    "INSERT INTO keys (hash, name, label, workspace, is_management, created_ms, updated_ms, \
     expires_ms, disabled, deleted_ms, spend_limit, resets, include_byok, settings, creator, \
     revision) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, ",
    changing!(),
    ")"
);

const UPDATE: &str = concat!(
    "UPDATE keys SET name = $2, label = $3, workspace = $4, is_management = $5, \
     created_ms = $6, updated_ms = $7, expires_ms = $8, disabled = $9, deleted_ms = $10, \
     spend_limit = $11, resets = $12, include_byok = $13, settings = $14, creator = $15, \
     revision = ",
    changing!(),
    " WHERE hash = $1"
);

macro_rules! matching {
    () => {
        "($1 IS NULL OR workspace = $1) AND ($2 IS NULL OR is_management = $2) \
         AND ($3 = 0 OR disabled = 0) AND ($4 = 1 OR deleted_ms IS NULL)"
    };
}

const LIST: &str = concat!(
    "SELECT * FROM keys WHERE ",
    matching!(),
    " ORDER BY created_ms DESC, hash LIMIT $5 OFFSET $6"
);

const COUNT: &str = concat!("SELECT count(*) FROM keys WHERE ", matching!());

async fn read_one(hash: &str, from: &mut AnyConnection) -> Result<Option<KeyRow>, Error> {
    let query = sqlx::query("SELECT * FROM keys WHERE hash = $1").bind(name(hash));
    query.fetch_optional(from).await?.as_ref().map(read).transpose()
}

fn bind<'q>(query: Query<'q, Any, AnyArguments>, key: &KeyRow) -> Query<'q, Any, AnyArguments> {
    query
        .bind(name(&key.hash))
        .bind(text(&key.name))
        .bind(text(&key.label))
        .bind(name(&key.workspace))
        .bind(i64::from(key.is_management))
        .bind(integer(key.created_ms))
        .bind(integer(key.updated_ms))
        .bind(key.expires_ms.map(integer))
        .bind(i64::from(key.disabled))
        .bind(key.deleted_ms.map(integer))
        .bind(key.limit.map(|limit| limit.to_string()))
        .bind(key.reset.map(|reset| reset.as_str().to_owned()))
        .bind(i64::from(key.include_byok))
        .bind(text(&key.settings))
        .bind(key.creator.as_deref().map(text))
}

fn read(row: &AnyRow) -> Result<KeyRow, Error> {
    let number = |column| row.try_get::<i64, _>(column);
    let moment = |column| Ok::<_, Error>(row.try_get::<Option<i64>, _>(column)?.map(unsigned));
    let limit: Option<String> = row.try_get("spend_limit")?;
    let reset: Option<String> = row.try_get("resets")?;
    Ok(KeyRow {
        hash: row.try_get("hash")?,
        name: row.try_get("name")?,
        label: row.try_get("label")?,
        workspace: row.try_get("workspace")?,
        is_management: number("is_management")? != 0,
        created_ms: unsigned(number("created_ms")?),
        updated_ms: unsigned(number("updated_ms")?),
        expires_ms: moment("expires_ms")?,
        disabled: number("disabled")? != 0,
        deleted_ms: moment("deleted_ms")?,
        limit: limit.map(|limit| amount(&limit, "spend limit")).transpose()?,
        reset: reset.map(|reset| interval(&reset, "reset")).transpose()?,
        include_byok: number("include_byok")? != 0,
        settings: row.try_get("settings")?,
        creator: row.try_get("creator")?,
    })
}
