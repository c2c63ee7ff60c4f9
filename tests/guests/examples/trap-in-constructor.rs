//! Panics while making a decoder.

use plugway_test_guests::{Adapter, Misbehave};

/// Always fails.
pub struct TrapInConstructor;

impl Misbehave for TrapInConstructor {
    fn begin() {
        panic!("this guest always fails")
    }
}

plugway_sdk::export!(provider: Adapter<TrapInConstructor>);
