//! What an adapter may ask for. It writes method, path, headers and body; the
//! origin, the credential and everything that frames the message are the host's.

use super::{OutgoingBody, SplicedBody};
use crate::catalog::{Provider, ProviderFacts};
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Uri};
use plugway_accounts::RateSettings;
use plugway_credentials::percent_encoded;
use plugway_engine::{AuthScheme, UpstreamRequest};
use plugway_wire::seal::{SealError, Seals};

/// An adapter's path may be this long, query included.
const MAX_PATH_BYTES: usize = 8 * 1024;

/// An adapter may set this many headers.
const MAX_HEADERS: usize = 64;

/// What the memo may hold, in bytes.
const MAX_MEMO_BYTES: usize = 64 * 1024;

/// How often a path may be percent-encoded over: a server behind a gateway may
/// decode what was decoded.
const MAX_ENCODINGS: usize = 3;

/// Headers that are the host's to set: they route, frame or authenticate, some of
/// them by nobody's standard.
const RESERVED: [&str; 23] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-http-method",
    "x-http-method-override",
    "x-original-url",
    "x-rewrite-url",
];

/// And all headers of which the names begin so.
const RESERVED_PREFIX: &str = "x-forwarded-";

/// Headers of a signature, where the provider's requests are signed.
const SIGNING: [&str; 3] = ["x-amz-content-sha256", "x-amz-date", "x-amz-security-token"];

/// How an adapter broke its contract. The sentence holds nothing that the
/// adapter wrote, apart from the names of headers.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractBreach {
    /// Only GET and POST leave.
    #[error("the method is neither GET nor POST")]
    Method,
    /// The path would leave the configured base URL.
    #[error("the path {0}")]
    Path(&'static str),
    /// A header that is the host's, or no header at all.
    #[error("the header `{0}` is not the adapter's to set")]
    Header(String),
    /// More than it may keep.
    #[error("{what} exceeds {limit}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// A seal was lost, doubled, forged or misplaced.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// A checked request, complete but for the credential.
pub struct Outgoing {
    /// Of an adapter's request GET or POST.
    pub method: Method,
    /// Under the provider's base URL.
    pub uri: Uri,
    /// The adapter's and the host's.
    pub headers: HeaderMap,
    /// Of an adapter's request with every seal replaced by what it stood for.
    pub body: OutgoingBody,
}

impl Outgoing {
    /// The same once more, where its body is held here.
    pub(super) fn again(&self) -> Option<Self> {
        let Self { method, uri, headers, body } = self;
        let body = body.again()?;
        Some(Self { method: method.clone(), uri: uri.clone(), headers: headers.clone(), body })
    }
}

/// Checks what an adapter wrote and turns it into a request to `provider`.
/// `sealed` says whether the adapter was shown seals.
pub fn prepare(
    request: UpstreamRequest,
    provider: &Provider,
    seals: &Seals,
    sealed: bool,
) -> Result<Outgoing, ContractBreach> {
    prepare_at(&provider.base_url, request, provider, seals, sealed)
}

/// The same under another base URL of the provider's.
pub(crate) fn prepare_at(
    base: &Uri,
    request: UpstreamRequest,
    provider: &Provider,
    seals: &Seals,
    sealed: bool,
) -> Result<Outgoing, ContractBreach> {
    if request.memo.len() > MAX_MEMO_BYTES {
        return Err(ContractBreach::TooMuch { what: "the memo's bytes", limit: MAX_MEMO_BYTES });
    }
    let texts = request.headers.iter().flat_map(|(name, value)| [name, value]);
    if texts.chain([&request.path, &request.memo]).any(|text| seals.occur_in(text)) {
        return Err(SealError::Elsewhere.into());
    }
    let method = match request.method.as_str() {
        "POST" => Method::POST,
        "GET" => Method::GET,
        _ => return Err(ContractBreach::Method),
    };
    let uri = join(base, &request.path, &provider.auth)?;
    let headers = headers(&request.headers, provider)?;
    let body = OutgoingBody::Spliced(SplicedBody::from(seals.splice(request.body, sealed)?));
    Ok(Outgoing { method, uri, headers, body })
}

/// Judges what an adapter wrote before it serves any provider: whether it keeps to
/// its contract where nothing of the operator's or a client's plays a part.
///
/// # Errors
/// The breach, as a sentence.
pub fn check(request: UpstreamRequest) -> Result<(), String> {
    let provider = Provider {
        name: "self-check".to_owned(),
        display_name: String::new(),
        adapter: String::new(),
        base_url: Uri::from_static("https://self-check.invalid/v1"),
        models_url: None,
        auth: AuthScheme::None,
        credentials: Vec::new(),
        options: Vec::new(),
        tags: Vec::new(),
        headers: Vec::new(),
        relay: Vec::new(),
        rates: RateSettings::default(),
        facts: ProviderFacts::default(),
    };
    match prepare(request, &provider, &Seals::default(), true) {
        Ok(_) => Ok(()),
        Err(breach) => Err(breach.to_string()),
    }
}

impl Outgoing {
    /// Appends a query parameter; false if it cannot stand in a URI.
    pub(super) fn add_query(&mut self, name: &str, value: &str) -> bool {
        let separator = if self.uri.query().is_some() { '&' } else { '?' };
        let with = zeroize::Zeroizing::new(format!(
            "{}{separator}{name}={}",
            self.uri,
            percent_encoded(value).as_str()
        ));
        let Ok(uri) = with.parse() else { return false };
        self.uri = uri;
        true
    }
}

fn headers(wanted: &[(String, String)], provider: &Provider) -> Result<HeaderMap, ContractBreach> {
    if wanted.len() > MAX_HEADERS {
        return Err(ContractBreach::TooMuch { what: "the number of headers", limit: MAX_HEADERS });
    }
    let mut headers = HeaderMap::with_capacity(wanted.len() + 4);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("plugway/", env!("CARGO_PKG_VERSION"))),
    );
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in wanted {
        let refused = || ContractBreach::Header(printable(name));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        if is_reserved(name.as_str()) || carries_credential(&name, provider) {
            return Err(refused());
        }
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| refused())?;
        headers.insert(name, value);
    }
    for (name, value) in &provider.headers {
        headers.insert(name.clone(), value.clone());
    }
    Ok(headers)
}

pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || name.starts_with(RESERVED_PREFIX)
}

pub(super) fn carries_credential(name: &HeaderName, provider: &Provider) -> bool {
    match &provider.auth {
        AuthScheme::Header(own) => name.as_str().eq_ignore_ascii_case(own),
        AuthScheme::Sigv4(_) => SIGNING.contains(&name.as_str()),
        _ => false,
    }
}

/// A name fit to be shown: a guest may have put anything there.
fn printable(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(64).collect()
}

/// Joins an adapter's path to the base URL, which it must not leave.
pub(super) fn join(base: &Uri, path: &str, auth: &AuthScheme) -> Result<Uri, ContractBreach> {
    let fail = |why| Err(ContractBreach::Path(why));
    if path.len() > MAX_PATH_BYTES {
        return Err(ContractBreach::TooMuch { what: "the path's bytes", limit: MAX_PATH_BYTES });
    }
    if !path.bytes().all(|b| (0x21..=0x7e).contains(&b) && !matches!(b, b'\\' | b'#')) {
        return fail("holds characters that a URL cannot carry");
    }
    let relative = path.strip_prefix('/').unwrap_or(path);
    let (segments, query) = match relative.split_once('?') {
        Some((segments, query)) => (segments, Some(query)),
        None => (relative, None),
    };
    if segments.starts_with('/') || segments.contains("://") {
        return fail("names an origin");
    }
    if readings(segments).is_none_or(|readings| readings.iter().any(|path| climbs(path))) {
        return fail("leaves the base URL");
    }
    if let (AuthScheme::Query(own), Some(query)) = (auth, query)
        && readings(query).is_none_or(|readings| readings.iter().any(|query| names(query, own)))
    {
        return fail("sets the credential's query parameter");
    }
    let base = base.to_string();
    format!("{}/{relative}", base.trim_end_matches('/')).parse().or(fail("is no URL path"))
}

