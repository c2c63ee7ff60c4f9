//! What a client names by URL, fetched for a provider that cannot: within bounds, and
//! only from the public network.

use super::ClientError;
use super::address::{PublicNames, is_public};
use super::client::{https, tls};
use crate::buffer::{Bounds, Held, Refused, hold};
use crate::config::{MediaConfig, UpstreamConfig};
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION, USER_AGENT,
};
use http::{Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use plugway_engine::chat::MediaKind;
use plugway_wire::seal::Attached;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// How often one file is sought elsewhere.
const MAX_REDIRECTS: usize = 3;

/// Longer URLs are not followed; bytes.
const MAX_URL_BYTES: usize = 8 * 1024;

/// Why something was not fetched. The sentence names no address and no URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No URL, or none of a kind that is fetched.
    #[error("its URL is none that is fetched here")]
    Url,
    /// An address that a client has no business with.
    #[error("its URL does not lead to the public network")]
    NotPublic,
    /// Nobody answered, or nobody in HTTP.
    #[error("its server could not be reached")]
    Unreachable,
    /// Another answer than the file.
    #[error("its server answered with status {0}")]
    Status(u16),
    /// Sent from one place to another.
    #[error("its URL is redirected more often than is followed")]
    Redirects,
    /// Of a type that is not fetched, or not what the request says that it is.
    #[error("its type is none that is fetched here, or not what the request says")]
    Type,
    /// Beyond the bound.
    #[error("it is larger than media.max_size allows")]
    TooLarge,
    /// Not there in time.
    #[error("it did not arrive in time")]
    TooSlow,
    /// It broke off.
    #[error("it broke off")]
    Broken,
    /// All bodies together are beyond their bound.
    #[error("the router holds as many bodies as server.max_buffered allows")]
    NoRoom,
}

/// A file.
pub(crate) struct Fetched {
    /// Its bytes.
    pub(crate) content: Attached,
    /// Their share of the bound on all bodies.
    _room: Option<OwnedSemaphorePermit>,
    /// What its server says that it is, in small letters and without parameters.
    pub(crate) mime: String,
}

/// Fetches files. Keeps no connection: what was looked up holds for one request.
pub(crate) struct Fetcher {
    config: MediaConfig,
    pool: Pool<HttpsConnector<HttpConnector<PublicNames>>, Empty<Bytes>>,
}

impl Fetcher {
    pub(crate) fn new(media: &MediaConfig, upstream: &UpstreamConfig) -> Result<Self, ClientError> {
        let private = media.private_hosts.iter().map(|host| name(host).to_owned()).collect();
        let mut tcp = HttpConnector::new_with_resolver(PublicNames { private });
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(upstream.connect_timeout));
        let connector = https(tls(&upstream.ca_files)?, tcp);
        let pool = Pool::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_max_idle_per_host(0)
            .http1_max_buf_size(upstream.max_header_bytes.max(8 * 1024))
            .build(connector);
        Ok(Self { config: media.clone(), pool })
    }

    /// Fetches one file, which is to be a `kind`. `room` is what all bodies share.
    pub(crate) async fn fetch(
        &self,
        url: &str,
        kind: MediaKind,
        room: &Arc<Semaphore>,
        deadline: Instant,
    ) -> Result<Fetched, FetchError> {
        let deadline = deadline.min(Instant::now() + self.config.timeout);
        let response = match timeout_at(deadline, self.follow(url)).await {
            Ok(response) => response?,
            Err(_) => return Err(FetchError::TooSlow),
        };
        let mime = mime(&response).filter(|mime| self.takes(mime) && fits(kind, mime));
        let mime = mime.ok_or(FetchError::Type)?;
        let patience = deadline.saturating_duration_since(Instant::now());
        let bounds = Bounds { limit: self.config.max_bytes, room, patience, idle: patience };
        let held = hold(response.into_body(), bounds).await.map_err(|refused| match refused {
            Refused::TooLarge => FetchError::TooLarge,
            Refused::NoRoom => FetchError::NoRoom,
            Refused::TooSlow => FetchError::TooSlow,
            Refused::Broken => FetchError::Broken,
        })?;
        attached(held, mime, room)
    }

    /// Asks where the URL leads, and wherever that leads.
    async fn follow(&self, url: &str) -> Result<Response<Incoming>, FetchError> {
        let mut url = self.checked(url)?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.pool.request(request(&url)).await.map_err(|error| {
                let mut cause = Some(&error as &(dyn std::error::Error + 'static));
                while let Some(error) = cause {
                    if error.is::<super::address::NotPublic>() {
                        return FetchError::NotPublic;
                    }
                    cause = error.source();
                }
                FetchError::Unreachable
            })?;
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            if !status.is_redirection() {
                return Err(FetchError::Status(status.as_u16()));
            }
            let location = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let location = location.ok_or(FetchError::Status(status.as_u16()))?;
            url = self.checked(&joined(&url, location)?)?;
        }
        Err(FetchError::Redirects)
    }

    /// A URL that may be asked for. Where its host is a name, that is looked up later.
    fn checked(&self, url: &str) -> Result<Uri, FetchError> {
        if url.len() > MAX_URL_BYTES {
            return Err(FetchError::Url);
        }
        let url = url.split('#').next().unwrap_or(url);
        let url: Uri = url.parse().map_err(|_| FetchError::Url)?;
        match url.scheme_str() {
            Some("https") => {}
            Some("http") if self.config.allow_plain_http => {}
            _ => return Err(FetchError::Url),
        }
        let authority = url.authority().ok_or(FetchError::Url)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(FetchError::Url);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let literal: Option<IpAddr> = host.parse().ok();
        // Of a host that is listed with a port, no other is open.
        let is_private = match literal {
            Some(address) => !is_public(address),
            None => {
                self.config.private_hosts.iter().any(|known| name(known).eq_ignore_ascii_case(host))
            }
        };
        let is_listed =
            self.config.private_hosts.iter().any(|it| it.eq_ignore_ascii_case(authority.as_str()));
        if is_private && !is_listed {
            return Err(FetchError::NotPublic);
        }
        Ok(url)
    }

    fn takes(&self, mime: &str) -> bool {
        self.config.types.iter().any(|known| match known.strip_suffix('*') {
            Some(family) => mime.starts_with(family),
            None => mime == known,
        })
    }
}

