//! A provider that costs as little as one can: it reads the request to its end
//! and sends what it always sends for a model of that name.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::time::Duration;
use tokio::net::TcpListener;

/// Content chunks of a streamed answer.
pub(crate) const CHUNKS: usize = 50;

/// Between two chunks of a stream that is held open.
const HELD_PAUSE: Duration = Duration::from_secs(5);

pub(crate) async fn run(listener: TcpListener) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let serving =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(async move {
            let _ = serving.await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, hyper::Error> {
    let mut body = request.into_body();
    let mut first = None;
    while let Some(frame) = body.frame().await {
        if let Ok(chunk) = frame?.into_data() {
            first.get_or_insert(chunk);
        }
    }
    let (kind, body) = match model(&first.unwrap_or_default()) {
        b"held" => ("text/event-stream", stream(usize::MAX, HELD_PAUSE)),
        b"stream" => ("text/event-stream", stream(CHUNKS, Duration::ZERO)),
        _ => ("application/json", Full::new(whole()).boxed_unsync()),
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

/// The name behind the author's, of the model that a request asks for.
fn model(body: &[u8]) -> &[u8] {
    const KEY: &[u8] = b"\"model\":\"";
    let at = body.windows(KEY.len()).position(|window| window == KEY).unwrap() + KEY.len();
    let name = body[at..].split(|&byte| byte == b'"').next().unwrap_or_default();
    name.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

fn whole() -> Bytes {
    Bytes::from_static(
        br#"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"The quick brown fox jumps over the lazy dog, and again, and then once more for good measure."},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":20,"total_tokens":29}}"#,
    )
}

const CHUNK: &[u8] = b"data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n";

const END: &[u8] = b"data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// So many chunks of content, each a write of its own, then the end.
fn stream(chunks: usize, pause: Duration) -> UnsyncBoxBody<Bytes, Infallible> {
    let frames = futures_util::stream::unfold(0, move |sent| async move {
        let chunk = match sent {
            _ if sent < chunks => CHUNK,
            _ if sent == chunks => END,
            _ => return None,
        };
        if sent > 0 && !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        // The server writes what it has before it waits.
        tokio::task::yield_now().await;
        Some((Ok(Frame::data(Bytes::from_static(chunk))), sent + 1))
    });
    StreamBody::new(frames).boxed_unsync()
}
