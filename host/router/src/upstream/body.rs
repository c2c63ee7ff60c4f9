//! What leaves as the body of a request: mostly what was spliced, slices of the
//! adapter's bytes and of the client's, never joined; or what a client sends for the
//! provider alone.

use super::{Broken, RelayedBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use plugway_wire::seal::Spliced;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body on its way to a provider.
pub enum OutgoingBody {
    /// Of a request that an adapter wrote.
    Spliced(SplicedBody),
    /// Of a request that is relayed.
    Relayed(Box<RelayedBody>),
}

impl Body for OutgoingBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Spliced(body) => {
                Pin::new(body).poll_frame(context).map_err(|never| match never {})
            }
            Self::Relayed(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Spliced(body) => body.is_end_stream(),
            Self::Relayed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Spliced(body) => body.size_hint(),
            Self::Relayed(body) => body.size_hint(),
        }
    }
}

impl OutgoingBody {
    /// The same once more, where it is held here: what a client still sends is not.
    pub(super) fn again(&self) -> Option<Self> {
        match self {
            Self::Spliced(body) => Some(Self::Spliced(body.clone())),
            Self::Relayed(_) => None,
        }
    }
}

/// The chunks that are still to be sent.
#[derive(Clone)]
pub struct SplicedBody {
    chunks: VecDeque<Bytes>,
    left: u64,
}

impl SplicedBody {
    /// What is still to be sent, in order.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks.iter().map(|chunk| &**chunk)
    }
}

impl From<Bytes> for SplicedBody {
    fn from(whole: Bytes) -> Self {
        Self { left: whole.len() as u64, chunks: VecDeque::from([whole]) }
    }
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
