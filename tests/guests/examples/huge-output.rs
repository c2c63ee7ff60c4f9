//! Hands the host 100 megabytes.

use plugway_test_guests::Misbehave;

/// Much ado about nothing.
pub struct HugeOutput;

impl Misbehave for HugeOutput {
    fn misbehave() -> Vec<u8> {
        vec![b' '; 100_000_000]
    }
}

plugway_sdk::export!(provider: plugway_test_guests::Guest<HugeOutput>);
