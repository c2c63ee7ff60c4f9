//! Providers' keys that clients brought. Here they are sealed: who opens them has the master
//! key, and is elsewhere.

use crate::accounts::REVISION;
use crate::sql::{integer, name, text, unsigned};
use crate::{Change, Error, Store, workspaces};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, Row};
use std::fmt;

/// Providers' keys that are kept.
pub const MAX_BYOK: u32 = 10_000;

/// A provider's key. `Debug` does not show it, sealed though it is.
#[derive(Clone, PartialEq, Eq)]
pub struct ByokRow {
    /// Never changes.
    pub id: String,
    /// Who may use it; none: all.
    pub workspace: Option<String>,
    /// Whose key it is.
    pub provider: String,
    /// For people.
    pub name: String,
    /// Lower ones are tried first.
    pub position: i64,
    /// It is tried after the router's own.
    pub is_fallback: bool,
    /// It is not tried.
    pub disabled: bool,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_ms: u64,
    /// Encrypted.
    pub sealed: Vec<u8>,
    /// With which master key.
    pub key_id: String,
    /// What people see of it.
    pub label: String,
    /// JSON object, which is nothing to the store.
    pub settings: String,
}

/// A secret under another master key.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Encrypted.
    pub sealed: Vec<u8>,
    /// With which master key.
    pub key_id: String,
}

impl fmt::Debug for ByokRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ByokRow({}, {:?}, {}, {})", self.id, self.workspace, self.provider, self.key_id)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({})", self.key_id)
    }
}

impl Store {
    /// Keeps a new one, for a workspace that is there, or for all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_byok(&self, row: &ByokRow) -> Result<Change, Error> {
        self.within(async {
            let mut work = self.turn(REVISION).await?;
            if let Some(workspace) = &row.workspace
                && !workspaces::exists(workspace, &mut work).await?
            {
                return Ok(Change::Missing);
            }
            if read_one(&row.id, &mut work).await?.is_some() {
                return Ok(Change::Taken);
            }
            let count = sqlx::query_scalar("SELECT count(*) FROM byok");
            let count: i64 = count.fetch_one(&mut *work).await?;
            if count >= i64::from(MAX_BYOK) {
                return Ok(Change::Full);
            }
            bind(sqlx::query(INSERT), row).execute(&mut *work).await?;
            work.commit().await?;
            Ok(Change::Done)
        })
        .await
    }

    /// The one with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn byok(&self, id: &str) -> Result<Option<ByokRow>, Error> {
        self.within(async { read_one(id, &mut *self.readers().acquire().await?).await }).await
    }

    /// A page of them, in the order in which they are tried, and how many there are: of one
    /// workspace, of one provider, or of all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn byoks(
        &self,
        workspace: Option<&str>,
        provider: Option<&str>,
        offset: u64,
        limit: u32,
    ) -> Result<(Vec<ByokRow>, u64), Error> {
        self.within(async {
            let (workspace, provider) = (workspace.map(name), provider.map(name));
            let mut view = self.view().await?;
            let page = sqlx::query(LIST).bind(&workspace).bind(&provider);
            let page = page.bind(i64::from(limit)).bind(integer(offset));
            let rows = page.fetch_all(&mut *view).await?;
            let count = sqlx::query_scalar(COUNT).bind(&workspace).bind(&provider);
            let count: i64 = count.fetch_one(&mut *view).await?;
            view.commit().await?;
            Ok((rows.iter().map(read).collect::<Result<_, _>>()?, unsigned(count)))
        })
        .await
    }

    /// Changes one, and returns it as it is then; nobody changes it between. Its id stays,
    /// and so does when it was made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_byok(
        &self,
        id: &str,
        edit: impl FnOnce(&mut ByokRow) + Send,
    ) -> Result<Option<ByokRow>, Error> {
        self.within(async {
            let mut work = self.turn(REVISION).await?;
            let Some(former) = read_one(id, &mut work).await? else { return Ok(None) };
            let mut row = former.clone();
            edit(&mut row);
            (row.id, row.created_ms) = (former.id, former.created_ms);
            bind(sqlx::query(UPDATE), &row).execute(&mut *work).await?;
            let row = read_one(id, &mut work).await?;
            work.commit().await?;
            Ok(row)
        })
        .await
    }

    /// Deletes one; whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_byok(&self, id: &str) -> Result<bool, Error> {
        self.within(async {
            let mut work = self.turn(REVISION).await?;
            let query = sqlx::query("DELETE FROM byok WHERE id = $1").bind(name(id));
            let is_gone = query.execute(&mut *work).await?.rows_affected() > 0;
            if is_gone {
                work.commit().await?;
            }
            Ok(is_gone)
        })
        .await
    }

    /// Puts all of them under another master key, or none, if one cannot be: then what
    /// `reseal` said of it is returned. It leaves out those that need no change. Nobody
    /// changes, adds or removes one meanwhile. Returns how many were changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reseal_byok<E>(
        &self,
        now_ms: u64,
        mut reseal: impl FnMut(&ByokRow) -> Result<Option<Sealed>, E> + Send,
    ) -> Result<Result<u64, E>, Error>
    where
        E: Send,
    {
        self.within(async {
            let mut work = self.turn(REVISION).await?;
            let mut changed = 0;
            for row in all(&mut work).await? {
                let sealed = match reseal(&row) {
                    Ok(Some(sealed)) => sealed,
                    Ok(None) => continue,
                    Err(error) => return Ok(Err(error)),
                };
                let query =
                    "UPDATE byok SET sealed = $2, key_id = $3, updated_ms = $4 WHERE id = $1";
                sqlx::query(query)
                    .bind(&row.id)
                    .bind(sealed.sealed)
                    .bind(text(&sealed.key_id))
                    .bind(integer(now_ms))
                    .execute(&mut *work)
                    .await?;
                changed += 1;
            }
            work.commit().await?;
            Ok(Ok(changed))
        })
        .await
    }
}

