//! All providers at one address. Each answers a prompt that holds a number with what was
//! laid down under it, whole or streamed as it is asked.

use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What is said to one prompt.
#[derive(Clone)]
pub(super) struct Answers {
    pub(super) whole: Vec<u8>,
    /// Media type and bytes.
    pub(super) stream: (&'static str, Vec<u8>),
}

/// A listener. Dropping it ends it.
pub(super) struct Provider {
    address: SocketAddr,
    answers: Arc<Mutex<HashMap<usize, Answers>>>,
    listening: JoinHandle<()>,
}

/// The prompt that gets the answers of this number.
pub(super) fn mark(number: usize) -> String {
    format!("Number {number}, please.")
}

impl Provider {
    /// On a port of its own.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(Mutex::new(HashMap::new()));
        let known = answers.clone();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let known = known.clone();
                let service = service_fn(move |request| answer(request, known.clone()));
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, answers, listening }
    }

    /// Lays down what is said to a prompt.
    pub(super) fn answers(&self, number: usize, answers: Answers) {
        self.answers.lock().unwrap().insert(number, answers);
    }

    /// Without a slash at its end.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn answer(
    request: Request<Incoming>,
    known: Arc<Mutex<HashMap<usize, Answers>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    let number = text.split_once("Number ").and_then(|(_, rest)| rest.split_once(", please."));
    let number = number.and_then(|(number, _)| number.parse::<usize>().ok());
    let found = number.and_then(|number| known.lock().unwrap().get(&number).cloned());
    let Some(answers) = found else {
        let body = Full::from(format!("nothing is known of {path} {text}"));
        return Ok(Response::builder().status(400).body(body).unwrap());
    };
    // Some ask in the path, the others in the body.
    let streams = path.contains("stream") || text.replace(' ', "").contains("\"stream\":true");
    let (content_type, body) = match streams || path.contains("streamRawPredict") {
        true => answers.stream,
        false => ("application/json", answers.whole),
    };
    Ok(Response::builder().header(CONTENT_TYPE, content_type).body(Full::from(body)).unwrap())
}
