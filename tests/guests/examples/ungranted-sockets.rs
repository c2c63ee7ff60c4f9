//! Would like to open a socket.

use std::net::TcpStream;

use plugway_test_guests::Misbehave;

/// Asks for what nobody gets.
pub struct UngrantedSockets;

impl Misbehave for UngrantedSockets {
    fn misbehave() -> Vec<u8> {
        let open = TcpStream::connect("127.0.0.1:80").is_ok();
        open.to_string().into_bytes()
    }
}

plugway_sdk::export!(provider: plugway_test_guests::Guest<UngrantedSockets>);
