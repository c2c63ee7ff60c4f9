//! Spends its time in operations on a whole memory, which run in the host.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave};

/// Wipes and wipes.
pub struct FillMemory;

impl Misbehave for FillMemory {
    fn encode(_: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        let mut memory = vec![1_u8; 4 << 20];
        for pattern in (0_u8..=255).cycle() {
            std::hint::black_box(&mut memory).fill(pattern);
        }
        unreachable!("the patterns never end")
    }
}

plugway_sdk::export!(provider: Adapter<FillMemory>);
