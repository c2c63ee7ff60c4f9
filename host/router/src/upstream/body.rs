//! A request body that leaves as it was spliced: slices of the adapter's bytes
//! and of the client's, never joined.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use plugway_wire::seal::Spliced;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The chunks that are still to be sent.
pub struct SplicedBody {
    chunks: VecDeque<Bytes>,
    left: u64,
}

impl From<Spliced> for SplicedBody {
    fn from(spliced: Spliced) -> Self {
        Self { left: spliced.len as u64, chunks: spliced.chunks.into() }
    }
}

impl Body for SplicedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = self.chunks.pop_front();
        if let Some(chunk) = &chunk {
            self.left = self.left.saturating_sub(chunk.len() as u64);
        }
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
