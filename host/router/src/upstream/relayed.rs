//! What is passed on without being understood: a client's request to a provider
//! under the operator's credential, and the answer to it, both as streams of bytes.

use super::outgoing::{carries_credential, is_reserved, join};
use super::{ContractBreach, Outgoing, OutgoingBody};
use crate::catalog::Provider;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::request::Parts;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// Credentials that clients send to routers, by whatever header their library uses, and
/// what is the client's own business.
const WITHHELD: [&str; 12] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-auth-token",
    "xi-api-key",
    "ocp-apim-subscription-key",
    "x-amz-security-token",
    "origin",
    "referer",
    "x-real-ip",
    "x-session-id",
];

/// And all headers that are for the router.
const WITHHELD_PREFIX: &str = "x-plugway-";

/// Parameters of the query by which libraries send credentials.
const CREDENTIAL_PARAMETERS: [&str; 4] = ["key", "api_key", "api-key", "access_token"];

/// Why a relayed body did not reach its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Its sender broke it off.
    #[error("the body broke off")]
    Off,
    /// Its sender fell silent, or took too long.
    #[error("the body did not come in time")]
    TooSlow,
    /// Larger than it may be.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// Bytes.
        limit: usize,
    },
}

/// What a relayed body keeps to.
#[derive(Clone, Copy, Debug)]
pub struct RelayBounds {
    /// Bytes.
    pub limit: usize,
    /// Between two reads.
    pub idle: Duration,
    /// Of the body as a whole.
    pub deadline: Instant,
}

/// A body on its way through: chunk by chunk as the receiver asks for them, so that
/// none is ever held.
pub struct RelayedBody {
    body: Incoming,
    bounds: RelayBounds,
    left: usize,
    /// Runs while nothing comes.
    silence: Option<Pin<Box<Sleep>>>,
    broken: bool,
}

impl RelayedBody {
    /// Passes `body` on, within bounds.
    pub fn new(body: Incoming, bounds: RelayBounds) -> Self {
        Self { body, bounds, left: bounds.limit, silence: None, broken: false }
    }

    /// Bytes that have passed.
    pub fn passed(&self) -> u64 {
        (self.bounds.limit - self.left) as u64
    }

    fn checked(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Broken> {
        if let Some(chunk) = frame.data_ref() {
            self.left = self
                .left
                .checked_sub(chunk.len())
                .ok_or(Broken::TooLarge { limit: self.bounds.limit })?;
        }
        Ok(frame)
    }
}

impl Body for RelayedBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        if this.broken {
            return Poll::Ready(None);
        }
        let next = match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Ok(frame))) => this.checked(frame),
            Poll::Ready(Some(Err(_))) => Err(Broken::Off),
            Poll::Pending => {
                let RelayBounds { idle, deadline, .. } = this.bounds;
                let until = || sleep_until(deadline.min(Instant::now() + idle));
                let silence = this.silence.get_or_insert_with(|| Box::pin(until()));
                match silence.as_mut().poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => Err(Broken::TooSlow),
                }
            }
        };
        this.silence = None;
        this.broken = next.is_err();
        Poll::Ready(Some(next))
    }

    fn is_end_stream(&self) -> bool {
        self.broken || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A client's request as it is sent on: method, path below the base URL, query, body
/// and all headers but those that route, frame or authenticate.
///
/// # Errors
/// Where the path would leave the base URL.
pub(crate) fn relay(
    parts: &Parts,
    path: &str,
    body: RelayedBody,
    provider: &Provider,
) -> Result<Outgoing, ContractBreach> {
    let query = parts.uri.query().map(|query| format!("?{}", without_credentials(query)));
    let query = query.unwrap_or_default();
    let uri = join(&provider.base_url, &format!("{path}{query}"), &provider.auth)?;
    let mut headers = HeaderMap::with_capacity(parts.headers.len() + 2);
    let named = connection_headers(&parts.headers);
    for (name, value) in &parts.headers {
        let withheld = is_reserved(name.as_str())
            || WITHHELD.contains(&name.as_str())
            || name.as_str().starts_with(WITHHELD_PREFIX)
            || carries_credential(name, provider)
            || named.contains(name);
        if !withheld {
            headers.append(name.clone(), value.clone());
        }
    }
    // What the provider quotes of the credential must be readable to be masked.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if !headers.contains_key(USER_AGENT) {
        let agent = concat!("plugway/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    }
    for (name, value) in &provider.headers {
        headers.insert(name.clone(), value.clone());
    }
    let body = OutgoingBody::Relayed(Box::new(body));
    Ok(Outgoing { method: parts.method.clone(), uri, headers, body })
}

/// The query without parameters that would be the client's own credential.
fn without_credentials(query: &str) -> String {
    let is_kept = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !CREDENTIAL_PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    query.split('&').filter(is_kept).collect::<Vec<_>>().join("&")
}

/// Headers that are of one connection alone, because it says so.
pub(crate) fn connection_headers(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(http::header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect()
}
