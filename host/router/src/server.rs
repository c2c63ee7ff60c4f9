//! Sockets and connections: accept, bound, serve, drain.

mod patient;
mod stalled;

use crate::Router;
use crate::admission::{Admission, Place};
use crate::api;
use crate::config::ServerConfig;
use crate::decisions::Writer;
use crate::ledger;
use crate::route;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use patient::Patient;
use stalled::Bodies;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long to pause after the system refused another socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a connection beyond `server.max_connections` is served.
const EXCESS_LIFETIME: Duration = Duration::from_secs(10);

/// Serves `listener` until `shutdown` resolves, then lets the requests under way
/// finish for as long as `server.drain_timeout` allows. What is known of endpoints is
/// read before the first and saved after the last of them.
///
/// # Errors
/// When the listener itself is unusable, or keys cannot be read.
pub async fn run(
    listener: TcpListener,
    router: Arc<Router>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    ledger::restore(&router).await.map_err(io::Error::other)?;
    // Nobody is served by a router that cannot tell who may be.
    router.accounts.start().await.map_err(io::Error::other)?;
    route::restore(&router).await;
    // Ends with it.
    let mut beside = JoinSet::new();
    let accounts = router.clone();
    beside.spawn(async move { accounts.accounts.keep_up().await });
    let presets = router.clone();
    beside.spawn(async move { presets.presets.keep_up().await });
    let saving = router.clone();
    beside.spawn(async move { route::save_now_and_then(&saving).await });
    let keeping = router.clone();
    beside.spawn(async move { ledger::keep(&keeping).await });
    let served = serve(listener, router.clone(), shutdown).await;
    beside.shutdown().await;
    route::save_all(&router).await;
    served
}

async fn serve(
    listener: TcpListener,
    router: Arc<Router>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    // Of the listening side, what was read at the start holds to the end.
    let config = router.settings().config.server.clone();
    let server = connections(&config);
    let write_timeout = config.write_timeout;
    let graceful = GracefulShutdown::new();
    let records = Writer::start(&router);
    let rows = ledger::Writer::start(&router.ledger);
    let mut shutdown = pin!(shutdown);
    let mut is_failing = false;
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &router.admission) => accepted,
        };
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_passing(&error) => {
                // Once, not twenty times a second.
                if !std::mem::replace(&mut is_failing, true) {
                    tracing::warn!(%error, "no further connection can be accepted for now");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        is_failing = false;
        let stream = Patient::new(stream, config.header_timeout, write_timeout);
        let router = router.clone();
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
        let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
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
    drop(listener);
    drain(graceful, config.drain_timeout).await;
    rows.finish().await;
    records.finish().await;
    Ok(())
}

fn connections(config: &ServerConfig) -> auto::Builder<TokioExecutor> {
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

async fn drain(graceful: GracefulShutdown, patience: Duration) {
    let open = graceful.count();
    if open > 0 {
        tracing::info!(connections = open, "draining");
    }
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests outlived server.drain_timeout and were cut");
    }
}
