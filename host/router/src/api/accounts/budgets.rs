//! `/v1/workspaces/{id}/budgets`: what the keys of a workspace may spend together.

use super::given::{self, wrong};
use super::shape::Deleted;
use super::typed::{Dollars, Moment, Reset, given};
use super::workspaces::{find, missing};
use super::{Answer, done, failed, unreadable};
use crate::account::{Workspace, WorkspaceSettings};
use crate::api::openapi::Refusals;
use crate::error::{Code, Error};
use crate::{Router, Settings};
use http::Request;
use hyper::body::Incoming;
use plugway_store::{Change, Interval, WorkspaceRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How often a budget begins anew.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "there to be described: paths hold it as text")]
pub(in crate::api) enum BudgetInterval {
    Daily,
    Weekly,
    Monthly,
    /// Never.
    Lifetime,
}

/// A budget to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct SetBudget {
    /// US dollars, more than 0: more than the budgets of shorter intervals, and less than
    /// those of longer ones.
    limit_usd: Dollars,
    /// Whether what is paid with clients' own provider keys counts. Holds for all budgets
    /// of the workspace.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    include_byok_in_budgets: Option<bool>,
}

/// What the keys of a workspace may spend together.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Budget {
    /// Workspace and interval.
    id: String,
    workspace_id: String,
    limit_usd: Dollars,
    /// Null: it never begins anew.
    #[schema(required = true)]
    reset_interval: Option<Reset>,
    /// Of the workspace.
    created_at: Moment,
    /// Of the workspace.
    updated_at: Moment,
}

/// One budget.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct BudgetData {
    data: Budget,
    include_byok_in_budgets: bool,
}

/// All budgets of a workspace.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Budgets {
    data: Vec<Budget>,
    include_byok_in_budgets: bool,
}

impl Budget {
    fn new(workspace: &WorkspaceRow, interval: Interval, limit: u128) -> Self {
        Self {
            id: format!("{}/{}", workspace.id, interval.as_str()),
            workspace_id: workspace.id.clone(),
            limit_usd: Dollars(limit),
            reset_interval: Reset::of(interval),
            created_at: Moment(workspace.created_ms),
            updated_at: Moment(workspace.updated_ms),
        }
    }
}

/// List the budgets of a workspace
#[utoipa::path(
    get, path = "/v1/workspaces/{id}/budgets", tag = "workspaces", operation_id = "listBudgets",
    params(("id" = String, Path, description = "The workspace's id or slug.")),
    security(("management_key" = [])),
    responses((status = 200, description = "Its budgets.", body = Budgets), Refusals),
)]
pub(super) fn list(router: &Router, id: &str) -> Result<Answer, Error> {
    let workspace = find(router, id)?;
    let budget =
        |(interval, limit): &(Interval, u128)| Budget::new(&workspace.row, *interval, *limit);
    Answer::ok(&Budgets {
        data: workspace.row.budgets.iter().map(budget).collect(),
        include_byok_in_budgets: workspace.settings.include_byok_in_budgets,
    })
}

/// Show a budget
#[utoipa::path(
    get, path = "/v1/workspaces/{id}/budgets/{interval}", tag = "workspaces",
    operation_id = "getBudget",
    params(
        ("id" = String, Path, description = "The workspace's id or slug."),
        ("interval" = BudgetInterval, Path, description = "Which of its budgets."),
    ),
    security(("management_key" = [])),
    responses((status = 200, description = "The budget.", body = BudgetData), Refusals),
)]
pub(super) fn one(router: &Router, (id, interval): (&str, &str)) -> Result<Answer, Error> {
    let interval = read_interval(interval)?;
    Answer::ok(&data(&*find(router, id)?, interval)?)
}

