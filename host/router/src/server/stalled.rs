//! Bodies that their client does not take. HTTP/2 lets a client grant no window for
//! an answer, and a client of HTTP/1 can take a byte a minute; the protocol then
//! asks the body for nothing more, so that nothing in it runs, and what is open
//! for it stays open. So somebody else watches for how long each has not been asked.

use crate::api::Body;
use crate::upstream::Broken;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Bytes that are handed out at once: as much as a client must take within
/// `server.write_timeout`.
const PIECE_BYTES: usize = 64 * 1024;

/// The response bodies of one connection.
#[derive(Clone)]
pub(super) struct Bodies(Arc<Mutex<Waiting>>);

/// Since when each body waits to be asked. A body that was asked and has nothing
/// yet waits for a provider, and is not among these.
#[derive(Default)]
struct Waiting {
    since: HashMap<u64, Instant>,
    /// How many bodies there have been.
    count: u64,
}

/// A body of which it is known whether the client takes it.
pub(super) struct Watched {
    body: Body,
    /// Of the last chunk, what was not handed out yet.
    rest: Bytes,
    key: u64,
    bodies: Bodies,
}

impl Bodies {
    /// None yet.
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// Watches one more body, from now on.
    pub(super) fn watch(&self, body: Body) -> Watched {
        let mut waiting = self.lock();
        waiting.count += 1;
        let key = waiting.count;
        waiting.since.insert(key, Instant::now());
        Watched { body, rest: Bytes::new(), key, bodies: self.clone() }
    }

    /// Resolves once a body has waited for as long as `patience`.
    pub(super) async fn stalled(&self, patience: Duration) {
        loop {
            let oldest = self.lock().since.values().min().copied();
            let now = Instant::now();
            let until = oldest.unwrap_or(now) + patience;
            if until <= now {
                return;
            }
            sleep_until(until).await;
        }
    }

    /// Held for a look-up at a time.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = &mut *self;
        this.bodies.lock().since.remove(&this.key);
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(broken)) => return Poll::Ready(Some(Err(broken))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(chunk) => this.rest = chunk,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE_BYTES));
        this.bodies.lock().since.insert(this.key, Instant::now());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(body.lower().saturating_add(rest));
        hint
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.bodies.lock().since.remove(&self.key);
    }
}
