//! A complete routing strategy: the endpoint with the lowest expected cost first.
use plugway_sdk::strategy::{Candidate, Plan, Query, Refusal, Setup, Strategy, order};

/// It has nothing to remember from one request to the next.
pub struct Cheapest;
impl Strategy for Cheapest {
    fn open(_setup: Setup) -> Result<Self, String> {
        Ok(Cheapest)
    }
    fn route(&self, query: Query, candidates: Vec<Candidate>) -> Result<Plan, Refusal> {
        let steps = order::by_key(&query, &candidates, |candidate| candidate.estimated_cost);
        Ok(Plan::in_order(steps, "lowest expected cost first"))
    }
}
plugway_sdk::export!(strategy: Cheapest);
