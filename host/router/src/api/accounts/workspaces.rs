//! `/v1/workspaces`: keys that belong together, with budgets and rates of their own.

use super::given::{self, Query, shown, wrong};
use super::shape::{Deleted, settings_error};
use super::typed::{Moment, given, given_or_null};
use super::{Answer, done, failed, random_id, unreadable};
use crate::account::{Workspace, WorkspaceSettings};
use crate::api::openapi::Refusals;
use crate::error::{Code, Error};
use crate::{Router, Settings};
use http::Request;
use hyper::body::Incoming;
use plugway_accounts::KeySettings;
use plugway_store::{Change, DEFAULT_WORKSPACE, WorkspaceRow};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;
use utoipa::ToSchema;

/// Characters of a name.
const NAME: RangeInclusive<usize> = 1..=100;

/// Characters of a description.
const DESCRIPTION: RangeInclusive<usize> = 0..=500;

/// Characters of a slug.
const SLUG: RangeInclusive<usize> = 1..=50;

/// A workspace to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct CreateWorkspace {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it goes by in URLs; no two have the same.
    #[schema(min_length = 1, max_length = 50, pattern = "^[a-z0-9]+(?:-[a-z0-9]+)*$")]
    slug: String,
    #[serde(default)]
    #[schema(max_length = 500)]
    description: Option<String>,
    /// Requests that its keys may send in a minute together; null: any number.
    #[serde(default)]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 1_000_000_000)]
    requests_per_minute: Option<NonZeroU32>,
    /// Tokens that its keys may use in a minute together; null: any number.
    #[serde(default)]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 1_000_000_000)]
    tokens_per_minute: Option<NonZeroU32>,
    /// Requests that its keys may have under way at once; null: any number.
    #[serde(default)]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 1_000_000_000)]
    concurrent_requests: Option<NonZeroU32>,
}

/// What is to change of a workspace. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ChangeWorkspace {
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    name: Option<String>,
    /// What it goes by in URLs; no two have the same.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 50, pattern = "^[a-z0-9]+(?:-[a-z0-9]+)*$")]
    slug: Option<String>,
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<String>, required = false, max_length = 500)]
    description: Option<Option<String>>,
    /// Requests that its keys may send in a minute together; null: any number.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 1_000_000_000)]
    requests_per_minute: Option<Option<NonZeroU32>>,
    /// Tokens that its keys may use in a minute together; null: any number.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 1_000_000_000)]
    tokens_per_minute: Option<Option<NonZeroU32>>,
    /// Requests that its keys may have under way at once; null: any number.
    #[serde(default, deserialize_with = "given_or_null")]
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 1_000_000_000)]
    concurrent_requests: Option<Option<NonZeroU32>>,
}

/// A workspace. Of OpenRouter's fields, those of what this router does not do are null,
/// off, or say that nothing is left out.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct WorkspaceInfo {
    id: String,
    name: String,
    slug: String,
    #[schema(required = true)]
    description: Option<String>,
    created_at: Moment,
    #[schema(required = true)]
    updated_at: Option<Moment>,
    #[schema(required = true)]
    created_by: Option<String>,
    /// Whether what is paid with clients' own provider keys counts towards its budgets.
    include_byok_in_budgets: bool,
    #[schema(value_type = Option<u32>, required = true)]
    requests_per_minute: Option<NonZeroU32>,
    #[schema(value_type = Option<u32>, required = true)]
    tokens_per_minute: Option<NonZeroU32>,
    #[schema(value_type = Option<u32>, required = true)]
    concurrent_requests: Option<NonZeroU32>,
    /// There are no guardrails here: the workspace's own id.
    default_guardrail_id: String,
    #[schema(required = true)]
    default_image_model: Option<String>,
    #[schema(required = true)]
    default_text_model: Option<String>,
    #[schema(required = true)]
    default_provider_sort: Option<String>,
    #[schema(required = true)]
    io_logging_api_key_ids: Option<Vec<String>>,
    io_logging_sampling_rate: u32,
    is_data_discount_logging_enabled: bool,
    is_observability_broadcast_enabled: bool,
    is_observability_io_logging_enabled: bool,
}

/// One workspace.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct WorkspaceData {
    data: WorkspaceInfo,
}

/// A page of workspaces.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Workspaces {
    data: Vec<WorkspaceInfo>,
    /// Of all pages.
    total_count: u64,
}

