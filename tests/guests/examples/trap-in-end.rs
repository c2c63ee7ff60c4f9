//! Panics while ending a stream.

use plugway_sdk::chat::Event;
use plugway_test_guests::{Adapter, Misbehave};

/// Always fails.
pub struct TrapInEnd;

impl Misbehave for TrapInEnd {
    fn end() -> Vec<Event> {
        panic!("this guest always fails")
    }
}

plugway_sdk::export!(provider: Adapter<TrapInEnd>);
