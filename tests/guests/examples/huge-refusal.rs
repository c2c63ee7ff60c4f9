//! Refuses with a sentence of a megabyte.

use plugway_sdk::strategy::{Candidate, Plan, Refusal};
use plugway_test_guests::{Misroute, Policy};

/// Says no, at length.
pub struct HugeRefusal;

impl Misroute for HugeRefusal {
    fn route(_: &[Candidate]) -> Result<Plan, Refusal> {
        Err(Refusal::NoRoute("n\no ".repeat(1 << 18)))
    }
}

plugway_sdk::export!(strategy: Policy<HugeRefusal>);
