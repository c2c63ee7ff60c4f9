//! One HTTP client for all providers: HTTP/1.1 and h2 over rustls, connections
//! kept alive, deadlines on everything, redirects never followed.

use super::connection::{Marked, Served};
use super::{Outgoing, OutgoingBody};
use crate::config::UpstreamConfig;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{self, Client as Pool};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How often a used HTTP/2 connection is asked for a sign of life, and how long
/// for: a dead one would hold every request to its origin.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// A connection that is closed so soon after a request was sent on it was stale, and nobody
/// has read the request. One that is closed later may have done the work.
const STALE_CLOSE: Duration = Duration::from_secs(1);

/// Why no client could be made of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A private CA could not be read.
    #[error("upstream.ca_files: {path} holds no usable certificate: {reason}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The TLS library refused its defaults.
    #[error("TLS could not be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Connections to providers, shared by all requests.
pub struct Client {
    direct: Pool<Timed<HttpsConnector<HttpConnector>>, OutgoingBody>,
    proxied: Option<Proxied>,
}

struct Proxied {
    matcher: Matcher,
    pool: Pool<Timed<HttpsConnector<Tunnel<HttpConnector>>>, OutgoingBody>,
}

impl Client {
    /// A client with no connection yet.
    pub fn new(config: &UpstreamConfig) -> Result<Self, ClientError> {
        let tls = tls(&config.ca_files)?;
        let direct = pool(config, https(tls.clone(), tcp(config)));
        let proxied = config.proxy.as_ref().map(|proxy| {
            let matcher =
                Matcher::builder().all(proxy.to_string()).no(config.no_proxy.join(",")).build();
            let tunnel = Tunnel::new(proxy.clone(), tcp(config));
            Proxied { matcher, pool: pool(config, https(tls, tunnel)) }
        });
        Ok(Self { direct, proxied })
    }

    /// Sends a request; resolves with the response's head. Dropping the future,
    /// or later the body, cancels the request at the provider.
    ///
    /// A provider may close a connection in the very moment in which it is used again,
    /// and some do so behind each streamed answer. Where a connection that has served
    /// before is closed within a second (`STALE_CLOSE`), the request is sent once more, and
    /// `resending` is called first.
    pub async fn send(
        &self,
        outgoing: Outgoing,
        resending: impl FnOnce() + Send,
    ) -> Result<Response<Incoming>, legacy::Error> {
        let again = outgoing.again();
        let began = Instant::now();
        let error = match self.send_once(outgoing).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let is_stale = began.elapsed() < STALE_CLOSE && is_closed(&error) && Served::before(&error);
        match again.filter(|_| is_stale) {
            Some(again) => {
                resending();
                self.send_once(again).await
            }
            None => Err(error),
        }
    }

    async fn send_once(&self, outgoing: Outgoing) -> Result<Response<Incoming>, legacy::Error> {
        let Outgoing { method, uri, headers, body } = outgoing;
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let sent = match &self.proxied {
            Some(proxied) if proxied.matcher.intercept(request.uri()).is_some() => {
                proxied.pool.request(request)
            }
            _ => self.direct.request(request),
        };
        let mut response = sent.await?;
        if let Some(served) = response.extensions_mut().remove::<Served>() {
            served.mark();
        }
        Ok(response)
    }
}

/// The connection ended before anything of a response came.
fn is_closed(error: &legacy::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<hyper::Error>());
    let lost = |cause: &hyper::Error| {
        let io = cause.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        io.is_some_and(|io| {
            matches!(io.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
        })
    };
    cause.is_some_and(|cause| cause.is_incomplete_message() || lost(cause))
}

fn tcp(config: &UpstreamConfig) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(config.connect_timeout));
    tcp.set_keepalive(Some(Duration::from_secs(60)));
    tcp
}

pub(super) fn https<C>(tls: Arc<ClientConfig>, connector: C) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new()
        .with_tls_config(ClientConfig::clone(&tls))
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(connector)
}

fn pool<C>(config: &UpstreamConfig, connector: C) -> Pool<Timed<C>, OutgoingBody>
where
    Timed<C>: hyper_util::client::legacy::connect::Connect + Clone,
{
    let connector = Timed { connector, patience: config.connect_timeout };
    Pool::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(config.pool_idle_timeout)
        .pool_max_idle_per_host(config.pool_max_idle_per_host as usize)
        .http1_max_buf_size(config.max_header_bytes.max(8 * 1024))
        .http2_max_header_list_size(u32::try_from(config.max_header_bytes).unwrap_or(u32::MAX))
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_INTERVAL)
        .build(connector)
}

/// A connector that gives up in time: on names, proxies and TLS as on TCP. Its
/// connections know whether they have served.
#[derive(Clone)]
struct Timed<C> {
    connector: C,
    patience: Duration,
}

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri, Future: Send + 'static>,
    C::Error: Into<BoxError> + Send,
{
    type Response = Marked<C::Response>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, origin: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.patience, self.connector.call(origin));
        Box::pin(async move {
            match connecting.await {
                Ok(connected) => connected.map(Marked::new).map_err(Into::into),
                Err(late) => Err(late.into()),
            }
        })
    }
}

pub(super) fn tls(ca_files: &[PathBuf]) -> Result<Arc<ClientConfig>, ClientError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    for path in ca_files {
        let refuse = |reason: String| ClientError::CaFile { path: path.clone(), reason };
        let certificates =
            CertificateDer::pem_file_iter(path).map_err(|e| refuse(e.to_string()))?;
        let before = roots.len();
        for certificate in certificates {
            let certificate = certificate.map_err(|e| refuse(e.to_string()))?;
            roots.add(certificate).map_err(|e| refuse(e.to_string()))?;
        }
        if roots.len() == before {
            return Err(refuse("it has no certificate in PEM form".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
