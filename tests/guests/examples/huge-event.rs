//! Hands the host an answer of 100 megabytes.

use plugway_sdk::chat::Event;
use plugway_test_guests::{Adapter, Misbehave, say};

/// Much ado about nothing.
pub struct HugeEvent;

impl Misbehave for HugeEvent {
    fn end() -> Vec<Event> {
        vec![say(&" ".repeat(50_000_000)), say(&" ".repeat(50_000_000))]
    }
}

plugway_sdk::export!(provider: Adapter<HugeEvent>);
