//! Chats for which there is no room: told so before anything is decoded, kept or
//! asked for them.

use super::{Body, respond};
use crate::Router;
use crate::error::Error;
use crate::record::Record;
use crate::telemetry::ShedLabels;
use http::header::{CONNECTION, EXPECT, HeaderValue};
use http::{Request, Response, Version};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use plugway_wire::Dialect;
use std::time::Duration;
use tokio::time::timeout;

/// A body up to this size, in bytes, is taken and dropped, so that its client
/// gets to reading the answer and its connection serves on.
const MAX_DROPPED_BYTES: u64 = 1024 * 1024;

/// How long that may take.
const DROP_PATIENCE: Duration = Duration::from_secs(1);

/// The bound that left no room.
#[derive(Clone, Copy)]
pub(super) enum Bound {
    Connections,
    Requests,
    /// One key has more of them than its share.
    KeyShare,
}

/// Turns a chat away.
pub(super) async fn answer(
    router: &Router,
    dialect: Dialect,
    request: Request<Incoming>,
    bound: Bound,
) -> Response<Body> {
    let (name, message) = match bound {
        Bound::Connections => (
            "connections",
            "More clients are connected than the router holds (server.max_connections); try again soon.",
        ),
        Bound::KeyShare => (
            "key_share",
            "This key has more requests under way than its share of what the router holds (server.key_share_percent); try again when some have ended.",
        ),
        Bound::Requests => (
            "requests",
            "More requests are under way than the router holds (server.max_requests); try again soon.",
        ),
    };
    router.metrics.requests_shed.get_or_create(&ShedLabels { bound: name }).inc();
    let mut response = respond::error_in(dialect, &Error::overloaded(message), None);
    drop_body(request, &mut response).await;
    response
}

/// Turns away a request that has a record, and whose body is unread.
pub(super) async fn refuse(
    dialect: Dialect,
    error: &Error,
    mut record: Record,
    request: Request<Incoming>,
) -> Response<Body> {
    record.failed(error);
    record.answered(error.code.status());
    let mut response = respond::error_in(dialect, error, Some(&record.id));
    // Its place is for others while the rest is dropped.
    drop(record);
    drop_body(request, &mut response).await;
    response
}

/// Drops what comes of a body that nobody reads. Where it is too large for that, HTTP/1.1
/// cannot go on with the connection behind this response.
pub(super) async fn drop_body(request: Request<Incoming>, response: &mut Response<Body>) {
    if request.version() < Version::HTTP_2 && !dropped(request).await {
        close(response);
    }
}

/// Has the connection closed behind a response of HTTP/1.
pub(super) fn close(response: &mut Response<Body>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

/// Whether the body has been dropped to its end.
async fn dropped(request: Request<Incoming>) -> bool {
    let (head, mut body) = request.into_parts();
    let is_large = body.size_hint().lower() > MAX_DROPPED_BYTES;
    // A client that asks first is not told to send what would be dropped.
    if is_large || head.headers.contains_key(EXPECT) {
        return body.is_end_stream();
    }
    let dropped = async {
        let mut dropped = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            dropped += frame.data_ref().map_or(0, |chunk| chunk.len() as u64);
            if dropped > MAX_DROPPED_BYTES {
                return false;
            }
        }
        true
    };
    timeout(DROP_PATIENCE, dropped).await.unwrap_or(false)
}
