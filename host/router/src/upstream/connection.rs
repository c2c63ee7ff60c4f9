//! A connection that knows whether it has served before: its provider may close one that
//! has in the very moment in which it is used again.

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{Connected, Connection};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// Whether a connection has brought an answer. Shared by the connection and, as an
/// extension, by what comes of each request on it.
#[derive(Clone, Default)]
pub(super) struct Served(Arc<AtomicBool>);

impl Served {
    pub(super) fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the connection on which a request failed had served before.
    pub(super) fn before(failed: &legacy::Error) -> bool {
        let mut extensions = http::Extensions::new();
        if let Some(connected) = failed.connect_info() {
            connected.get_extras(&mut extensions);
        }
        extensions.get::<Self>().is_some_and(|served| served.0.load(Ordering::Relaxed))
    }
}

/// The connection.
pub(super) struct Marked<T> {
    io: T,
    served: Served,
}

impl<T> Marked<T> {
    /// One that has not served yet.
    pub(super) fn new(io: T) -> Self {
        Self { io, served: Served::default() }
    }
}

impl<T: Connection> Connection for Marked<T> {
    fn connected(&self) -> Connected {
        self.io.connected().extra(self.served.clone())
    }
}

impl<T: Read + Unpin> Read for Marked<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(context, buffer)
    }
}

impl<T: Write + Unpin> Write for Marked<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(context, slices)
    }
}