/// All of them, in the order in which they are tried.
pub(crate) async fn all(from: &mut AnyConnection) -> Result<Vec<ByokRow>, Error> {
    let query = sqlx::query("SELECT * FROM byok ORDER BY position, created_ms, id");
    query.fetch_all(from).await?.iter().map(read).collect()
}

/// Whether a workspace has some.
pub(crate) async fn any_of(workspace: &str, from: &mut AnyConnection) -> Result<bool, Error> {
    let query = sqlx::query("SELECT id FROM byok WHERE workspace = $1 LIMIT 1");
    Ok(query.bind(name(workspace)).fetch_optional(from).await?.is_some())
}

/// Values in the order of [`bind`].
const INSERT: &str = "INSERT INTO byok (id, workspace, provider, name, position, is_fallback, \
    disabled, created_ms, updated_ms, sealed, key_id, label, settings) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

const UPDATE: &str = "UPDATE byok SET workspace = $2, provider = $3, name = $4, position = $5, \
    is_fallback = $6, disabled = $7, created_ms = $8, updated_ms = $9, sealed = $10, \
    key_id = $11, label = $12, settings = $13 WHERE id = $1";

const LIST: &str = "SELECT * FROM byok WHERE ($1 IS NULL OR workspace = $1) \
    AND ($2 IS NULL OR provider = $2) ORDER BY position, created_ms, id LIMIT $3 OFFSET $4";

const COUNT: &str = "SELECT count(*) FROM byok WHERE ($1 IS NULL OR workspace = $1) \
    AND ($2 IS NULL OR provider = $2)";

async fn read_one(id: &str, from: &mut AnyConnection) -> Result<Option<ByokRow>, Error> {
    let query = sqlx::query("SELECT * FROM byok WHERE id = $1").bind(name(id));
    query.fetch_optional(from).await?.as_ref().map(read).transpose()
}

fn bind<'q>(query: Query<'q, Any, AnyArguments>, row: &ByokRow) -> Query<'q, Any, AnyArguments> {
    query
        .bind(name(&row.id))
        .bind(row.workspace.as_deref().map(name))
        .bind(name(&row.provider))
        .bind(text(&row.name))
        .bind(row.position)
        .bind(i64::from(row.is_fallback))
        .bind(i64::from(row.disabled))
        .bind(integer(row.created_ms))
        .bind(integer(row.updated_ms))
        .bind(row.sealed.clone())
        .bind(text(&row.key_id))
        .bind(text(&row.label))
        .bind(text(&row.settings))
}

fn read(row: &AnyRow) -> Result<ByokRow, Error> {
    Ok(ByokRow {
        id: row.try_get("id")?,
        workspace: row.try_get("workspace")?,
        provider: row.try_get("provider")?,
        name: row.try_get("name")?,
        position: row.try_get("position")?,
        is_fallback: row.try_get::<i64, _>("is_fallback")? != 0,
        disabled: row.try_get::<i64, _>("disabled")? != 0,
        created_ms: unsigned(row.try_get("created_ms")?),
        updated_ms: unsigned(row.try_get("updated_ms")?),
        sealed: row.try_get("sealed")?,
        key_id: row.try_get("key_id")?,
        label: row.try_get("label")?,
        settings: row.try_get("settings")?,
    })
}
