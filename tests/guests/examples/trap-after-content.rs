//! Panics once a part of the answer is out.

use plugway_sdk::chat::Event;
use plugway_test_guests::{Adapter, Misbehave, say};

/// Fails late.
pub struct TrapAfterContent;

impl Misbehave for TrapAfterContent {
    fn push() -> Vec<Event> {
        vec![say("before the fall")]
    }

    fn end() -> Vec<Event> {
        panic!("this guest always fails")
    }
}

plugway_sdk::export!(provider: Adapter<TrapAfterContent>);
