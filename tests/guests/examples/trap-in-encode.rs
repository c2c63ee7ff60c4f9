//! Panics while encoding, in a function of a name that a backtrace should show.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave};

/// Always fails.
pub struct TrapInEncode;

impl Misbehave for TrapInEncode {
    fn encode(_: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        function_that_panics()
    }
}

#[inline(never)]
fn function_that_panics() -> ! {
    panic!("this guest always fails")
}

plugway_sdk::export!(provider: Adapter<TrapInEncode>);