/// What servers may read: the text as it is, then percent-decoded as often as that
/// changes it. None where it is encoded over and over.
fn readings(text: &str) -> Option<Vec<Vec<u8>>> {
    let mut readings = vec![text.as_bytes().to_vec()];
    for _ in 0..=MAX_ENCODINGS {
        let next = decoded(readings.last()?);
        if readings.last() == Some(&next) {
            return Some(readings);
        }
        readings.push(next);
    }
    None
}

/// Whether a server could read a segment of the path as `.` or `..`. Some cut a
/// segment's parameters off, some look for query and fragment after decoding, some
/// pass over spaces, controls and bytes that are no UTF-8: a dot's overlong form.
fn climbs(path: &[u8]) -> bool {
    let Ok(path) = std::str::from_utf8(path) else { return true };
    let bare = path.replace(' ', "");
    bare.contains(|c: char| c.is_control() || c == '\\')
        || bare
            .split('/')
            .filter_map(|segment| segment.split([';', '?', '#']).next())
            .any(|name| matches!(name, "." | ".."))
}

/// Whether a server could read the parameter in the query.
fn names(query: &[u8], parameter: &str) -> bool {
    let pairs = query.split(|byte| matches!(byte, b'&' | b';'));
    pairs
        .filter_map(|pair| pair.split(|byte| *byte == b'=').next())
        .any(|name| name == parameter.as_bytes())
}

/// Percent-decoded once.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = after;
                }
                _ => out.push(b'%'),
            },
            _ => out.push(*byte),
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Result<&str, &str>) {
        let base: Uri = "https://api.example.com/v1".parse().unwrap();
        let auth = AuthScheme::Query("key".into());
        let joined = join(&base, path, &auth).map(|uri| uri.to_string());
        match expected {
            Ok(uri) => assert_eq!(joined.unwrap(), uri, "{path}"),
            Err(why) => {
                let said = joined.expect_err(path).to_string();
                assert!(said.contains(why), "{path}: {said}");
            }
        }
    }

    #[test]
    fn a_path_stays_under_the_base_url() {
        check("chat/completions", Ok("https://api.example.com/v1/chat/completions"));
        check("/messages?beta=true", Ok("https://api.example.com/v1/messages?beta=true"));
        check("models/a%2Fb:generate", Ok("https://api.example.com/v1/models/a%2Fb:generate"));
        check("models/x..y", Ok("https://api.example.com/v1/models/x..y"));
        check(
            "models/%C3%A9%20b?a=%2e%2e",
            Ok("https://api.example.com/v1/models/%C3%A9%20b?a=%2e%2e"),
        );
        check("models/100%25/x", Ok("https://api.example.com/v1/models/100%25/x"));
    }

    #[test]
    fn a_path_cannot_leave_the_base_url() {
        for path in [
            "../admin",
            "a/../../b",
            "a/./b",
            "%2e%2e/admin",
            "a/%2E%2e/b",
            ".%2e/b",
            "%252e%252e/b",
            "a%2f..%2fb",
            "..;/b",
            "a%2f..;x%2fb",
            "%25252e%25252e/b",
            "%2525252e%2525252e%2525252f",
            "..%3fx/b",
            "%2e%2e%23",
            "..%20/b",
            "%20../b",
            ".%09./b",
            "..%0d%0a/b",
            "..%5cb",
            "..%c0%afb",
            "%c0%ae%c0%ae/b",
        ] {
            check(path, Err("base URL"));
        }
        check("https://evil.example/x", Err("origin"));
        check("a/https://evil.example", Err("origin"));
        check("//evil.example/x", Err("origin"));
        check("a\\b", Err("characters"));
        check("a\r\nhost: x", Err("characters"));
        check("a#b", Err("characters"));
        check("a?key=mine", Err("credential"));
        check("a?k%65y=mine", Err("credential"));
        check("a?k%2565y=mine", Err("credential"));
        check("a?b;key=mine", Err("credential"));
    }

    #[test]
    fn headers_that_route_frame_or_authenticate_are_refused() {
        for name in RESERVED.into_iter().chain(["x-forwarded-host", "X-Original-URL"]) {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            assert!(is_reserved(name.as_str()), "{name}");
        }
        assert!(!is_reserved("x-features") && !is_reserved("content-type"));
    }
}
