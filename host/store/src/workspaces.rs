//! Workspaces and their budgets.

use crate::accounts::{REVISION, amount, interval};
use crate::sql::{integer, name, text, unsigned};
use crate::{Change, Error, Interval, Store, byok, keys};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use std::collections::BTreeMap;

/// Workspaces that are kept.
pub const MAX_WORKSPACES: u32 = 10_000;

/// The id of the workspace that is there from the beginning, and stays.
pub const DEFAULT_WORKSPACE: &str = "default";

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceRow {
    /// Never changes.
    pub id: String,
    /// Its name in URLs.
    pub slug: String,
    /// For people.
    pub name: String,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_ms: u64,
    /// JSON object, which is nothing to the store.
    pub settings: String,
    /// Picodollars, at most one for each interval.
    pub budgets: Vec<(Interval, u128)>,
}

impl Store {
    /// Keeps a new workspace with its budgets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_workspace(&self, workspace: &WorkspaceRow) -> Result<Change, Error> {
        self.within(async {
            let mut work = self.turn(REVISION).await?;
            let query = sqlx::query("SELECT id FROM workspaces WHERE id = $1 OR slug = $2");
            let query = query.bind(name(&workspace.id)).bind(name(&workspace.slug));
            if query.fetch_optional(&mut *work).await?.is_some() {
                return Ok(Change::Taken);
            }
            let count = sqlx::query_scalar("SELECT count(*) FROM workspaces");
            let count: i64 = count.fetch_one(&mut *work).await?;
            if count >= i64::from(MAX_WORKSPACES) {
                return Ok(Change::Full);
            }
            sqlx::query(INSERT)
                .bind(name(&workspace.id))
                .bind(name(&workspace.slug))
                .bind(text(&workspace.name))
                .bind(integer(workspace.created_ms))
                .bind(integer(workspace.updated_ms))
                .bind(text(&workspace.settings))
                .execute(&mut *work)
                .await?;
            for (period, amount) in &workspace.budgets {
                put_budget(&workspace.id, *period, Some(*amount), &mut work).await?;
            }
            work.commit().await?;
            Ok(Change::Done)
        })
        .await
    }

    /// The workspace with this id, or else with this slug.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn workspace(&self, id_or_slug: &str) -> Result<Option<WorkspaceRow>, Error> {
        self.within(async {
            let mut view = self.view().await?;
            let query = "SELECT * FROM workspaces WHERE id = $1 OR slug = $1 \
                         ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END LIMIT 1";
            let found =
                sqlx::query(query).bind(name(id_or_slug)).fetch_optional(&mut *view).await?;
            let Some(mut workspace) = found.as_ref().map(read).transpose()? else {
                return Ok(None);
            };
            workspace.budgets = budgets_of(&workspace.id, &mut view).await?;
            view.commit().await?;
            Ok(Some(workspace))
        })
        .await
    }

    /// A page of workspaces, the oldest first, and how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn workspaces(
        &self,
        offset: u64,
        limit: u32,
    ) -> Result<(Vec<WorkspaceRow>, u64), Error> {
        self.within(async {
            let mut view = self.view().await?;
            let query = "SELECT * FROM workspaces ORDER BY created_ms, id LIMIT $1 OFFSET $2";
            let query = sqlx::query(query).bind(i64::from(limit)).bind(integer(offset));
            let rows = query.fetch_all(&mut *view).await?;
            let mut page = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            for workspace in &mut page {
                workspace.budgets = budgets_of(&workspace.id, &mut view).await?;
            }
            let count = sqlx::query_scalar("SELECT count(*) FROM workspaces");
            let count: i64 = count.fetch_one(&mut *view).await?;
            view.commit().await?;
            Ok((page, unsigned(count)))
        })
        .await
    }

    /// Changes a workspace; nobody changes it between. Its id stays, and so do its budgets
    /// and when it was made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_workspace(
        &self,
        id: &str,
        edit: impl FnOnce(&mut WorkspaceRow) + Send,
    ) -> Result<Change, Error> {
        self.within(async {
            let mut work = self.turn(REVISION).await?;
            let query = sqlx::query("SELECT * FROM workspaces WHERE id = $1").bind(name(id));
            let found = query.fetch_optional(&mut *work).await?;
            let Some(mut workspace) = found.as_ref().map(read).transpose()? else {
                return Ok(Change::Missing);
            };
            workspace.budgets = budgets_of(&workspace.id, &mut work).await?;
            edit(&mut workspace);
            let query = sqlx::query("SELECT id FROM workspaces WHERE slug = $1 AND id <> $2");
            let query = query.bind(name(&workspace.slug)).bind(name(id));
            if query.fetch_optional(&mut *work).await?.is_some() {
                return Ok(Change::Taken);
            }
            sqlx::query(UPDATE)
                .bind(name(id))
                .bind(name(&workspace.slug))
                .bind(text(&workspace.name))
                .bind(integer(workspace.updated_ms))
                .bind(text(&workspace.settings))
                .execute(&mut *work)
                .await?;
            work.commit().await?;
            Ok(Change::Done)
        })
        .await
    }

    /// Sets the budget of an interval; none: it has no bound.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_budget(
        &self,
        workspace: &str,
        interval: Interval,
        amount: Option<u128>,
    ) -> Result<Change, Error> {
        self.within(async {
            let mut work = self.turn(REVISION).await?;
            if !exists(workspace, &mut work).await? {
                return Ok(Change::Missing);
            }
            put_budget(workspace, interval, amount, &mut work).await?;
            work.commit().await?;
            Ok(Change::Done)
        })
        .await
    }

    /// Deletes a workspace that has no keys any more. The default one stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_workspace(&self, id: &str) -> Result<Change, Error> {
        self.within(async {
            let mut work = self.turn(REVISION).await?;
            let is_kept = id == DEFAULT_WORKSPACE
                || keys::any_of(id, &mut work).await?
                || byok::any_of(id, &mut work).await?;
            if is_kept {
                return Ok(Change::InUse);
            }
            let budgets = sqlx::query("DELETE FROM budgets WHERE workspace = $1").bind(name(id));
            budgets.execute(&mut *work).await?;
            let query = sqlx::query("DELETE FROM workspaces WHERE id = $1").bind(name(id));
            if query.execute(&mut *work).await?.rows_affected() == 0 {
                return Ok(Change::Missing);
            }
            work.commit().await?;
            Ok(Change::Done)
        })
        .await
    }
}

