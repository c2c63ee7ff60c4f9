//! Allocates until it is stopped.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave};

/// Always hungry.
pub struct EatMemory;

impl Misbehave for EatMemory {
    fn encode(_: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        let mut eaten = Vec::new();
        loop {
            eaten.push(std::hint::black_box(vec![1_u8; 1 << 20]));
        }
    }
}

plugway_sdk::export!(provider: Adapter<EatMemory>);
