//! Plans whose reason is all that the strategy was told of its candidates, bit by bit.

use plugway_sdk::strategy::{Candidate, Plan, Refusal};
use plugway_test_guests::{Misroute, Policy};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Says in one number what it saw.
pub struct TellsCandidates;

impl Misroute for TellsCandidates {
    fn route(candidates: &[Candidate]) -> Result<Plan, Refusal> {
        // Another number is printed as another text.
        let mut hasher = DefaultHasher::new();
        format!("{candidates:?}").hash(&mut hasher);
        let reason = format!("{:016x}", hasher.finish());
        Ok(Plan::in_order(0..candidates.len(), reason))
    }
}

plugway_sdk::export!(strategy: Policy<TellsCandidates>);
