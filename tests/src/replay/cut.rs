//! A body in pieces of random size: nobody records where a provider's writes ended.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};

/// Pieces that a body is cut into on the average, at least where it is long enough.
const PIECES: usize = 64;

/// The same bytes with the same seed are cut at the same places, run by run.
pub(super) struct Cut {
    rest: Bytes,
    longest: usize,
    random: u64,
    /// The piece before has not been flushed yet.
    unflushed: bool,
}

impl Cut {
    /// Cuts `body`; where, is the seed's choice.
    pub(super) fn new(body: Bytes, seed: &str) -> Self {
        // FNV-1a; never zero, on which the generator below would stick.
        let hash = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let random = seed.bytes().fold(0xcbf2_9ce4_8422_2325, hash) | 1;
        let longest = (2 * body.len() / PIECES).max(1);
        Self { rest: body, longest, random, unflushed: false }
    }

    /// Xorshift.
    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

impl Body for Cut {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if std::mem::replace(&mut self.unflushed, false) {
            // The server writes out what it has whenever a body makes it wait.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let size = usize::try_from(self.random() % self.longest as u64).unwrap() + 1;
        let size = size.min(self.rest.len());
        self.unflushed = true;
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(size)))))
    }
}
