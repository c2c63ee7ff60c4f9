//! Never comes back from opening.

use plugway_test_guests::{Misroute, Policy, spin};

/// Round and round.
pub struct SpinInOpen;

impl Misroute for SpinInOpen {
    fn open() -> Result<(), String> {
        spin()
    }
}

plugway_sdk::export!(strategy: Policy<SpinInOpen>);
