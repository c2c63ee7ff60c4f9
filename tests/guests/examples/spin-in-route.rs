//! Never comes back from routing.

use plugway_sdk::strategy::{Candidate, Plan, Refusal};
use plugway_test_guests::{Misroute, Policy, spin};

/// Round and round.
pub struct SpinInRoute;

impl Misroute for SpinInRoute {
    fn route(_: &[Candidate]) -> Result<Plan, Refusal> {
        spin()
    }
}

plugway_sdk::export!(strategy: Policy<SpinInRoute>);
