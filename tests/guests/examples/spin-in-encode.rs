//! Never comes back from encoding.

use plugway_test_guests::Misbehave;

/// Round and round.
pub struct SpinInEncode;

impl Misbehave for SpinInEncode {
    fn misbehave() -> Vec<u8> {
        loop {
            std::hint::black_box(());
        }
    }
}

plugway_sdk::export!(provider: plugway_test_guests::Guest<SpinInEncode>);
