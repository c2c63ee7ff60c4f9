//! Panics while encoding, in a function of a name that a backtrace should show.

use plugway_test_guests::Misbehave;

/// Always fails.
pub struct TrapInEncode;

impl Misbehave for TrapInEncode {
    fn misbehave() -> Vec<u8> {
        function_that_panics()
    }
}

#[inline(never)]
fn function_that_panics() -> Vec<u8> {
    panic!("this guest always fails")
}

plugway_sdk::export!(provider: plugway_test_guests::Guest<TrapInEncode>);
