//! Never comes back from making a decoder.

use plugway_test_guests::{Adapter, Misbehave, spin};

/// Round and round.
pub struct SpinInConstructor;

impl Misbehave for SpinInConstructor {
    fn begin() {
        spin()
    }
}

plugway_sdk::export!(provider: Adapter<SpinInConstructor>);
