//! Never comes back from explaining a refusal.

use plugway_sdk::chat::Failure;
use plugway_test_guests::{Adapter, Misbehave, spin};

/// Round and round.
pub struct SpinInExplain;

impl Misbehave for SpinInExplain {
    fn explain() -> Failure {
        spin()
    }
}

plugway_sdk::export!(provider: Adapter<SpinInExplain>);
