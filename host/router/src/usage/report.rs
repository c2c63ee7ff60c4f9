//! `plugway usage`: what was used and what it cost, from the ledger itself. The router may
//! be running or not.

use super::export::{Exporter, RowForm};
use super::period::Period;
use super::sums::{Dimension, sum_by, table};
use super::table::Form;
use clap::Args;
use plugway_accounts::calendar::{Day, read_day};
use plugway_store::Store;
use plugway_store::ledger::{DayFilter, Filter};
use std::io::{self, Write};
use std::path::PathBuf;

/// Arguments of `usage`.
#[derive(Args, Clone, Debug)]
pub struct UsageArgs {
    /// Configuration file [default: plugway.toml, if there is one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What sums are told apart by.
    #[arg(long, value_name = "WHAT", value_delimiter = ',', default_value = "day,model")]
    pub by: Vec<Dimension>,
    /// The first UTC day, such as 2027-01-31 [default: the first there is].
    #[arg(long, value_name = "DATE", value_parser = read_day)]
    pub from: Option<Day>,
    /// The last UTC day [default: today].
    #[arg(long, value_name = "DATE", value_parser = read_day)]
    pub to: Option<Day>,
    /// Of this key only, by its hash.
    #[arg(long, value_name = "HASH")]
    pub key: Option<String>,
    /// Of this workspace only, by its id.
    #[arg(long, value_name = "ID")]
    pub workspace: Option<String>,
    /// Of this model only, by its name in the catalogue.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Served by this provider only.
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// How sums are written; with `--rows` both others are JSON, an object in each line.
    #[arg(long, value_enum, default_value_t)]
    pub format: Form,
    /// Every request with all that the ledger has of it, instead of sums.
    #[arg(long)]
    pub rows: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The database.
    #[error(transparent)]
    Store(#[from] plugway_store::Error),
    /// Whoever reads the report.
    #[error("the report could not be written")]
    Write(#[from] io::Error),
}

/// Prints what is asked for.
///
/// # Errors
/// When the database fails, or nobody reads any more.
pub async fn usage(
    args: &UsageArgs,
    store: &Store,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let period = Period { from: args.from, to: args.to };
    if args.rows {
        return rows(args, period, store, out).await;
    }
    let filter = DayFilter {
        from_day: period.from,
        to_day: period.to,
        key: args.key.clone(),
        workspace: args.workspace.clone(),
        model: args.model.clone(),
        provider: args.provider.clone(),
    };
    let sums = sum_by(&store.daily(&filter).await?, &args.by);
    table(&sums, &args.by).print(args.format, out)?;
    Ok(out.flush()?)
}

async fn rows(
    args: &UsageArgs,
    period: Period,
    store: &Store,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let filter = Filter {
        from_ms: period.begin_ms(),
        to_ms: period.end_ms(),
        key: args.key.clone(),
        workspace: args.workspace.clone(),
        model: args.model.clone(),
        provider: args.provider.clone(),
        ..Filter::default()
    };
    let form = if args.format == Form::Csv { RowForm::Csv } else { RowForm::Jsonl };
    let mut exporter = Exporter::new(store.clone(), filter, form);
    while let Some(page) = exporter.next().await? {
        out.write_all(page.as_bytes())?;
    }
    Ok(out.flush()?)
}
