//! How fast a simulator can be on this machine: what a load test through it
//! cannot exceed.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::kind::Kind;
use crate::script::Behaviour;
use crate::simulator::Simulator;

/// Content chunks of each streamed answer.
const CHUNKS: u32 = 100;

/// What was measured over loopback, with server and client on this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceiling {
    /// Whole answers per second.
    pub whole: f64,
    /// Streamed answers of 100 chunks per second, each sent in one write.
    pub streamed: f64,
    /// Chunks per second when every frame is a write of its own.
    pub chunks: f64,
}

/// Measures a simulator of this kind for so long, with so many connections: one that
/// speaks Anthropic's messages, or any variety of OpenAI's chat completions.
///
/// # Errors
/// When the simulator cannot be started or reached.
pub async fn measure(kind: Kind, duration: Duration, connections: u32) -> io::Result<Ceiling> {
    let simulator = Simulator::start(kind, Behaviour::new().completion_tokens(CHUNKS))?;
    let part = duration / 3;
    let address = simulator.addr();
    let load = |stream| load(address, kind, stream, part, connections);
    let streamed = load(true).await?;
    simulator.set(Behaviour::new().completion_tokens(CHUNKS).frames_per_write(1));
    let trickled = load(true).await?;
    simulator.set(Behaviour::new());
    let whole = load(false).await?;
    Ok(Ceiling { whole, streamed, chunks: trickled * f64::from(CHUNKS) })
}

/// Answers per second.
async fn load(
    address: SocketAddr,
    kind: Kind,
    stream: bool,
    duration: Duration,
    connections: u32,
) -> io::Result<f64> {
    let began = Instant::now();
    let deadline = began + duration;
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        clients.spawn(client(address, kind, stream, deadline));
    }
    let mut answers = 0;
    while let Some(client) = clients.join_next().await {
        answers += client.map_err(io::Error::other)??;
    }
    Ok(f64::from(answers) / began.elapsed().as_secs_f64())
}

async fn client(
    address: SocketAddr,
    kind: Kind,
    stream: bool,
    deadline: Instant,
) -> io::Result<u32> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(socket)).await.map_err(io::Error::other)?;
    // The connection ends when its sender is dropped.
    tokio::spawn(connection);
    let body = Bytes::from(format!(
        r#"{{"model":"ceiling","max_tokens":1000,"stream":{stream},
            "messages":[{{"role":"user","content":"How fast are you?"}}]}}"#
    ));
    let mut answers = 0;
    while Instant::now() < deadline {
        ask(&mut sender, kind, body.clone()).await.map_err(io::Error::other)?;
        answers += 1;
    }
    Ok(answers)
}

async fn ask(
    sender: &mut SendRequest<Full<Bytes>>,
    kind: Kind,
    body: Bytes,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let path = match kind {
        Kind::Anthropic => "/v1/messages",
        _ => "/v1/chat/completions",
    };
    let request = Request::post(path)
        .header(header::HOST, "simulator")
        .header(header::AUTHORIZATION, "Bearer ceiling")
        .header("anthropic-version", "2023-06-01")
        .body(Full::new(body))?;
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status()).into());
    }
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}
