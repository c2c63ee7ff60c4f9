//! Passes the trial at load, then never comes back from routing.

use plugway_sdk::strategy::{Candidate, Plan, Query, Refusal, Setup, Strategy};

/// Round and round.
pub struct SpinInRoute;

impl Strategy for SpinInRoute {
    fn open(_: Setup) -> Result<Self, String> {
        Ok(SpinInRoute)
    }

    fn route(&self, _: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        if candidates[0].provider == "self-check" {
            return Ok(Plan::in_order(0..candidates.len(), "as given"));
        }
        loop {
            std::hint::black_box(());
        }
    }
}

plugway_sdk::export!(strategy: SpinInRoute);
