//! Rows as they stand in the ledger, page by page: there may be more than memory holds.

use super::cell::Cell;
use super::generation::state_name;
use super::priced::{attempt, price};
use super::table::{csv_line, object};
use crate::decisions::rfc3339;
use crate::ledger::Detail;
use clap::ValueEnum;
use plugway_store::ledger::{Cursor, Filter, Row};
use plugway_store::{Error, Store};
use serde::Serialize;

/// Rows that are read at a time.
const PAGE: u32 = 500;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowForm {
    /// Comma-separated values, for spreadsheets.
    Csv,
    /// A JSON object in each line, for programs.
    Jsonl,
}

/// Reads rows in the order in which their requests came.
pub(crate) struct Exporter {
    store: Store,
    filter: Filter,
    form: RowForm,
    /// The last row that was read; none at the beginning.
    after: Option<Cursor>,
    is_over: bool,
}

impl Exporter {
    /// Of what the filter lets through.
    pub(crate) fn new(store: Store, filter: Filter, form: RowForm) -> Self {
        Self { store, filter, form, after: None, is_over: false }
    }

    /// The next page, written; none after the last.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let is_first = self.after.is_none();
        let rows = self.store.generations(&self.filter, self.after.clone(), PAGE).await?;
        self.is_over = rows.len() < PAGE as usize;
        self.after = rows.last().map(Cursor::from);
        let mut text = String::new();
        if is_first && self.form == RowForm::Csv {
            text += &csv_line(COLUMNS.iter());
        }
        for row in &rows {
            let cells = cells(row);
            match self.form {
                RowForm::Csv => text += &csv_line(cells.iter().map(Cell::csv)),
                RowForm::Jsonl => {
                    text += &object(&COLUMNS, &cells);
                    text.push('\n');
                }
            }
        }
        Ok(Some(text))
    }
}

/// Money is in dollars.
const COLUMNS: [&str; 44] = [
    "id",
    "created_at",
    "ended_at",
    "ledger",
    "outcome",
    "status",
    "route",
    "streamed",
    "workspace_id",
    "api_key_hash",
    "model_requested",
    "model",
    "endpoint_id",
    "provider",
    "credential",
    "is_byok",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "tokens_estimated",
    "usage",
    "upstream_inference_cost",
    "byok_inference_cost",
    "cache_discount",
    "markup",
    "time_to_first_token",
    "latency",
    "finish_reason",
    "native_finish_reason",
    "error",
    "upstream_id",
    "service_tier",
    "session_id",
    "user_agent",
    "http_referer",
    "title",
    "num_media_prompt",
    "insured",
    "strategy",
    "meters",
    "price",
    "attempts",
];

fn cells(row: &Row) -> [Cell; COLUMNS.len()] {
    let detail = Detail::read(&row.detail);
    let said = |text: &Option<String>| Cell::text(text.clone().unwrap_or_default());
    let moment = |ms: Option<u64>| ms.map_or(Cell::Nothing, |ms| Cell::text(rfc3339(ms)));
    let count = |count: Option<u64>| count.map_or(Cell::Nothing, Cell::Number);
    let attempts: Vec<_> = detail.attempts.iter().map(attempt).collect();
    [
        Cell::text(&row.id),
        moment(Some(row.came_ms)),
        moment(row.ended_ms),
        Cell::text(state_name(row.state)),
        Cell::text(&row.outcome),
        Cell::Number(row.status.into()),
        Cell::text(&row.route),
        Cell::Flag(row.streamed),
        Cell::text(&row.workspace),
        said(&row.key),
        Cell::text(&row.model),
        Cell::text(&row.served_model),
        Cell::text(&row.endpoint),
        Cell::text(&row.provider),
        Cell::text(&row.credential),
        Cell::Flag(row.is_byok),
        Cell::Number(row.tokens.prompt),
        Cell::Number(row.tokens.completion),
        Cell::Number(row.tokens.reasoning),
        Cell::Number(row.tokens.cache_read),
        Cell::Number(row.tokens.cache_write),
        Cell::Flag(row.is_estimated),
        Cell::cost(row.cost),
        Cell::cost(row.upstream_cost),
        Cell::cost(row.byok_cost),
        row.cache_discount.map_or(Cell::Nothing, |it| Cell::Money(it.into())),
        Cell::cost(row.markup),
        count(row.first_content_ms),
        count(row.duration_ms),
        said(&detail.finish),
        said(&detail.native_finish),
        said(&detail.error),
        said(&detail.upstream_id),
        said(&detail.service_tier),
        said(&detail.session),
        said(&detail.user_agent),
        said(&detail.referer),
        said(&detail.title),
        Cell::Number(detail.media.into()),
        Cell::Flag(detail.insured),
        Cell::text(&detail.strategy),
        json(&detail.meters),
        json(&detail.price.as_ref().map(price)),
        json(&attempts),
    ]
}

fn json(value: &impl Serialize) -> Cell {
    // Texts and numbers: nothing of it can fail.
    Cell::Json(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
}
