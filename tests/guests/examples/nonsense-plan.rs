//! Passes the trial at load, then plans with candidates that do not exist.

use plugway_sdk::strategy::{Candidate, Plan, Query, Refusal, Setup, Strategy};

/// Counts beyond the last.
pub struct NonsensePlan;

impl Strategy for NonsensePlan {
    fn open(_: Setup) -> Result<Self, String> {
        Ok(NonsensePlan)
    }

    fn route(&self, _: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        let first = if candidates[0].provider == "self-check" { 0 } else { candidates.len() };
        Ok(Plan::in_order(first..first + candidates.len(), "beyond the last"))
    }
}

plugway_sdk::export!(strategy: NonsensePlan);
