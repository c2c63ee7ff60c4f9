//! A plain HTTP client: one connection for each request.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use plugway_simulator::{Kind, Simulator};
use serde_json::Value;
use tokio::net::TcpStream;

/// Longer than any test takes: what hangs fails.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// The connection was closed before the end of the body.
    pub(crate) cut: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The payloads of the stream's frames.
    pub(crate) fn data(&self) -> Vec<&str> {
        self.body.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
    }

    /// The payloads that are JSON.
    pub(crate) fn events(&self) -> Vec<Value> {
        let data = self.data();
        data.iter().filter_map(|data| serde_json::from_str(data).ok()).collect()
    }

    /// The text of the answer, whole or from its frames, in either format.
    pub(crate) fn text(&self) -> String {
        let whole = serde_json::from_str(&self.body).into_iter();
        let places = [
            "/choices/0/message/content",
            "/choices/0/delta/content",
            "/content/0/text",
            "/delta/text",
        ];
        whole
            .chain(self.events())
            .flat_map(|json: Value| places.map(|place| json.pointer(place).cloned()))
            .flatten()
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect()
    }
}

/// Asks with a valid credential.
pub(crate) async fn chat(simulator: &Simulator, body: impl ToString) -> Answer {
    let answer = send(simulator, request(simulator, body.to_string())).await;
    collect(answer.expect("a response")).await
}

/// The request that a well-behaved client sends.
pub(crate) fn request(simulator: &Simulator, body: String) -> Request<Full<Bytes>> {
    let request = Request::post(path(simulator.kind(), &body));
    let request = match simulator.kind() {
        Kind::Anthropic => {
            request.header("x-api-key", "sk-test").header("anthropic-version", "2023-06-01")
        }
        _ => request.header("authorization", "Bearer sk-test"),
    };
    request
        .header("host", "simulator")
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

/// Where a well-behaved client of the API sends a request to chat.
fn path(kind: Kind, body: &str) -> &'static str {
    let stream = body.contains("\"stream\":true");
    match kind {
        Kind::OpenAiResponses => "/v1/responses",
        Kind::Anthropic => "/v1/messages",
        Kind::Gemini if stream => "/v1beta/models/m:streamGenerateContent?alt=sse",
        Kind::Gemini => "/v1beta/models/m:generateContent",
        Kind::Bedrock if stream => "/model/anthropic.m%3A0/converse-stream",
        Kind::Bedrock => "/model/anthropic.m%3A0/converse",
        Kind::Cohere => "/v2/chat",
        Kind::Ollama => "/api/chat",
        _ => "/v1/chat/completions",
    }
}

pub(crate) fn plain(method: Method, path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "simulator")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap()
}

/// An error means that the connection was closed without a response.
pub(crate) async fn send(
    simulator: &Simulator,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Response<Incoming>> {
    let socket = connect(simulator.addr()).await;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(socket).await?;
    tokio::spawn(connection);
    within(sender.send_request(request)).await
}

/// Asks over HTTP/2 without TLS.
pub(crate) async fn send_h2(
    simulator: &Simulator,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Response<Incoming>> {
    let socket = connect(simulator.addr()).await;
    let executor = TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, socket).await?;
    tokio::spawn(connection);
    within(sender.send_request(request)).await
}

async fn connect(address: SocketAddr) -> TokioIo<TcpStream> {
    TokioIo::new(TcpStream::connect(address).await.unwrap())
}

pub(crate) async fn collect(response: Response<Incoming>) -> Answer {
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    let mut cut = false;
    while let Some(frame) = within(body.frame()).await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(_) => {
                cut = true;
                break;
            }
        }
    }
    Answer {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8_lossy(&bytes).into_owned(),
        cut,
    }
}

/// Fails the test when it hangs.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it hangs")
}
