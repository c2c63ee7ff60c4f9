//! A whole answer that is on its way. What was taken for it is given back when it has
//! been sent, not when it has been written down: a client may take its time.

use crate::api::Body;
use crate::upstream::Broken;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::task::{Context, Poll};

struct Kept<T> {
    body: Body,
    _kept: T,
}

/// `body`, which owns `kept` until it is asked for more than there is, or dropped.
pub(super) fn with<T: Send + Unpin + 'static>(body: Body, kept: T) -> Body {
    Kept { body, _kept: kept }.boxed_unsync()
}

impl<T: Unpin> http_body::Body for Kept<T> {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    /// Not known before it was asked: a body that ends is dropped before its last
    /// bytes are sent.
    fn is_end_stream(&self) -> bool {
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
