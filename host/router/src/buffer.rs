//! Bodies that must be held whole, within a bound for each and one for all.

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// What one permit stands for, in bytes.
const PERMIT_BYTES: usize = 1024;

/// More than this is not allocated on the word of a `content-length` alone.
const MAX_TRUSTED_BYTES: usize = 1024 * 1024;

/// A body in memory. Its share of the common bound is given back on drop.
pub(crate) struct Held {
    /// The whole body.
    pub(crate) bytes: Bytes,
    /// Its share of the common bound.
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// Takes room for so many bytes more than the `have` that it has room for.
    pub(crate) fn grow(
        &mut self,
        all: &Arc<Semaphore>,
        have: usize,
        more: usize,
    ) -> Result<(), Refused> {
        reserve(&mut self.room, all, have, more)
    }
}

/// Why a body could not be held.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Larger than one body may be.
    TooLarge,
    /// No room left for all bodies together.
    NoRoom,
    /// It did not arrive in time.
    TooSlow,
    /// It broke off.
    Broken,
}

/// How much may be held, for how long it may take.
pub(crate) struct Bounds<'a> {
    /// For this body, in bytes.
    pub(crate) limit: usize,
    /// For all bodies, in permits of `PERMIT_BYTES`.
    pub(crate) room: &'a Arc<Semaphore>,
    /// From now until the last byte.
    pub(crate) patience: Duration,
    /// Between two chunks.
    pub(crate) idle: Duration,
}

/// Reads a body to its end.
pub(crate) async fn hold<B>(body: B, bounds: Bounds<'_>) -> Result<Held, Refused>
where
    B: Body<Data = Bytes>,
{
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if expected > bounds.limit {
        return Err(Refused::TooLarge);
    }
    let mut body = std::pin::pin!(body);
    let mut held = Held { bytes: Bytes::new(), room: None };
    let mut joined = BytesMut::new();
    let deadline = Instant::now() + bounds.patience;
    loop {
        let wait = deadline.min(Instant::now() + bounds.idle);
        let frame = match timeout_at(wait, body.frame()).await {
            Err(_) => return Err(Refused::TooSlow),
            Ok(None) => break,
            Ok(Some(frame)) => frame.map_err(|_| Refused::Broken)?,
        };
        let Ok(chunk) = frame.into_data() else { continue };
        let have = held.bytes.len() + joined.len();
        if chunk.len() > bounds.limit - have {
            return Err(Refused::TooLarge);
        }
        reserve(&mut held.room, bounds.room, have, chunk.len())?;
        if have == 0 {
            held.bytes = chunk;
            continue;
        }
        if joined.is_empty() {
            joined.reserve(expected.min(MAX_TRUSTED_BYTES).max(have + chunk.len()));
            joined.extend_from_slice(&std::mem::take(&mut held.bytes));
        }
        joined.extend_from_slice(&chunk);
    }
    if !joined.is_empty() {
        held.bytes = joined.freeze();
    }
    Ok(held)
}

/// Takes room for the bytes from `have` to `have + more`, or fails at once:
/// waiting here could wait for oneself.
fn reserve(
    room: &mut Option<OwnedSemaphorePermit>,
    all: &Arc<Semaphore>,
    have: usize,
    more: usize,
) -> Result<(), Refused> {
    let wanted = (have + more).div_ceil(PERMIT_BYTES) - have.div_ceil(PERMIT_BYTES);
    let wanted = u32::try_from(wanted).map_err(|_| Refused::NoRoom)?;
    let more = all.clone().try_acquire_many_owned(wanted).map_err(|_| Refused::NoRoom)?;
    match room {
        Some(room) => room.merge(more),
        None => *room = Some(more),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{Full, StreamBody};
    use std::convert::Infallible;

    fn chunks(chunks: &'static [&'static [u8]]) -> impl Body<Data = Bytes, Error = Infallible> {
        let frames =
            chunks.iter().map(|chunk| Ok(http_body::Frame::data(Bytes::from_static(chunk))));
        StreamBody::new(futures_util::stream::iter(frames))
    }

    fn bounds(limit: usize, room: &Arc<Semaphore>) -> Bounds<'_> {
        let patience = Duration::from_secs(60);
        Bounds { limit, room, patience, idle: patience }
    }

    #[tokio::test]
    async fn joins_chunks_and_gives_the_room_back() {
        let room = Arc::new(Semaphore::new(4));
        let held =
            hold(chunks(&[b"one ", b"", b"two ", b"three"]), bounds(100, &room)).await.unwrap();
        assert_eq!(held.bytes, "one two three");
        assert_eq!(room.available_permits(), 3);
        drop(held);
        assert_eq!(room.available_permits(), 4);
    }

    #[tokio::test]
    async fn what_is_made_of_a_body_takes_room_too() {
        let room = Arc::new(Semaphore::new(4));
        let mut held = hold(chunks(&[b"body"]), bounds(100, &room)).await.unwrap();
        assert_eq!(held.grow(&room, 4, 2048), Ok(()));
        assert_eq!(room.available_permits(), 1);
        assert_eq!(held.grow(&room, 2052, 2045), Err(Refused::NoRoom));
        drop(held);
        assert_eq!(room.available_permits(), 4);
    }

    #[test]
    fn what_grows_by_little_takes_no_more_room_than_it_fills() {
        let room = Arc::new(Semaphore::new(4));
        let mut held = Held { bytes: Bytes::new(), room: None };
        for have in 0..2000 {
            assert_eq!(held.grow(&room, have, 1), Ok(()));
        }
        assert_eq!(room.available_permits(), 2);
    }

    #[tokio::test]
    async fn refuses_what_is_too_large_for_one_or_for_all() {
        let room = Arc::new(Semaphore::new(4));
        let declared = hold(Full::new(Bytes::from_static(b"12345")), bounds(4, &room)).await;
        assert_eq!(declared.err(), Some(Refused::TooLarge));
        let streamed = hold(chunks(&[b"123", b"45"]), bounds(4, &room)).await;
        assert_eq!(streamed.err(), Some(Refused::TooLarge));
        let crowded = hold(Full::new(vec![0; 5000].into()), bounds(10_000, &room)).await;
        assert_eq!(crowded.err(), Some(Refused::NoRoom));
        assert_eq!(room.available_permits(), 4);
    }

    #[tokio::test]
    async fn gives_up_on_silence() {
        let room = Arc::new(Semaphore::new(4));
        let silent = StreamBody::new(futures_util::stream::pending::<
            Result<http_body::Frame<Bytes>, Infallible>,
        >());
        let idle = Duration::from_millis(1);
        let refused = hold(silent, Bounds { idle, ..bounds(100, &room) }).await.err();
        assert_eq!(refused, Some(Refused::TooSlow));
    }
}
