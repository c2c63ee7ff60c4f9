//! All recorded providers on one port, told apart by the first step of the path.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::Exchange;
use super::cut::Cut;

/// Headers that say how the recorded connection framed the body.
const FRAMING: [&str; 4] =
    ["connection", "content-encoding", "content-length", "transfer-encoding"];

/// A listener that answers as was recorded. Dropping it breaks its connections.
pub struct Upstream {
    address: SocketAddr,
    held: Arc<Held>,
    listening: JoinHandle<()>,
}

/// A request as it came.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    method: String,
    /// Path and query, below the base URL.
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

struct Held {
    exchanges: HashMap<String, Arc<Exchange>>,
    seen: Mutex<HashMap<String, Seen>>,
}

impl Upstream {
    /// Starts on a port of its own.
    pub async fn start(exchanges: &[Arc<Exchange>]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let exchanges = exchanges.iter().map(|it| (it.id.clone(), it.clone())).collect();
        let held = Arc::new(Held { exchanges, seen: Mutex::default() });
        let served = held.clone();
        let listening = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, served.clone()));
            }
        });
        Self { address, held, listening }
    }

    /// What the ids of exchanges are appended to.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The request of an exchange; none before it came.
    pub fn seen(&self, id: &str) -> Option<Seen> {
        self.held.seen.lock().unwrap().get(id).cloned()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(stream: TcpStream, held: Arc<Held>) {
    stream.set_nodelay(true).unwrap();
    let service = service_fn(|request| answer(request, held.clone()));
    // Connections end when the router closes them.
    let builder = auto::Builder::new(TokioExecutor::new());
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, held: Arc<Held>) -> Result<Response<Cut>, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("", |it| it.as_str());
    let (id, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let Some(exchange) = held.exchanges.get(id) else {
        let mut response = Response::new(Cut::new(Bytes::new(), id));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(response);
    };
    let rest = format!("/{rest}");
    let seen = Seen {
        method: head.method.to_string(),
        path: rest.strip_prefix(&exchange.base_path).unwrap_or(&rest).to_owned(),
        headers: head.headers.iter().map(readable).collect(),
        body: String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned(),
    };
    held.seen.lock().unwrap().insert(id.to_owned(), seen);
    Ok(recorded(exchange))
}

fn readable((name, value): (&http::HeaderName, &http::HeaderValue)) -> (String, String) {
    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn recorded(exchange: &Exchange) -> Response<Cut> {
    let body = BASE64_STANDARD.decode(&exchange.response.body_base64).unwrap();
    let mut response = Response::builder().status(exchange.response.status);
    for (name, value) in &exchange.response.headers {
        if !FRAMING.contains(&name.as_str()) {
            response = response.header(name, value);
        }
    }
    response.body(Cut::new(body.into(), &exchange.id)).unwrap()
}
