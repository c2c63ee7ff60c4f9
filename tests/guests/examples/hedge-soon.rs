//! Plans that are impatient: a second endpoint is asked soon after the first.

use plugway_sdk::strategy::{Candidate, Plan, Refusal};
use plugway_test_guests::{Misroute, Policy};

/// What no provider that hangs is waited for.
const PATIENCE_MS: u32 = 50;

/// Asks each endpoint beside the one before it.
pub struct HedgeSoon;

impl Misroute for HedgeSoon {
    fn route(candidates: &[Candidate]) -> Result<Plan, Refusal> {
        let mut plan = Plan::in_order(0..candidates.len(), "as given, and impatient");
        for step in &mut plan.steps {
            step.hedge_after_ms = Some(PATIENCE_MS);
        }
        Ok(plan)
    }
}

plugway_sdk::export!(strategy: Policy<HedgeSoon>);
