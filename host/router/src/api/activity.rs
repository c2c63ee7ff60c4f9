//! `GET /v1/activity`: what was used by day, model and endpoint, in OpenRouter's form; and
//! `GET /v1/activity/export`: every row, for programs that add up by themselves.

use super::accounts::given::{Query, wrong};
use super::accounts::named::ever_asked_for;
use super::openapi::Refusals;
use super::{Body, Lane, permit, respond};
use crate::catalog::Catalog;
use crate::error::{Code, Error};
use crate::upstream::Broken;
use crate::usage::{Cell, Dimension, Exporter, Group, Period, RowForm, Sum, Table, sum_by};
use crate::{Router, Settings};
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use plugway_accounts::calendar::{DateError, Day, day_of, read_day, write_day};
use plugway_accounts::money::Dollars;
use plugway_store::ledger::{DayFilter, Filter};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use utoipa::ToSchema;

/// Days that are told beside today.
const COMPLETED_DAYS: Day = 30;

const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8");
const JSON_LINES: HeaderValue = HeaderValue::from_static("application/jsonl");

/// A route of this kind.
#[derive(Clone, Copy)]
pub(super) enum ActivityRoute {
    Sums,
    Rows,
}

impl ActivityRoute {
    /// The pattern, for logs and metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sums => "/v1/activity",
            Self::Rows => "/v1/activity/export",
        }
    }
}

/// Answers a request at one of these routes, if whoever asks may know.
pub(super) async fn answer(
    router: &Router,
    settings: &Settings,
    route: ActivityRoute,
    request: &Request<Incoming>,
    peer: SocketAddr,
) -> Response<Body> {
    let query = request.uri().query();
    let answered = match permit::manager(router, settings, request, peer) {
        Err(error) => Err(error),
        Ok(()) => match route {
            ActivityRoute::Sums => show(router, &settings.config.catalog, query).await,
            ActivityRoute::Rows => export(router, query).await,
        },
    };
    answered.unwrap_or_else(|error| respond::error(&error, None))
}

/// What was used on one day of one endpoint.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct ActivityItem {
    /// UTC day on which the requests came, such as `2027-01-31`.
    date: String,
    /// Model that served, by its name in the catalogue.
    model: String,
    /// The same: models have no other name here.
    model_permaslug: String,
    /// Endpoint that served.
    endpoint_id: String,
    /// Provider that served, by its name for people.
    provider_name: String,
    /// The key's hash, where `group_by` asks for it; empty: no key was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_hash: Option<String>,
    /// The workspace, where `group_by` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace_id: Option<String>,
    /// What clients were billed, US dollars, exact.
    #[schema(value_type = f64)]
    usage: Dollars,
    /// What was paid with clients' own provider keys, US dollars, exact.
    #[schema(value_type = f64)]
    byok_usage_inference: Dollars,
    /// What providers charge, US dollars, exact: attempts that failed or were overtaken too.
    #[schema(value_type = f64)]
    upstream_inference_cost: Dollars,
    /// Requests.
    requests: u64,
    /// Of these, those that failed.
    errors: u64,
    /// Of these, those whose tokens are a guess.
    estimated_requests: u64,
    /// Of these, those whose price nobody knows.
    unpriced_requests: u64,
    /// Tokens that were read.
    prompt_tokens: u64,
    /// Tokens that were written.
    completion_tokens: u64,
    /// Of these, reasoning.
    reasoning_tokens: u64,
    /// Of the tokens that were read, those from a cache.
    cache_read_tokens: u64,
    /// Of the tokens that were read, those that a cache took in.
    cache_write_tokens: u64,
}

/// A list of them.
#[derive(Serialize, ToSchema)]
pub(super) struct Activity {
    data: Vec<ActivityItem>,
}

