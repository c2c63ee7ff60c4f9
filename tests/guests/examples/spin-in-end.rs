//! Never comes back from ending a stream.

use plugway_sdk::chat::Event;
use plugway_test_guests::{Adapter, Misbehave, spin};

/// Round and round.
pub struct SpinInEnd;

impl Misbehave for SpinInEnd {
    fn end() -> Vec<Event> {
        spin()
    }
}

plugway_sdk::export!(provider: Adapter<SpinInEnd>);
