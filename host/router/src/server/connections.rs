//! The connections of one listener: accepted where there is a place, served, and ended.

use super::patient::Patient;
use super::stalled::Bodies;
use crate::Router;
use crate::admission::{Admission, Place};
use crate::api;
use crate::config::ServerConfig;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long to pause after the system refused another socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a connection beyond `server.max_connections` is served.
const EXCESS_LIFETIME: Duration = Duration::from_secs(10);

/// All that are open.
pub(super) struct Connections {
    router: Arc<Router>,
    config: ServerConfig,
    server: auto::Builder<TokioExecutor>,
    graceful: GracefulShutdown,
    tasks: JoinSet<()>,
}

impl Connections {
    /// None yet.
    pub(super) fn new(router: Arc<Router>, config: ServerConfig) -> Self {
        let (server, graceful) = (builder(&config), GracefulShutdown::new());
        Self { router, config, server, graceful, tasks: JoinSet::new() }
    }

    /// Accepts and serves, without end. Dropping it ends the accepting alone.
    ///
    /// # Errors
    /// When the listener is unusable.
    pub(super) async fn accept(&mut self, listener: &TcpListener) -> io::Result<Infallible> {
        let mut is_failing = false;
        loop {
            let router = self.router.clone();
            let accepted = tokio::select! {
                accepted = accept(listener, &router.admission) => accepted,
                // What has ended is forgotten.
                Some(_) = self.tasks.join_next() => continue,
            };
            match accepted {
                Ok((stream, peer, place)) => {
                    is_failing = false;
                    self.serve(stream, peer, place);
                }
                Err(error) if is_passing(&error) => {
                    // Once, not twenty times a second.
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::warn!(%error, "no further connection can be accepted for now");
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn serve(&mut self, stream: TcpStream, peer: SocketAddr, place: Place) {
        let write_timeout = self.config.write_timeout;
        let stream = Patient::new(stream, self.config.header_timeout, write_timeout);
        let router = self.router.clone();
        let is_excess = matches!(place, Place::Excess(_));
        let bodies = Bodies::new();
        let answers = bodies.clone();
        let service = service_fn(move |request| {
            let (router, answers) = (router.clone(), answers.clone());
            async move {
                let response = api::serve(router, request, peer, is_excess).await;
                Ok::<_, Infallible>(response.map(|body| answers.watch(body)))
            }
        });
        let connection = self.server.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = self.graceful.watch(connection);
        self.tasks.spawn(async move {
            let served = async {
                // A client that breaks its connection has been answered as far as
                // that goes; there is nobody left to tell.
                if is_excess {
                    let _ = timeout(EXCESS_LIFETIME, connection).await;
                } else {
                    let _ = connection.await;
                }
            };
            tokio::select! {
                () = served => {}
                () = bodies.stalled(write_timeout) => {
                    tracing::debug!("a client took nothing for server.write_timeout");
                }
            }
            drop(place);
        });
    }

    /// Lets what is under way finish for so long, and cuts the rest: which settles it on
    /// what was delivered.
    pub(super) async fn drain(mut self, patience: Duration) {
        let open = self.graceful.count();
        if open > 0 {
            tracing::info!(connections = open, "draining");
        }
        if timeout(patience, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests outlived server.drain_timeout and were cut");
        }
        self.tasks.shutdown().await;
    }
}

fn builder(config: &ServerConfig) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_buf_size(config.max_header_bytes.max(8 * 1024));
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .max_concurrent_streams(config.max_concurrent_streams)
        .max_header_list_size(u32::try_from(config.max_header_bytes).unwrap_or(u32::MAX));
    server
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    admission: &Admission,
) -> io::Result<(TcpStream, SocketAddr, Place)> {
    let place = admission.connection().await?;
    let (stream, peer) = listener.accept().await?;
    let place = admission.improved(place);
    // Fails on a connection that is gone already.
    let _ = stream.set_nodelay(true);
    Ok((stream, peer, place))
}

/// Whether the error is about one connection, or about descriptors that others
/// will give back.
fn is_passing(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotConnected)
}
