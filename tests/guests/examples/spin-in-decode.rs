//! Never comes back from reading a whole answer.

use plugway_sdk::chat::Event;
use plugway_test_guests::{Adapter, Misbehave, spin};

/// Round and round.
pub struct SpinInDecode;

impl Misbehave for SpinInDecode {
    fn decode(_: &str) -> Vec<Event> {
        spin()
    }
}

plugway_sdk::export!(provider: Adapter<SpinInDecode>);
