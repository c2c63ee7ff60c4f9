//! Leaves itself a note of a megabyte.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post};

/// Remembers everything.
pub struct HugeMemo;

impl Misbehave for HugeMemo {
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        Ok(UpstreamRequest { memo: "m".repeat(1 << 20), ..post(request) })
    }
}

plugway_sdk::export!(provider: Adapter<HugeMemo>);
