//! Panics while describing itself.

use plugway_sdk::provider::Info;
use plugway_test_guests::{Adapter, Misbehave};

/// Always fails.
pub struct TrapInDescribe;

impl Misbehave for TrapInDescribe {
    fn describe() -> Info {
        panic!("this guest always fails")
    }
}

plugway_sdk::export!(provider: Adapter<TrapInDescribe>);
