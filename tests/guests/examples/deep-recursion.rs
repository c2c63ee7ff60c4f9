//! Calls itself without end.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave};

/// Down and down.
pub struct DeepRecursion;

impl Misbehave for DeepRecursion {
    fn encode(_: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        panic!("at the bottom: {}", down(1))
    }
}

#[inline(never)]
#[expect(unconditional_recursion, reason = "this is its misbehaviour")]
fn down(depth: u64) -> u64 {
    // Something is left to do, or the call would be a loop.
    down(std::hint::black_box(depth) + 1) + std::hint::black_box(1)
}

plugway_sdk::export!(provider: Adapter<DeepRecursion>);