/// Set a budget
///
/// Or change it, if there is one for this interval.
#[utoipa::path(
    put, path = "/v1/workspaces/{id}/budgets/{interval}", tag = "workspaces",
    operation_id = "setBudget",
    params(
        ("id" = String, Path, description = "The workspace's id or slug."),
        ("interval" = BudgetInterval, Path, description = "Which of its budgets."),
    ),
    request_body = SetBudget, security(("management_key" = [])),
    responses((status = 200, description = "The budget as it is now.", body = BudgetData), Refusals),
)]
pub(super) async fn set(
    router: &Router,
    settings: &Settings,
    (id, interval): (&str, &str),
    request: Request<Incoming>,
) -> Result<Answer, Error> {
    let interval = read_interval(interval)?;
    let workspace = find(router, id)?;
    let wanted: SetBudget = given::read(router, settings, request).await?;
    if workspace.is_unreadable {
        return Err(unreadable("workspace"));
    }
    check_order(&workspace.row, interval, wanted.limit_usd.0)?;
    let (id, now_ms) = (&workspace.row.id, router.clock.unix_ms());
    if let Some(include) = wanted.include_byok_in_budgets {
        let edit = move |row: &mut WorkspaceRow| {
            // What nobody can read stays as it is.
            if let Some(before) = WorkspaceSettings::of(row) {
                let kept = WorkspaceSettings { include_byok_in_budgets: include, ..before };
                row.settings = kept.written();
            }
            row.updated_ms = now_ms;
        };
        let change = router.store.update_workspace(id, edit).await.map_err(failed)?;
        expect(change, id)?;
    }
    let limit = Some(wanted.limit_usd.0);
    let change = router.store.set_budget(id, interval, limit).await.map_err(failed)?;
    expect(change, id)?;
    router.accounts.refresh().await.map_err(failed)?;
    Answer::ok(&data(&*find(router, id)?, interval)?)
}

/// Remove a budget
///
/// Or do nothing, if there is none.
#[utoipa::path(
    delete, path = "/v1/workspaces/{id}/budgets/{interval}", tag = "workspaces",
    operation_id = "deleteBudget",
    params(
        ("id" = String, Path, description = "The workspace's id or slug."),
        ("interval" = BudgetInterval, Path, description = "Which of its budgets."),
    ),
    security(("management_key" = [])),
    responses((status = 200, description = "There is none now.", body = Deleted), Refusals),
)]
pub(super) async fn delete(router: &Router, (id, interval): (&str, &str)) -> Result<Answer, Error> {
    let interval = read_interval(interval)?;
    let workspace = find(router, id)?;
    let id = &workspace.row.id;
    let change = router.store.set_budget(id, interval, None).await.map_err(failed)?;
    expect(change, id)?;
    router.accounts.refresh().await.map_err(failed)?;
    Answer::ok(&Deleted { deleted: true })
}

fn expect(change: Change, id: &str) -> Result<(), Error> {
    match change {
        Change::Missing => Err(missing(id)),
        change => done(change, "workspaces"),
    }
}

fn read_interval(name: &str) -> Result<Interval, Error> {
    Interval::from_name(name)
        .ok_or_else(|| wrong("interval", "be one of `daily`, `weekly`, `monthly` and `lifetime`"))
}

/// A budget that a shorter interval's exceeds would never be reached.
fn check_order(row: &WorkspaceRow, interval: Interval, limit: u128) -> Result<(), Error> {
    if limit == 0 {
        return Err(wrong("limit_usd", "be more than 0"));
    }
    for (other, amount) in row.budgets.iter().filter(|(other, _)| *other != interval) {
        let (is_fine, than) = match *other < interval {
            true => (*amount < limit, "more"),
            false => (limit < *amount, "less"),
        };
        if !is_fine {
            let other = other.as_str();
            return Err(wrong("limit_usd", &format!("be {than} than the {other} budget")));
        }
    }
    Ok(())
}

fn data(workspace: &Workspace, interval: Interval) -> Result<BudgetData, Error> {
    let budget = workspace.row.budgets.iter().find(|(it, _)| *it == interval);
    let Some((_, limit)) = budget else {
        let message = format!("The workspace has no {} budget.", interval.as_str());
        return Err(Error::new(Code::NotFound, message));
    };
    Ok(BudgetData {
        data: Budget::new(&workspace.row, interval, *limit),
        include_byok_in_budgets: workspace.settings.include_byok_in_budgets,
    })
}