/// Show what was used, by day, model and endpoint
///
/// Without `date`: the last 30 completed UTC days, and today. A single `date` may lie further
/// back, for sums are kept for good.
#[utoipa::path(
    get, path = "/v1/activity", tag = "usage", operation_id = "getUserActivity",
    params(
        ("date" = Option<String>, Query, format = Date, description = "This UTC day only."),
        ("api_key_hash" = Option<String>, Query, description = "Of this key only, by its hash."),
        ("workspace_id" = Option<String>, Query, description = "Of this workspace only, by its id or slug; the id alone where it is deleted."),
        ("group_by" = Option<String>, Query, pattern = "^(workspace|api_key|workspace,api_key)$", description = "What is told apart beside day, model and endpoint."),
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "For programs or for spreadsheets."),
    ),
    security(("management_key" = [])),
    responses(
        (
            status = 200, description = "The newest day first.",
            content((Activity = "application/json"), (String = "text/csv")),
        ),
        Refusals,
    ),
)]
pub(super) async fn show(
    router: &Router,
    catalog: &Catalog,
    query: Option<&str>,
) -> Result<Response<Body>, Error> {
    let known = ["date", "api_key_hash", "workspace_id", "group_by", "format"];
    let query = Query::read(query, &known)?;
    let today = day_of(router.clock.unix_ms());
    let period = match query.text("date") {
        Some(date) => {
            let day = day("date", date)?;
            Period { from: Some(day), to: Some(day) }
        }
        None => Period { from: Some(today.saturating_sub(COMPLETED_DAYS)), to: Some(today) },
    };
    let mut by = vec![Dimension::Day, Dimension::Model, Dimension::Endpoint, Dimension::Provider];
    for name in query.text("group_by").into_iter().flat_map(|names| names.split(',')) {
        by.push(match name {
            "workspace" => Dimension::Workspace,
            "api_key" => Dimension::Key,
            _ => return Err(wrong("group_by", "be `workspace`, `api_key`, or both")),
        });
    }
    let is_csv = is_csv(&query, "json")?;
    let filter = DayFilter {
        from_day: period.from,
        to_day: period.to,
        key: query.text("api_key_hash").map(str::to_owned),
        workspace: ever_asked_for(router, &query),
        ..DayFilter::default()
    };
    let turn = router.administration.turn().await?;
    let days = router.store.daily(&filter).await.map_err(failed)?;
    drop(turn);
    let sums = sum_by(&days, &by);
    // The newest first, as OpenRouter has them.
    let mut items: Vec<_> =
        sums.into_iter().map(|it| ActivityItem::new(it, &by, catalog)).collect();
    items.sort_by(|a, b| b.date.cmp(&a.date));
    if is_csv {
        let rows = items.iter().map(|item| item.cells().map(|(_, cell)| cell).to_vec());
        let columns = ActivityItem::default().cells().map(|(name, _)| name).to_vec();
        let table = Table { columns, rows: rows.collect(), total: Vec::new() };
        return Ok(respond::full(StatusCode::OK, CSV, table.csv()));
    }
    let text = serde_json::to_string(&Activity { data: items });
    // Texts and numbers: nothing of it can fail.
    Ok(respond::json_text(StatusCode::OK, text.unwrap_or_default()))
}

/// Export every row of the ledger
///
/// In the order in which the requests came. `from` and `to` are UTC days, both included;
/// without them, the last 30 days and today.
#[utoipa::path(
    get, path = "/v1/activity/export", tag = "usage", operation_id = "exportActivity",
    params(
        ("from" = Option<String>, Query, format = Date, description = "The first UTC day."),
        ("to" = Option<String>, Query, format = Date, description = "The last UTC day."),
        ("api_key_hash" = Option<String>, Query, description = "Of this key only, by its hash."),
        ("workspace_id" = Option<String>, Query, description = "Of this workspace only, by its id or slug; the id alone where it is deleted."),
        ("format" = Option<String>, Query, pattern = "^(jsonl|csv)$", description = "A JSON object in each line, or a spreadsheet."),
    ),
    security(("management_key" = [])),
    responses(
        (
            status = 200, description = "One row for each request that went to a provider.",
            content((String = "application/jsonl"), (String = "text/csv")),
        ),
        Refusals,
    ),
)]
pub(super) async fn export(router: &Router, query: Option<&str>) -> Result<Response<Body>, Error> {
    let known = ["from", "to", "api_key_hash", "workspace_id", "format"];
    let query = Query::read(query, &known)?;
    let today = day_of(router.clock.unix_ms());
    let read = |name| query.text(name).map(|text| day(name, text)).transpose();
    let from = read("from")?.unwrap_or_else(|| today.saturating_sub(COMPLETED_DAYS));
    let to = read("to")?.unwrap_or(today);
    if to < from {
        return Err(wrong("to", "not be before `from`"));
    }
    let period = Period { from: Some(from), to: Some(to) };
    let filter = Filter {
        from_ms: period.begin_ms(),
        to_ms: period.end_ms(),
        key: query.text("api_key_hash").map(str::to_owned),
        workspace: ever_asked_for(router, &query),
        ..Filter::default()
    };
    let (form, content_type, end) = match is_csv(&query, "jsonl")? {
        true => (RowForm::Csv, CSV, "csv"),
        false => (RowForm::Jsonl, JSON_LINES, "jsonl"),
    };
    // Whether there is one at all. Each page waits for another, so that whoever reads slowly
    // keeps nobody out.
    drop(router.administration.turn().await?);
    let exporter = Exporter::new(router.store.clone(), filter, form);
    let mut response = Response::new(pages(exporter, router.administration.clone()));
    let name = format!("attachment; filename=\"{}_{}.{end}\"", write_day(from), write_day(to));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.extend(HeaderValue::try_from(name).ok().map(|name| (CONTENT_DISPOSITION, name)));
    Ok(response)
}

