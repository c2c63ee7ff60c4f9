//! Panics while explaining a refusal.

use plugway_sdk::chat::Failure;
use plugway_test_guests::{Adapter, Misbehave};

/// Always fails.
pub struct TrapInExplain;

impl Misbehave for TrapInExplain {
    fn explain() -> Failure {
        panic!("this guest always fails")
    }
}

plugway_sdk::export!(provider: Adapter<TrapInExplain>);
