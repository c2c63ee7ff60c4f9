//! What is read out of the ledger: of one request, by day, row by row, and held against a
//! provider's invoice. Money stays whole picodollars until it is written as the exact
//! decimal that it is.

mod accounted;
mod cell;
mod export;
mod generation;
mod money;
mod names;
mod period;
mod priced;
mod reconcile;
mod recorded;
mod report;
mod sums;
mod table;
mod tolerance;

pub(crate) use cell::Cell;
pub(crate) use export::{Exporter, RowForm};
pub(crate) use generation::Known;
pub(crate) use period::Period;
pub(crate) use sums::{Group, Sum, sum_by};
pub(crate) use table::Table;

pub use reconcile::{MAX_INVOICE_BYTES, ReconcileArgs, ReconcileError, Reconciled, reconcile};
pub use report::{ReportError, UsageArgs, usage};
pub use sums::Dimension;
pub use table::Form;
pub use tolerance::Tolerance;
