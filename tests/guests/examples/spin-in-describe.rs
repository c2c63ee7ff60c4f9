//! Never comes back from describing itself.

use plugway_sdk::provider::Info;
use plugway_test_guests::{Adapter, Misbehave, spin};

/// Round and round.
pub struct SpinInDescribe;

impl Misbehave for SpinInDescribe {
    fn describe() -> Info {
        spin()
    }
}

plugway_sdk::export!(provider: Adapter<SpinInDescribe>);
