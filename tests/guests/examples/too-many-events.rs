//! Answers with more events than a call may.

use plugway_sdk::chat::Event;
use plugway_test_guests::{Adapter, Misbehave, say};

/// Says everything by the letter.
pub struct TooManyEvents;

impl Misbehave for TooManyEvents {
    fn end() -> Vec<Event> {
        vec![say("x"); 100_001]
    }
}

plugway_sdk::export!(provider: Adapter<TooManyEvents>);
