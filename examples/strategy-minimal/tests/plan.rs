//! The example does what its first line says.

use plugway_sdk::strategy::Strategy;
use plugway_sdk::testing::{candidate, query};
use strategy_minimal::Cheapest;

#[test]
fn lowest_cost_first() {
    let candidates = vec![candidate("dear/m", 0.9), candidate("cheap/m", 0.1)];
    let plan = Cheapest.route(query(), candidates).unwrap();
    let order: Vec<u32> = plan.steps.iter().map(|step| step.candidate).collect();
    assert_eq!(order, [1, 0]);
    assert_eq!(plan.reason, "lowest expected cost first");
}
