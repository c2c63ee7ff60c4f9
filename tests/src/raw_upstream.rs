//! A provider that answers with bytes as the test wants them, and misbehaves on
//! its connections in ways that no HTTP library would.

use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// One thing that it does after it has read a request.
#[derive(Clone, Debug)]
pub enum Play {
    /// Writes these bytes.
    Write(Bytes),
    /// Writes them one by one.
    Drip(Bytes),
    /// Does nothing for so long.
    Wait(Duration),
    /// Does nothing until the router closes the connection.
    Hang,
    /// Closes the connection.
    Close,
    /// Breaks the connection without a farewell.
    Reset,
}

impl Play {
    /// Writes these bytes.
    pub fn write(bytes: impl Into<Bytes>) -> Self {
        Self::Write(bytes.into())
    }

    /// Writes them one by one.
    pub fn drip(bytes: impl Into<Bytes>) -> Self {
        Self::Drip(bytes.into())
    }
}

/// A listener that plays a script to each request. Dropping it breaks its
/// connections.
pub struct RawUpstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<Vec<Play>>,
    requests: Mutex<Vec<String>>,
}

impl RawUpstream {
    /// Starts on a port of its own, with nothing to play.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let played = shared.clone();
        let listening = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, played.clone()));
            }
        });
        Self { address, shared, listening }
    }

    /// What to play to each request from now on.
    pub fn play(&self, script: impl Into<Vec<Play>>) {
        *self.shared.script.lock().unwrap() = script.into();
    }

    /// The requests that came, head and body.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Refuses connections from now on.
    pub async fn refuse(&self) {
        self.listening.abort();
        while !self.listening.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    /// Where it listens.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

impl Drop for RawUpstream {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Serves one connection until somebody ends it.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    stream.set_nodelay(true).unwrap();
    while let Some(request) = read_request(&mut stream).await {
        shared.requests.lock().unwrap().push(request);
        let script = shared.script.lock().unwrap().clone();
        for play in script {
            let played = match play {
                Play::Write(bytes) => stream.write_all(&bytes).await,
                Play::Drip(bytes) => drip(&mut stream, &bytes).await,
                Play::Wait(duration) => {
                    tokio::time::sleep(duration).await;
                    Ok(())
                }
                Play::Hang => {
                    let _ = stream.read(&mut [0]).await;
                    return;
                }
                Play::Close => return,
                Play::Reset => {
                    stream.set_zero_linger().unwrap();
                    return;
                }
            };
            if played.is_err() {
                return;
            }
        }
    }
}

async fn drip(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// A request with a declared length, or none at the connection's end.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    loop {
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
        let Some(at) = request.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&request[..at]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        if request.len() >= at + 4 + length {
            return Some(String::from_utf8_lossy(&request).into_owned());
        }
    }
}
