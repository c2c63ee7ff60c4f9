//! Panics while reading a stream.

use plugway_sdk::chat::Event;
use plugway_test_guests::{Adapter, Misbehave};

/// Always fails.
pub struct TrapInPush;

impl Misbehave for TrapInPush {
    fn push() -> Vec<Event> {
        panic!("this guest always fails")
    }
}

plugway_sdk::export!(provider: Adapter<TrapInPush>);
