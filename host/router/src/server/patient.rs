//! A client's connection that is not waited for without end: a client that says
//! nothing, or takes nothing, would keep its place, and what is open for it, from
//! everybody else.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How a client of HTTP/2 begins. As long as all that came could be the beginning
/// of it, nobody knows the protocol, and no protocol judges the silence.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection with bounds on its client's silence. Reading and writing fail
/// with `TimedOut` once a bound is exceeded.
pub(super) struct Patient<S> {
    stream: S,
    /// Runs until the client has shown its protocol; later silence is the protocol's
    /// to judge.
    greeting: Option<Greeting>,
    /// Runs while the client takes nothing of what is there for it.
    untaken: Option<Pin<Box<Sleep>>>,
    write_timeout: Duration,
}

/// A protocol that is not known yet.
struct Greeting {
    until: Pin<Box<Sleep>>,
    /// Bytes of the preface that have come.
    heard: usize,
}

impl<S> Patient<S> {
    /// Waits for the client's protocol as long as for a request's head.
    pub(super) fn new(stream: S, header_timeout: Duration, write_timeout: Duration) -> Self {
        let greeting = Greeting { until: Box::pin(sleep(header_timeout)), heard: 0 };
        Self { stream, greeting: Some(greeting), untaken: None, write_timeout }
    }

    /// Takes note of what came first.
    fn heard(&mut self, bytes: &[u8]) {
        let Some(greeting) = &mut self.greeting else { return };
        let due = PREFACE.get(greeting.heard..).unwrap_or_default();
        greeting.heard += bytes.len();
        if bytes.is_empty() || bytes.len() >= due.len() || !due.starts_with(bytes) {
            self.greeting = None;
        }
    }

    /// Passes on what a write came to, or an error if it has been to nothing for
    /// too long.
    fn taken<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.untaken = None;
            return written;
        }
        let timeout = self.write_timeout;
        let untaken = self.untaken.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(untaken.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.heard(buffer.filled().get(before..).unwrap_or_default());
            return read;
        }
        let Some(greeting) = &mut self.greeting else { return Poll::Pending };
        ready!(greeting.until.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.taken(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.taken(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.taken(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_client_that_says_nothing_is_given_up_on() {
        let (_client, server) = duplex(16);
        let read = Patient::new(server, SHORT, LONG).read_u8().await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_has_shown_its_protocol_may_think() {
        for said in [b"G", PREFACE] {
            let (mut client, server) = duplex(64);
            let mut server = Patient::new(server, SHORT, LONG);
            client.write_all(said).await.unwrap();
            server.read_exact(&mut vec![0; said.len()]).await.unwrap();
            assert!(tokio::time::timeout(SHORT * 5, server.read_u8()).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_client_that_stops_within_its_greeting_is_given_up_on() {
        for cut in 1..PREFACE.len() {
            let (mut client, server) = duplex(64);
            let mut server = Patient::new(server, SHORT, LONG);
            client.write_all(&PREFACE[..cut]).await.unwrap();
            server.read_exact(&mut vec![0; cut]).await.unwrap();
            let read = server.read_u8().await;
            assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut, "after {cut} bytes");
        }
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up_on() {
        let (_client, server) = duplex(16);
        let written = Patient::new(server, LONG, SHORT).write_all(&[0; 64]).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_takes_slowly_is_served() {
        let (mut client, server) = duplex(16);
        let mut server = Patient::new(server, LONG, SHORT * 10);
        let serve = async { server.write_all(&[7; 160]).await };
        let take = async {
            for _ in 0..10 {
                tokio::time::sleep(SHORT).await;
                client.read_exact(&mut [0; 16]).await.unwrap();
            }
        };
        let (served, ()) = tokio::join!(serve, take);
        served.unwrap();
    }
}
