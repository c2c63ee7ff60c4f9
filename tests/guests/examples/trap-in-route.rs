//! Panics while routing.

use plugway_sdk::strategy::{Candidate, Plan, Refusal};
use plugway_test_guests::{Misroute, Policy};

/// Always fails.
pub struct TrapInRoute;

impl Misroute for TrapInRoute {
    fn route(_: &[Candidate]) -> Result<Plan, Refusal> {
        panic!("this guest always fails")
    }
}

plugway_sdk::export!(strategy: Policy<TrapInRoute>);
