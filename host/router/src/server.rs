//! Sockets and connections: accept, bound, serve, drain.

mod connections;
mod patient;
mod stalled;

use crate::Router;
use crate::decisions::Writer;
use crate::ledger;
use crate::route;
use connections::Connections;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long the end waits for the database to be closed.
const CLOSING_PATIENCE: Duration = Duration::from_secs(5);

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
    let (accounts, spent) = router.accounts.start().await.map_err(io::Error::other)?;
    ledger::share(&router, &accounts, &spent);
    route::restore(&router).await;
    // Ends with it.
    let mut beside = JoinSet::new();
    let accounts = router.clone();
    beside.spawn(async move { accounts.accounts.keep_up().await });
    let presets = router.clone();
    beside.spawn(async move { presets.presets.keep_up().await });
    let saving = router.clone();
    beside.spawn(async move { route::save_now_and_then(&saving).await });
    let sharing = router.clone();
    beside.spawn(async move { ledger::follow_others(&sharing).await });
    let keeping = router.clone();
    beside.spawn(async move { ledger::keep(&keeping).await });
    let served = serve(listener, router.clone(), shutdown).await;
    beside.shutdown().await;
    route::save_all(&router).await;
    // Into its one file, where it is one: copies of that may be made now.
    if timeout(CLOSING_PATIENCE, router.store.close()).await.is_err() {
        tracing::warn!("the database was not closed in time; nothing of it is lost");
    }
    served
}

async fn serve(
    listener: TcpListener,
    router: Arc<Router>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    // Of the listening side, what was read at the start holds to the end.
    let config = router.settings().config.server.clone();
    let patience = config.drain_timeout;
    let records = Writer::start(&router);
    let rows = ledger::Writer::start(&router.ledger);
    let mut connections = Connections::new(router, config);
    let ended = tokio::select! {
        () = shutdown => Ok(()),
        Err(unusable) = connections.accept(&listener) => Err(unusable),
    };
    drop(listener);
    connections.drain(patience).await;
    rows.finish().await;
    records.finish().await;
    ended
}
