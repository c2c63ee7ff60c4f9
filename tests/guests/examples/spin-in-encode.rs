//! Never comes back from encoding.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, spin};

/// Round and round.
pub struct SpinInEncode;

impl Misbehave for SpinInEncode {
    fn encode(_: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        spin()
    }
}

plugway_sdk::export!(provider: Adapter<SpinInEncode>);
