//! Would like to open a socket.

use std::net::TcpStream;

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};
use plugway_test_guests::{Adapter, Misbehave, post_text};

/// Asks for what nobody gets.
pub struct UngrantedSockets;

impl Misbehave for UngrantedSockets {
    fn encode(request: &Request, _: &Endpoint) -> Result<UpstreamRequest, Failure> {
        let open = TcpStream::connect("127.0.0.1:80").is_ok();
        Ok(post_text(request, &open.to_string()))
    }
}

plugway_sdk::export!(provider: Adapter<UngrantedSockets>);
