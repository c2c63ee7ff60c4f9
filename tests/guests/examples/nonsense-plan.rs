//! Plans with candidates that do not exist.

use plugway_sdk::strategy::{Candidate, Plan, Refusal};
use plugway_test_guests::{Misroute, Policy};

/// Counts beyond the last.
pub struct NonsensePlan;

impl Misroute for NonsensePlan {
    fn route(candidates: &[Candidate]) -> Result<Plan, Refusal> {
        let first = candidates.len();
        Ok(Plan::in_order(first..first * 2, "beyond the last"))
    }
}

plugway_sdk::export!(strategy: Policy<NonsensePlan>);
