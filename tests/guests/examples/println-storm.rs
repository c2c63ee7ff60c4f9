//! Prints far more than anyone wants to read.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post};

/// Never quiet.
pub struct PrintlnStorm;

#[expect(clippy::print_stdout, reason = "printing is its misbehaviour")]
impl Misbehave for PrintlnStorm {
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        for line in 0..10_000 {
            println!("line {line} of the storm");
        }
        Ok(post(request))
    }
}

plugway_sdk::export!(provider: Adapter<PrintlnStorm>);