/// An export, read from the ledger page by page as its client takes them.
fn pages(exporter: Exporter, lane: Arc<Lane>) -> Body {
    let state = (exporter, lane);
    let pages = futures_util::stream::try_unfold(state, |(mut exporter, lane)| async move {
        let _turn = lane.next_turn().await;
        match exporter.next().await {
            Ok(page) => Ok(page.map(|page| (Frame::data(Bytes::from(page)), (exporter, lane)))),
            Err(error) => {
                tracing::error!(%error, "an export of the ledger broke off");
                Err(Broken::Off)
            }
        }
    });
    StreamBody::new(pages).boxed_unsync()
}

impl ActivityItem {
    fn new((group, sum): (Group, Sum), by: &[Dimension], catalog: &Catalog) -> Self {
        let provider = group.provider.unwrap_or_default();
        let model = group.model.unwrap_or_default();
        Self {
            date: group.day.map(write_day).unwrap_or_default(),
            model: model.clone(),
            model_permaslug: model,
            endpoint_id: group.endpoint.unwrap_or_default(),
            provider_name: catalog.display_name(&provider).to_owned(),
            api_key_hash: group.key.filter(|_| by.contains(&Dimension::Key)),
            workspace_id: group.workspace.filter(|_| by.contains(&Dimension::Workspace)),
            usage: Dollars(sum.cost),
            byok_usage_inference: Dollars(sum.byok_upstream_cost),
            upstream_inference_cost: Dollars(sum.upstream_cost),
            requests: sum.requests,
            errors: sum.errors,
            estimated_requests: sum.estimated,
            unpriced_requests: sum.unpriced,
            prompt_tokens: sum.prompt,
            completion_tokens: sum.completion,
            reasoning_tokens: sum.reasoning,
            cache_read_tokens: sum.cache_read,
            cache_write_tokens: sum.cache_write,
        }
    }

    /// The same for a spreadsheet, whose columns are always the same.
    fn cells(&self) -> [(&'static str, Cell); 19] {
        let said = |text: &Option<String>| Cell::text(text.clone().unwrap_or_default());
        [
            ("date", Cell::text(&self.date)),
            ("model", Cell::text(&self.model)),
            ("model_permaslug", Cell::text(&self.model_permaslug)),
            ("endpoint_id", Cell::text(&self.endpoint_id)),
            ("provider_name", Cell::text(&self.provider_name)),
            ("api_key_hash", said(&self.api_key_hash)),
            ("workspace_id", said(&self.workspace_id)),
            ("usage", Cell::sum(self.usage.0)),
            ("byok_usage_inference", Cell::sum(self.byok_usage_inference.0)),
            ("upstream_inference_cost", Cell::sum(self.upstream_inference_cost.0)),
            ("requests", Cell::Number(self.requests)),
            ("errors", Cell::Number(self.errors)),
            ("estimated_requests", Cell::Number(self.estimated_requests)),
            ("unpriced_requests", Cell::Number(self.unpriced_requests)),
            ("prompt_tokens", Cell::Number(self.prompt_tokens)),
            ("completion_tokens", Cell::Number(self.completion_tokens)),
            ("reasoning_tokens", Cell::Number(self.reasoning_tokens)),
            ("cache_read_tokens", Cell::Number(self.cache_read_tokens)),
            ("cache_write_tokens", Cell::Number(self.cache_write_tokens)),
        ]
    }
}

fn day(name: &'static str, text: &str) -> Result<Day, Error> {
    match read_day(text) {
        Ok(day) => Ok(day),
        // Nothing was used then.
        Err(DateError::TooEarly) => Ok(Day::MIN),
        Err(_) => Err(wrong(name, "be a UTC day such as `2027-01-31`")),
    }
}

/// Whether spreadsheets are to read it; otherwise programs.
fn is_csv(query: &Query<'_>, other: &str) -> Result<bool, Error> {
    match query.text("format") {
        None => Ok(false),
        Some("csv") => Ok(true),
        Some(format) if format == other => Ok(false),
        Some(_) => Err(wrong("format", &format!("be `csv` or `{other}`"))),
    }
}

fn failed(error: plugway_store::Error) -> Error {
    tracing::error!(%error, "the ledger could not be read");
    Error::new(Code::Internal, "The ledger cannot be read; see the log.")
}
