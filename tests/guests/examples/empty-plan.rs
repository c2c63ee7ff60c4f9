//! Plans with no candidate.

use plugway_sdk::strategy::{Candidate, Plan, Refusal};
use plugway_test_guests::{Misroute, Policy};

/// Gives up.
pub struct EmptyPlan;

impl Misroute for EmptyPlan {
    fn route(_: &[Candidate]) -> Result<Plan, Refusal> {
        Ok(Plan::in_order([], "what is the use"))
    }
}

plugway_sdk::export!(strategy: Policy<EmptyPlan>);