/// The file as it is sent to a provider, which takes a third more room.
fn attached(mut held: Held, mime: String, room: &Arc<Semaphore>) -> Result<Fetched, FetchError> {
    let more = held.bytes.len() / 3 + 4;
    held.grow(room, held.bytes.len(), more).map_err(|_| FetchError::NoRoom)?;
    Ok(Fetched { content: Attached::new(&held.bytes), _room: held.room, mime })
}

/// What stands before the port.
fn name(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn request(url: &Uri) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = url.clone();
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let agent = concat!("plugway/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    request
}

/// Where a redirect leads: whole, on the same host, or beside the file.
fn joined(from: &Uri, location: &str) -> Result<String, FetchError> {
    let scheme = from.scheme_str().ok_or(FetchError::Url)?;
    let authority = from.authority().ok_or(FetchError::Url)?;
    if location.contains("://") && !location.starts_with('/') {
        return Ok(location.to_owned());
    }
    if let Some(elsewhere) = location.strip_prefix("//") {
        return Ok(format!("{scheme}://{elsewhere}"));
    }
    if location.starts_with('/') {
        return Ok(format!("{scheme}://{authority}{location}"));
    }
    let (directory, _) = from.path().rsplit_once('/').unwrap_or_default();
    Ok(format!("{scheme}://{authority}{directory}/{location}"))
}

/// What the server says that it sends, if it sends that as it is.
fn mime(response: &Response<Incoming>) -> Option<String> {
    let encoding = response.headers().get(CONTENT_ENCODING);
    if encoding.is_some_and(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return None;
    }
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next()?.trim().to_ascii_lowercase();
    (!essence.is_empty()).then_some(essence)
}

/// Whether a file of that type can be what the request says.
fn fits(kind: MediaKind, mime: &str) -> bool {
    let family = mime.split('/').next().unwrap_or_default();
    match kind {
        MediaKind::Image => family == "image",
        MediaKind::Audio => family == "audio",
        MediaKind::Video => family == "video",
        MediaKind::Document => !matches!(family, "audio" | "video"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_read_as_browsers_read_it() {
        let from: Uri = "https://host:8443/a/b.png?x=1".parse().unwrap();
        let check = |location: &str, expected: &str| {
            assert_eq!(joined(&from, location).unwrap(), expected, "{location}");
        };
        check("https://other/c", "https://other/c");
        check("//other/c", "https://other/c");
        check("/c?y=https://x", "https://host:8443/c?y=https://x");
        check("c.png", "https://host:8443/a/c.png");
    }

    #[test]
    fn only_urls_that_lead_out_are_asked_for() {
        let fetcher = |media| Fetcher::new(&media, &UpstreamConfig::default()).unwrap();
        let strict = fetcher(MediaConfig::default());
        for url in ["https://host/a.png", "https://8.8.8.8/a", "https://host:444/a?b#c"] {
            assert!(strict.checked(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "a.png",
            "http://host/a",
            "ftp://host/a",
            "file:///etc/passwd",
            "https://",
            "https://me@host/a",
            "https://me:pw@host/a",
            "data:image/png;base64,AAAA",
        ] {
            assert_eq!(strict.checked(url).err(), Some(FetchError::Url), "{url}");
        }
        for url in [
            "https://127.0.0.1/a",
            "https://[::1]/a",
            "https://10.0.0.1/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest",
        ] {
            assert_eq!(strict.checked(url).err(), Some(FetchError::NotPublic), "{url}");
        }
        let private_hosts = vec!["10.0.0.7:8443".to_owned(), "files.internal".to_owned()];
        let listed = fetcher(MediaConfig { private_hosts, ..MediaConfig::default() });
        for url in ["https://10.0.0.7:8443/a", "https://files.internal/a"] {
            assert!(listed.checked(url).is_ok(), "{url}");
        }
        for url in ["https://10.0.0.7/a", "https://10.0.0.8:8443/", "https://files.internal:22/"] {
            assert_eq!(listed.checked(url).err(), Some(FetchError::NotPublic), "{url}");
        }
        let plain = fetcher(MediaConfig { allow_plain_http: true, ..MediaConfig::default() });
        assert!(plain.checked("http://host/a").is_ok());
    }

    #[test]
    fn types_are_what_is_listed_and_what_was_asked_for() {
        let fetcher = Fetcher::new(&MediaConfig::default(), &UpstreamConfig::default()).unwrap();
        assert!(fetcher.takes("image/webp") && fetcher.takes("application/pdf"));
        assert!(!fetcher.takes("text/html") && !fetcher.takes("imagery/png"));
        assert!(fits(MediaKind::Image, "image/png") && !fits(MediaKind::Image, "application/pdf"));
        assert!(fits(MediaKind::Document, "application/pdf"));
        assert!(!fits(MediaKind::Document, "audio/wav"));
    }
}
