//! A client that writes bytes as the test wants them, also those that no HTTP
//! library would send, and reads what comes back.

use crate::TestRouter;
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No wait is longer: what did not come by then will not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to a router.
pub struct RawClient {
    stream: TcpStream,
    /// Arrived, and not read as an answer yet.
    arrived: Vec<u8>,
}

/// A response, as far as the connection showed it.
#[derive(Debug)]
pub struct RawAnswer {
    /// HTTP status.
    pub status: u16,
    /// Status line and headers, as they came.
    pub head: String,
    /// The body, without its framing.
    pub body: Vec<u8>,
}

impl RawClient {
    /// Connects.
    pub async fn connect(router: &TestRouter) -> Self {
        let stream = TcpStream::connect(router.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, arrived: Vec::new() }
    }

    /// Writes; false if the router takes no more.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let written = timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await;
        written.expect("the router takes nothing").is_ok()
    }

    /// Says that nothing more will come.
    pub async fn finish_sending(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Breaks the connection without a farewell.
    pub fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// The next response.
    ///
    /// # Panics
    /// When the connection ends before.
    pub async fn answer(&mut self) -> RawAnswer {
        let head = self.until(b"\r\n\r\n").await;
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {head}"));
        let mut answer = RawAnswer { status, head, body: Vec::new() };
        if answer.header("transfer-encoding").is_some() {
            answer.body = self.chunks().await;
        } else if let Some(length) = answer.header("content-length") {
            answer.body = self.take(length.parse().unwrap()).await;
        }
        answer
    }

    /// Everything up to the end of the connection, also a reset.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.arrived)
    }

    /// Everything up to and with the mark.
    pub async fn until(&mut self, mark: &[u8]) -> Vec<u8> {
        loop {
            let found = self.arrived.windows(mark.len()).position(|it| it == mark);
            if let Some(at) = found {
                return self.take(at + mark.len()).await;
            }
            assert!(self.more().await, "ended after {:?}", String::from_utf8_lossy(&self.arrived));
        }
    }

    /// So many bytes.
    pub async fn take(&mut self, count: usize) -> Vec<u8> {
        while self.arrived.len() < count {
            assert!(self.more().await, "ended after {:?}", String::from_utf8_lossy(&self.arrived));
        }
        let rest = self.arrived.split_off(count);
        std::mem::replace(&mut self.arrived, rest)
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = String::from_utf8(self.until(b"\r\n").await).unwrap();
            let size = usize::from_str_radix(line.trim(), 16).unwrap();
            body.extend_from_slice(&self.take(size).await);
            assert_eq!(self.take(2).await, b"\r\n");
            if size == 0 {
                return body;
            }
        }
    }

    /// Waits for more; false at the end.
    async fn more(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.arrived)).await;
        read.expect("the router says nothing").is_ok_and(|count| count > 0)
    }
}

impl RawAnswer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        headers
            .into_iter()
            .find_map(|(it, value)| it.eq_ignore_ascii_case(name).then(|| value.trim()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.head, self.text()))
    }

    /// `error.metadata.code`; empty where there is none.
    pub fn error_type(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["error"]["metadata"]["code"].as_str().unwrap_or_default().to_owned()
    }
}
