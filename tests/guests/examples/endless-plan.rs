//! Plans with 100,000 steps.

use plugway_sdk::strategy::{Candidate, Plan, Refusal};
use plugway_test_guests::{Misroute, Policy};

/// Thinks far ahead.
pub struct EndlessPlan;

impl Misroute for EndlessPlan {
    fn route(candidates: &[Candidate]) -> Result<Plan, Refusal> {
        let steps = (0..candidates.len()).cycle().take(100_000);
        Ok(Plan::in_order(steps, "round and round"))
    }
}

plugway_sdk::export!(strategy: Policy<EndlessPlan>);
