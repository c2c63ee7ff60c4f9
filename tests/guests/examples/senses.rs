//! Tells what it sees of the world through the standard library.

use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::BuildHasher as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post_text};

/// Looks around.
pub struct Senses;

impl Misbehave for Senses {
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        let mut seen = String::new();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|now| now.as_millis());
        let _ = writeln!(seen, "time: {now:?}");
        let _ = writeln!(seen, "hash: {}", RandomState::new().hash_one("x"));
        let _ = writeln!(seen, "variables: {}", std::env::vars().count());
        let _ = writeln!(seen, "root readable: {}", std::fs::read_dir("/").is_ok());
        let _ = writeln!(seen, "stdin: {:?}", std::io::read_to_string(std::io::stdin()).ok());
        let before = Instant::now();
        std::thread::sleep(Duration::from_secs(3600));
        let _ = writeln!(seen, "slept: {:?}", before.elapsed());
        Ok(post_text(request, &seen))
    }
}

plugway_sdk::export!(provider: Adapter<Senses>);
