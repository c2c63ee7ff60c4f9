//! Never comes back from reading a stream.

use plugway_sdk::chat::Event;
use plugway_test_guests::{Adapter, Misbehave, spin};

/// Round and round.
pub struct SpinInPush;

impl Misbehave for SpinInPush {
    fn push() -> Vec<Event> {
        spin()
    }
}

plugway_sdk::export!(provider: Adapter<SpinInPush>);
