//! A provider that does to its connections what no HTTP server would.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What comes after the bytes that are said.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    /// The connection is closed.
    Close,
    /// The connection is reset.
    Reset,
    /// Silence.
    Wait,
}

/// Says `bytes` to every request, then does `then`. Runs as long as the test.
pub(super) async fn upstream(bytes: &str, then: Then) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let bytes = bytes.to_owned();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                read_request(&mut stream).await;
                // A router that had enough may be gone.
                let _ = stream.write_all(bytes.as_bytes()).await;
                match then {
                    Then::Close => {}
                    Then::Reset => stream.set_zero_linger().unwrap(),
                    Then::Wait => drop(stream.read_u8().await),
                }
            });
        }
    });
    address
}

/// Configuration of the provider `first` at an address.
pub(super) fn first(address: SocketAddr, adapter: &str) -> String {
    format!(
        "[providers.first]\nadapter = \"{adapter}\"\nbase_url = \"http://{address}/v1\"\n\
         auth = \"bearer\"\napi_key_env = \"TEST_KEY\"\n"
    )
}

/// A streamed response of these `data:` lines and comments, cut where they end.
pub(super) fn stream(frames: &[&str]) -> String {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    frames.iter().fold(head.to_owned(), |all, frame| all + frame + "\n\n")
}

/// A whole JSON response.
pub(super) fn whole(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Head and body: a connection that is closed over unread bytes would be reset.
async fn read_request(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.map_or(0, |length| length.trim().parse().unwrap());
    let mut body = vec![0; length];
    let _ = stream.read_exact(&mut body).await;
}
