//! A simulated provider that lives as long as its handle.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::demo::DemoProvider;
use crate::kind::Kind;
use crate::log::Exchange;
use crate::script::Script;
use crate::server::serve;
use crate::state::State;

/// A running server. It has a thread of its own, so that it can be started from
/// anywhere and does not compete with a test's runtime. Dropping it closes its
/// port and its connections before it returns.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    state: Arc<State>,
    /// Ends the server by being dropped.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts a server on a free loopback port.
    ///
    /// # Errors
    /// When no port or no thread is to be had.
    pub fn start(kind: Kind, script: impl Into<Script>) -> io::Result<Simulator> {
        Simulator::start_at((Ipv4Addr::LOCALHOST, 0).into(), kind, script)
    }

    /// Starts a server on this address.
    ///
    /// # Errors
    /// When the address or a thread is not to be had.
    pub fn start_at(
        address: SocketAddr,
        kind: Kind,
        script: impl Into<Script>,
    ) -> io::Result<Simulator> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = State::new(kind, script);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let served = serve(listener, Arc::clone(&state), async {
            // Sent or dropped: both mean the end.
            let _ = stopped.await;
        });
        let thread = std::thread::Builder::new()
            .name("simulator".to_owned())
            .spawn(move || drop(runtime.block_on(served)))?;
        Ok(Simulator { address, state, stop: Some(stop), thread: Some(thread) })
    }

    /// Starts the providers of a demonstration.
    ///
    /// # Errors
    /// When a port or a thread is not to be had.
    pub fn demo_fleet() -> io::Result<Vec<DemoProvider>> {
        DemoProvider::fleet()
    }

    /// Whose API the server speaks.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.state.kind()
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// What clients are configured with. Paths are matched by their ends: any
    /// other prefix than this one does as well.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Replaces the script from the next request on. The counting of requests
    /// begins anew; the log is kept.
    pub fn set(&self, script: impl Into<Script>) {
        self.state.set(script);
    }

    /// The exchanges so far, oldest first, with credentials masked. The log
    /// keeps the last 1024 of them and 32 MiB of their bodies.
    #[must_use]
    pub fn requests(&self) -> Vec<Exchange> {
        self.state.log().exchanges(false)
    }

    /// The exchanges so far, with their credentials.
    #[must_use]
    pub fn requests_with_credentials(&self) -> Vec<Exchange> {
        self.state.log().exchanges(true)
    }

    /// Waits until the exchanges fulfil a condition, which is tested whenever
    /// one arrives or ends. Sets no deadline.
    pub async fn requests_when(&self, condition: impl Fn(&[Exchange]) -> bool) -> Vec<Exchange> {
        self.state.log().exchanges_when(condition).await
    }

    /// Forgets the exchanges so far.
    pub fn clear(&self) {
        self.state.log().clear();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed already.
            let _ = thread.join();
        }
    }
}
