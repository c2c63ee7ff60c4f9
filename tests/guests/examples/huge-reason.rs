//! Gives a reason and a note of a megabyte each.

use plugway_sdk::strategy::{Candidate, Plan, Refusal};
use plugway_test_guests::{Misroute, Policy};

/// Explains at length.
pub struct HugeReason;

impl Misroute for HugeReason {
    fn route(candidates: &[Candidate]) -> Result<Plan, Refusal> {
        let huge = "because\n".repeat(1 << 17);
        Ok(Plan { note: huge.clone(), ..Plan::in_order(0..candidates.len(), huge) })
    }
}

plugway_sdk::export!(strategy: Policy<HugeReason>);
