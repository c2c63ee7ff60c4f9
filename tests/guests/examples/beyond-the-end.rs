//! Goes on after its answer has failed.

use plugway_sdk::chat::{Event, Failure};
use plugway_test_guests::{Adapter, Misbehave, say, stop};

/// Has the last word, and more.
pub struct BeyondTheEnd;

impl Misbehave for BeyondTheEnd {
    fn end() -> Vec<Event> {
        let failure = Failure::unavailable("the end");
        vec![say("before the end"), failure.into(), say("beyond the end"), stop()]
    }
}

plugway_sdk::export!(provider: Adapter<BeyondTheEnd>);
