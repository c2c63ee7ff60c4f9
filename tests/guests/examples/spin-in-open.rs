//! Never comes back from opening.

use plugway_sdk::strategy::{Candidate, Plan, Query, Refusal, Setup, Strategy};

/// Round and round.
pub struct SpinInOpen;

impl Strategy for SpinInOpen {
    fn open(_: Setup) -> Result<Self, String> {
        loop {
            std::hint::black_box(());
        }
    }

    fn route(&self, _: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        Ok(Plan::in_order(0..candidates.len(), "as given"))
    }
}

plugway_sdk::export!(strategy: SpinInOpen);
