//! Panics while reading a whole answer.

use plugway_sdk::chat::Event;
use plugway_test_guests::{Adapter, Misbehave};

/// Always fails.
pub struct TrapInDecode;

impl Misbehave for TrapInDecode {
    fn decode(_: &str) -> Vec<Event> {
        panic!("this guest always fails")
    }
}

plugway_sdk::export!(provider: Adapter<TrapInDecode>);