/// All of them.
pub(crate) async fn all(from: &mut AnyConnection) -> Result<Vec<WorkspaceRow>, Error> {
    let budgets = sqlx::query_as("SELECT workspace, period, amount FROM budgets");
    let budgets: Vec<(String, String, String)> = budgets.fetch_all(&mut *from).await?;
    let mut by_workspace: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (workspace, period, limit) in budgets {
        by_workspace.entry(workspace).or_default().push(budget(&period, &limit)?);
    }
    let query = sqlx::query("SELECT * FROM workspaces ORDER BY created_ms, id");
    let rows = query.fetch_all(from).await?;
    let with_budgets = |row| {
        let mut workspace = read(row)?;
        workspace.budgets = by_workspace.remove(&workspace.id).unwrap_or_default();
        workspace.budgets.sort_unstable();
        Ok(workspace)
    };
    rows.iter().map(with_budgets).collect()
}

pub(crate) async fn exists(id: &str, from: &mut AnyConnection) -> Result<bool, Error> {
    let query = sqlx::query("SELECT id FROM workspaces WHERE id = $1").bind(name(id));
    Ok(query.fetch_optional(from).await?.is_some())
}

const INSERT: &str = "INSERT INTO workspaces (id, slug, name, created_ms, updated_ms, settings) \
    VALUES ($1, $2, $3, $4, $5, $6)";

const UPDATE: &str =
    "UPDATE workspaces SET slug = $2, name = $3, updated_ms = $4, settings = $5 WHERE id = $1";

async fn put_budget(
    workspace: &str,
    period: Interval,
    amount: Option<u128>,
    to: &mut AnyConnection,
) -> Result<(), Error> {
    let former = sqlx::query("DELETE FROM budgets WHERE workspace = $1 AND period = $2");
    former.bind(name(workspace)).bind(period.as_str()).execute(&mut *to).await?;
    if let Some(amount) = amount {
        let query = "INSERT INTO budgets (workspace, period, amount) VALUES ($1, $2, $3)";
        let query = sqlx::query(query).bind(name(workspace)).bind(period.as_str());
        query.bind(amount.to_string()).execute(to).await?;
    }
    Ok(())
}

/// From the shortest interval on.
async fn budgets_of(
    workspace: &str,
    from: &mut AnyConnection,
) -> Result<Vec<(Interval, u128)>, Error> {
    let query = sqlx::query_as("SELECT period, amount FROM budgets WHERE workspace = $1");
    let rows: Vec<(String, String)> = query.bind(name(workspace)).fetch_all(from).await?;
    let budgets = rows.iter().map(|(period, limit)| budget(period, limit));
    let mut budgets = budgets.collect::<Result<Vec<_>, _>>()?;
    budgets.sort_unstable();
    Ok(budgets)
}

fn budget(period: &str, limit: &str) -> Result<(Interval, u128), Error> {
    Ok((interval(period, "budget's interval")?, amount(limit, "budget")?))
}

fn read(row: &AnyRow) -> Result<WorkspaceRow, Error> {
    Ok(WorkspaceRow {
        id: row.try_get("id")?,
        slug: row.try_get("slug")?,
        name: row.try_get("name")?,
        created_ms: unsigned(row.try_get("created_ms")?),
        updated_ms: unsigned(row.try_get("updated_ms")?),
        settings: row.try_get("settings")?,
        budgets: Vec::new(),
    })
}
