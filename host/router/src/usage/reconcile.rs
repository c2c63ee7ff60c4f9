//! `plugway reconcile`: a provider's invoice beside the ledger, per model and day. What the
//! provider is owed is the upstream cost of every attempt at it, whoever served in the end.

use super::accounted::{self, Accounted, ByDayAndModel, Charged};
use super::cell::Cell;
use super::names::Names;
use super::period::Period;
use super::table::{Form, Table};
use super::tolerance::Tolerance;
use crate::catalog::Catalog;
use clap::Args;
use plugway_accounts::calendar::{Day, read_day, write_day};
use plugway_accounts::invoice::{self, BadLine, Columns, Invoice, InvoiceError, Sums};
use plugway_accounts::reconcile::{Amounts, Comparison, compare};
use plugway_store::Store;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

/// Bytes of an invoice.
pub const MAX_INVOICE_BYTES: u64 = 256 * 1024 * 1024;

/// Arguments of `reconcile`.
#[derive(Args, Clone, Debug)]
pub struct ReconcileArgs {
    /// The invoice, as the provider's console exports it in CSV; `-` is standard input.
    #[arg(value_name = "INVOICE")]
    pub invoice: PathBuf,
    /// Whose invoice it is, by the provider's name here.
    #[arg(long, value_name = "NAME")]
    pub provider: String,
    /// Configuration file [default: plugway.toml, if there is one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The first UTC day that is looked at [default: the invoice's first].
    #[arg(long, value_name = "DATE", value_parser = read_day)]
    pub from: Option<Day>,
    /// The last UTC day that is looked at [default: the invoice's last].
    #[arg(long, value_name = "DATE", value_parser = read_day)]
    pub to: Option<Day>,
    /// How far they may be apart, for each model over all days and in total: dollars, or a
    /// share of what is invoiced such as `0.5%`.
    #[arg(long, value_name = "AMOUNT", default_value = "0.01")]
    pub tolerance: Tolerance,
    /// Count what was paid with accounts of clients' or a team's own too: the invoice is of
    /// all of them.
    #[arg(long)]
    pub byok: bool,
    /// What the invoice calls a model, and what the provider is asked for it by, where these
    /// differ. May be given several times.
    #[arg(long, value_name = "INVOICED=MODEL", value_parser = read_alias)]
    pub alias: Vec<(String, String)>,
    /// The invoice's column of days [default: found by its name].
    #[arg(long, value_name = "COLUMN")]
    pub day_column: Option<String>,
    /// The invoice's column of models.
    #[arg(long, value_name = "COLUMN")]
    pub model_column: Option<String>,
    /// The invoice's column of amounts.
    #[arg(long, value_name = "COLUMN")]
    pub amount_column: Option<String>,
    /// How the comparison is written.
    #[arg(long, value_enum, default_value_t)]
    pub format: Form,
}

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The file.
    #[error(transparent)]
    Invoice(#[from] InvoiceError),
    /// Some of its lines; the others alone would be compared in vain.
    #[error("{count} lines of the invoice cannot be read; the first of them:\n{}", told(.lines))]
    Lines {
        /// The first.
        lines: Vec<BadLine>,
        /// All.
        count: u64,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] plugway_store::Error),
}

/// A comparison.
pub struct Reconciled {
    table: Table,
    /// Whether both are close enough, for each model and in total.
    pub is_within: bool,
    /// What else is to be known of it, for people.
    pub notes: Vec<String>,
}

/// Lines the invoice up with the ledger.
///
/// # Errors
/// When it is no invoice, some line of it cannot be read, or the database fails.
pub async fn reconcile(
    args: &ReconcileArgs,
    file: &[u8],
    catalog: &Catalog,
    store: &Store,
) -> Result<Reconciled, ReconcileError> {
    let columns = Columns {
        day: args.day_column.clone(),
        model: args.model_column.clone(),
        amount: args.amount_column.clone(),
    };
    let mut invoice = invoice::read(file, &columns)?;
    if invoice.bad_count > 0 {
        return Err(ReconcileError::Lines { lines: invoice.bad, count: invoice.bad_count });
    }
    let days = || invoice.sums.keys().map(|(day, _)| *day);
    let (first, last) = (days().min(), days().max());
    let period = Period { from: args.from.or(first), to: args.to.or(last) };
    invoice.sums.retain(|(day, _), _| period.has(*day));
    let charged = Charged { provider: &args.provider, with_byok: args.byok, catalog };
    let ledger = accounted::of_provider(store, &charged, period).await?;
    let in_ledger = ledger.by.keys().map(|(_, model)| model.as_str());
    let names = Names::new(catalog, &args.provider, &args.alias, in_ledger);
    let sums = ledger
        .by
        .iter()
        .map(|(key, it)| (key.clone(), i128::try_from(it.cost).unwrap_or(i128::MAX)));
    let comparison = compare(&invoice.sums, &sums.collect::<Sums>(), |name| names.named(name));
    Ok(Reconciled {
        is_within: is_within(&comparison, args.tolerance),
        notes: notes(&invoice, &ledger),
        table: table(&comparison, &ledger.by, args.format),
    })
}

