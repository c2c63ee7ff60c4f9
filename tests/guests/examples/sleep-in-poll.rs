//! Sleeps, again and again. Each sleep ends at once: the host waits for nobody.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave};

/// Never rested.
pub struct SleepInPoll;

impl Misbehave for SleepInPoll {
    fn encode(_: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        loop {
            std::thread::sleep(std::time::Duration::from_secs(3600));
        }
    }
}

plugway_sdk::export!(provider: Adapter<SleepInPoll>);
