//! Panics while opening.

use plugway_test_guests::{Misroute, Policy};

/// Always fails.
pub struct TrapInOpen;

impl Misroute for TrapInOpen {
    fn open() -> Result<(), String> {
        panic!("this guest always fails")
    }
}

plugway_sdk::export!(strategy: Policy<TrapInOpen>);