impl Reconciled {
    /// Writes it.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn print(&self, form: Form, out: &mut dyn Write) -> io::Result<()> {
        self.table.print(form, out)?;
        out.flush()
    }
}

/// A request near midnight may be on one day here and on the next one there: what is held
/// against the tolerance is each model over all days.
fn is_within(comparison: &Comparison, tolerance: Tolerance) -> bool {
    let mut models: BTreeMap<&str, Amounts> = BTreeMap::new();
    for row in &comparison.rows {
        let sum = models.entry(&row.model).or_default();
        sum.invoice = sum.invoice.saturating_add(row.amounts.invoice);
        sum.ledger = sum.ledger.saturating_add(row.amounts.ledger);
    }
    let covers = |it: &Amounts| tolerance.covers(it.invoice, it.difference());
    models.values().chain([&comparison.total]).all(covers)
}

fn table(comparison: &Comparison, ledger: &ByDayAndModel, form: Form) -> Table {
    let row = |day: Cell, model: Cell, amounts: &Amounts, counted: &Accounted| {
        vec![
            day,
            model,
            Cell::Money(amounts.invoice),
            Cell::Money(amounts.ledger),
            Cell::Money(amounts.difference()),
            Cell::Number(counted.attempts),
            Cell::Number(counted.estimated),
            Cell::Number(counted.unpriced),
        ]
    };
    let mut all = Accounted::default();
    for it in ledger.values() {
        all.attempts += it.attempts;
        all.estimated += it.estimated;
        all.unpriced += it.unpriced;
    }
    let total = row(Cell::text("total"), Cell::Nothing, &comparison.total, &all);
    let rows = comparison.rows.iter().map(|it| {
        let counted = ledger.get(&(it.day, it.model.clone())).copied().unwrap_or_default();
        row(Cell::text(write_day(it.day)), Cell::text(&it.model), &it.amounts, &counted)
    });
    let mut rows: Vec<Vec<Cell>> = rows.collect();
    // There it has no place of its own.
    if form == Form::Csv {
        rows.push(total.clone());
    }
    let columns = vec![
        "date",
        "model",
        "invoice",
        "ledger",
        "difference",
        "attempts",
        "estimated_attempts",
        "unpriced_attempts",
    ];
    Table { columns, rows, total }
}

fn notes(invoice: &Invoice, ledger: &accounted::Ledger) -> Vec<String> {
    let [day, model, amount] = &invoice.columns;
    let mut notes = vec![format!(
        "{} lines; day, model and amount are in the columns `{day}`, `{model}` and `{amount}`",
        invoice.lines
    )];
    if invoice.rounded > 0 {
        let count = invoice.rounded;
        notes.push(format!("{count} amounts are finer than a picodollar and were rounded"));
    }
    let unpriced: u64 = ledger.by.values().map(|it| it.unpriced).sum();
    if unpriced > 0 {
        notes.push(format!("{unpriced} attempts have no price here and count as nothing"));
    }
    if let Some((first, last)) = ledger.pruned.first().zip(ledger.pruned.last()) {
        notes.push(format!(
            "rows of {} days from {} to {} are there no more; their daily sums stand in, where \
             what other providers' failed attempts cost counts to the one that served",
            ledger.pruned.len(),
            write_day(*first),
            write_day(*last),
        ));
    }
    notes
}

fn told(lines: &[BadLine]) -> String {
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn read_alias(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((invoiced, model)) if !invoiced.is_empty() && !model.is_empty() => {
            Ok((invoiced.to_owned(), model.to_owned()))
        }
        _ => Err("write what the invoice says, `=`, and the provider's name for the model"),
    }
}
