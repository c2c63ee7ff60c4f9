//! The ledger: one row for each request that went to a provider, and sums of them by day.
//! A row is opened as the request leaves and settled as its answer ends; what a process that
//! died has left open is interrupted by the next. However often any of that is told, it
//! counts once.

mod daily;
mod orphans;
mod read;
mod row;
mod write;

pub use daily::{Daily, DayFilter, Spent};
pub use read::{Cursor, Filter, MAX_PAGE};
pub use row::{DAY_MS, MAX_TOKENS, Row, State, Tokens};
pub use write::{Corrected, Entry, Written};

#[cfg(test)]
mod tests;
