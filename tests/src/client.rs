//! An HTTP client that shows what came over the wire, chunk by chunk.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::net::SocketAddr;

/// A client of one router.
#[derive(Clone)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
}

/// A streamed answer, read to its end.
#[derive(Debug)]
pub struct Streamed {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The JSON of each `data:` line before `[DONE]`.
    pub chunks: Vec<Value>,
    /// Whether `[DONE]` came last.
    pub done: bool,
}

impl Client {
    /// A client of whatever listens there.
    pub fn new(address: SocketAddr) -> Self {
        Self { pool: Pool::builder(TokioExecutor::new()).build_http(), address }
    }

    /// Sends a request and returns once the head is here.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        self.pool.request(request).await.unwrap()
    }

    /// A request to this router.
    pub fn request(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Request<Full<Bytes>> {
        Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("content-type", "application/json")
            .body(Full::new(body.into()))
            .unwrap()
    }

    /// Sends a request, read to the end.
    pub async fn read(&self, request: Request<Full<Bytes>>) -> Answer {
        Answer::read(self.send(request).await).await
    }

    /// GET, read to the end.
    pub async fn get(&self, path: &str) -> Answer {
        self.read(self.request(Method::GET, path, "")).await
    }

    /// Posts a chat completion, read to the end.
    pub async fn chat(&self, body: &Value) -> Answer {
        self.post(body.to_string()).await
    }

    /// Posts these bytes as a chat completion, read to the end.
    pub async fn post(&self, body: impl Into<Bytes>) -> Answer {
        Answer::read(self.open(body).await).await
    }

    /// Posts a chat completion and returns once the head is here.
    pub async fn open(&self, body: impl Into<Bytes>) -> Response<Incoming> {
        self.send(self.request(Method::POST, "/v1/chat/completions", body)).await
    }

    /// Posts a chat completion with `stream: true`, read to the end.
    pub async fn stream(&self, body: &Value) -> Streamed {
        let mut body = body.clone();
        body["stream"] = Value::Bool(true);
        Streamed::of(Answer::read(self.open(body.to_string()).await).await)
    }
}

impl Streamed {
    /// An answer that was read to its end, as the stream that it is.
    ///
    /// # Panics
    /// When it is none.
    pub fn of(answer: Answer) -> Self {
        let text = std::str::from_utf8(&answer.body).unwrap();
        let mut data: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let done = data.pop_if(|last| *last == "[DONE]").is_some();
        let chunks = data.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { status: answer.status, headers: answer.headers, chunks, done }
    }

    /// The deltas' content, joined.
    pub fn content(&self) -> String {
        let deltas = self.chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]["content"]);
        deltas.filter_map(Value::as_str).collect()
    }
}

impl Answer {
    async fn read(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: head.status, headers: head.headers, body }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What the assistant said.
    pub fn content(&self) -> String {
        self.json()["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned()
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
