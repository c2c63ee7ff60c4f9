//! What is read out of the ledger: of one request, by day, row by row, and held against a
//! provider's invoice. Money stays whole picodollars until it is written as the exact
//! decimal that it is.

mod cell;
mod export;
mod generation;
mod money;
mod period;
mod priced;
mod reconcile;
mod recorded;
mod report;
mod sums;
mod table;

pub(crate) use cell::Cell;
pub(crate) use export::{Exporter, RowForm};
pub(crate) use generation::Known;
pub(crate) use period::Period;
pub(crate) use sums::{Dimension, Group, Sum, sum_by};
pub(crate) use table::Table;

pub use reconcile::{ReconcileArgs, reconcile};
pub use report::{ReportError, UsageArgs, usage};