impl WorkspaceInfo {
    fn new(workspace: &Workspace) -> Self {
        let Workspace { row, settings, .. } = workspace;
        Self {
            id: row.id.clone(),
            name: row.name.clone(),
            slug: row.slug.clone(),
            description: settings.description.clone(),
            created_at: Moment(row.created_ms),
            updated_at: (row.updated_ms > row.created_ms).then_some(Moment(row.updated_ms)),
            created_by: None,
            include_byok_in_budgets: settings.include_byok_in_budgets,
            requests_per_minute: settings.requests_per_minute,
            tokens_per_minute: settings.tokens_per_minute,
            concurrent_requests: settings.concurrent_requests,
            default_guardrail_id: row.id.clone(),
            default_image_model: None,
            default_text_model: None,
            default_provider_sort: None,
            io_logging_api_key_ids: None,
            io_logging_sampling_rate: 1,
            is_data_discount_logging_enabled: false,
            is_observability_broadcast_enabled: false,
            is_observability_io_logging_enabled: false,
        }
    }
}

/// Make a workspace
#[utoipa::path(
    post, path = "/v1/workspaces", tag = "workspaces", operation_id = "createWorkspace",
    request_body = CreateWorkspace, security(("management_key" = [])),
    responses((status = 201, description = "The workspace.", body = WorkspaceData), Refusals),
)]
pub(super) async fn create(
    router: &Router,
    settings: &Settings,
    request: Request<Incoming>,
) -> Result<Answer, Error> {
    let wanted: CreateWorkspace = given::read(router, settings, request).await?;
    given::text("name", &wanted.name, NAME)?;
    check_slug(&wanted.slug)?;
    check_description(wanted.description.as_deref())?;
    let kept = WorkspaceSettings {
        description: wanted.description,
        include_byok_in_budgets: false,
        requests_per_minute: wanted.requests_per_minute,
        tokens_per_minute: wanted.tokens_per_minute,
        concurrent_requests: wanted.concurrent_requests,
    };
    check_rates(&kept)?;
    let now_ms = router.clock.unix_ms();
    let row = WorkspaceRow {
        id: random_id(),
        slug: wanted.slug,
        name: wanted.name,
        created_ms: now_ms,
        updated_ms: now_ms,
        settings: kept.written(),
        budgets: Vec::new(),
    };
    match router.store.create_workspace(&row).await.map_err(failed)? {
        Change::Taken => return Err(taken(&row.slug)),
        change => done(change, "workspaces")?,
    }
    router.accounts.refresh().await.map_err(failed)?;
    Answer::created(&data(router, &row.id)?)
}

/// List workspaces
///
/// Oldest first, the default one before all.
#[utoipa::path(
    get, path = "/v1/workspaces", tag = "workspaces", operation_id = "listWorkspaces",
    params(
        ("offset" = Option<u32>, Query, minimum = 0, maximum = 10_000_000, description = "Workspaces to skip."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Workspaces of a page, 50 where it is left out."),
    ),
    security(("management_key" = [])),
    responses((status = 200, description = "A page of workspaces.", body = Workspaces), Refusals),
)]
pub(super) fn list(router: &Router, query: Option<&str>) -> Result<Answer, Error> {
    let (offset, limit) = Query::read(query, &["offset", "limit"])?.page()?;
    let accounts = router.accounts.now();
    let all = &accounts.workspaces;
    let page = all.iter().skip(offset as usize).take(limit as usize);
    let data = page.map(|it| WorkspaceInfo::new(it)).collect();
    Answer::ok(&Workspaces { data, total_count: all.len() as u64 })
}

/// Show a workspace
#[utoipa::path(
    get, path = "/v1/workspaces/{id}", tag = "workspaces", operation_id = "getWorkspace",
    params(("id" = String, Path, description = "Its id or its slug.")),
    security(("management_key" = [])),
    responses((status = 200, description = "The workspace.", body = WorkspaceData), Refusals),
)]
pub(super) fn one(router: &Router, id: &str) -> Result<Answer, Error> {
    Answer::ok(&data(router, id)?)
}

