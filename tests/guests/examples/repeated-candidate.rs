//! Plans with one candidate twice.

use plugway_sdk::strategy::{Candidate, Plan, Refusal};
use plugway_test_guests::{Misroute, Policy};

/// Never gives up.
pub struct RepeatedCandidate;

impl Misroute for RepeatedCandidate {
    fn route(_: &[Candidate]) -> Result<Plan, Refusal> {
        Ok(Plan::in_order([0, 0], "once more"))
    }
}

plugway_sdk::export!(strategy: Policy<RepeatedCandidate>);