/// Change a workspace
#[utoipa::path(
    patch, path = "/v1/workspaces/{id}", tag = "workspaces", operation_id = "updateWorkspace",
    params(("id" = String, Path, description = "Its id or its slug.")),
    request_body = ChangeWorkspace, security(("management_key" = [])),
    responses((status = 200, description = "The workspace as it is now.", body = WorkspaceData), Refusals),
)]
pub(super) async fn change(
    router: &Router,
    settings: &Settings,
    id: &str,
    request: Request<Incoming>,
) -> Result<Answer, Error> {
    let workspace = find(router, id)?;
    if workspace.is_unreadable {
        return Err(unreadable("workspace"));
    }
    let id = workspace.row.id.clone();
    let wanted: ChangeWorkspace = given::read(router, settings, request).await?;
    if let Some(name) = &wanted.name {
        given::text("name", name, NAME)?;
    }
    if let Some(slug) = &wanted.slug {
        check_slug(slug)?;
    }
    check_description(wanted.description.as_ref().and_then(|it| it.as_deref()))?;
    let mut changed = WorkspaceSettings::default();
    wanted.settle(&mut changed);
    check_rates(&changed)?;
    let slug = wanted.slug.clone().unwrap_or_default();
    let now_ms = router.clock.unix_ms();
    let edit = move |row: &mut WorkspaceRow| {
        // What nobody can read stays as it is.
        if let Some(mut kept) = WorkspaceSettings::of(row) {
            wanted.settle(&mut kept);
            row.settings = kept.written();
        }
        row.name = wanted.name.unwrap_or_else(|| row.name.clone());
        row.slug = wanted.slug.unwrap_or_else(|| row.slug.clone());
        row.updated_ms = now_ms;
    };
    match router.store.update_workspace(&id, edit).await.map_err(failed)? {
        Change::Taken => return Err(taken(&slug)),
        Change::Missing => return Err(missing(&id)),
        change => done(change, "workspaces")?,
    }
    router.accounts.refresh().await.map_err(failed)?;
    Answer::ok(&data(router, &id)?)
}

impl ChangeWorkspace {
    fn settle(&self, settings: &mut WorkspaceSettings) {
        if let Some(description) = &self.description {
            settings.description.clone_from(description);
        }
        for (slot, given) in [
            (&mut settings.requests_per_minute, self.requests_per_minute),
            (&mut settings.tokens_per_minute, self.tokens_per_minute),
            (&mut settings.concurrent_requests, self.concurrent_requests),
        ] {
            *slot = given.unwrap_or(*slot);
        }
    }
}

/// Delete a workspace
///
/// With its budgets. One that has keys, be they clients' or providers', stays, and so does
/// the default one.
#[utoipa::path(
    delete, path = "/v1/workspaces/{id}", tag = "workspaces", operation_id = "deleteWorkspace",
    params(("id" = String, Path, description = "Its id or its slug.")),
    security(("management_key" = [])),
    responses((status = 200, description = "It is gone.", body = Deleted), Refusals),
)]
pub(super) async fn delete(router: &Router, id: &str) -> Result<Answer, Error> {
    let id = find(router, id)?.row.id.clone();
    if id == DEFAULT_WORKSPACE {
        return Err(Error::new(Code::Forbidden, "The default workspace cannot be deleted."));
    }
    match router.store.delete_workspace(&id).await.map_err(failed)? {
        Change::Missing => return Err(missing(&id)),
        Change::InUse => {
            let message = "The workspace has keys; delete them first, or move what they are for.";
            return Err(Error::new(Code::Conflict, message));
        }
        change => done(change, "workspaces")?,
    }
    router.accounts.refresh().await.map_err(failed)?;
    Answer::ok(&Deleted { deleted: true })
}

/// The workspace with this id or slug.
pub(super) fn find(router: &Router, id: &str) -> Result<Arc<Workspace>, Error> {
    router.accounts.now().workspace(id).cloned().ok_or_else(|| missing(id))
}

pub(super) fn missing(id: &str) -> Error {
    Error::new(Code::NotFound, format!("There is no workspace `{}` here.", shown(id)))
}

fn data(router: &Router, id: &str) -> Result<WorkspaceData, Error> {
    Ok(WorkspaceData { data: WorkspaceInfo::new(&*find(router, id)?) })
}

fn taken(slug: &str) -> Error {
    let message = format!("There is a workspace with the slug `{}` already.", shown(slug));
    Error::new(Code::Conflict, message).param("slug")
}

fn check_slug(slug: &str) -> Result<(), Error> {
    given::text("slug", slug, SLUG)?;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_plain);
    match slug.split('-').all(is_part) {
        true => Ok(()),
        false => Err(wrong("slug", "be small letters and digits, with single hyphens between")),
    }
}

fn check_description(description: Option<&str>) -> Result<(), Error> {
    description.map_or(Ok(()), |text| given::text("description", text, DESCRIPTION))
}

/// As of a key: they are limits of the same kind.
fn check_rates(settings: &WorkspaceSettings) -> Result<(), Error> {
    let rates = KeySettings {
        requests_per_minute: settings.requests_per_minute,
        tokens_per_minute: settings.tokens_per_minute,
        concurrent_requests: settings.concurrent_requests,
        ..KeySettings::default()
    };
    rates.validate().map_err(settings_error)
}
