//! Whatever an adapter asks for, what leaves goes to the configured origin, below
//! the base path however sloppily a server reads it, and sets nothing that is the
//! host's to set. The judge here knows the rules, not how they are kept.
//!
//! The input: which provider, then pieces that a byte 0xFF ends: method, path,
//! memo, body, then name and value of each header.

#![no_main]

use std::sync::OnceLock;

use http::{HeaderName, HeaderValue, Uri};
use libfuzzer_sys::fuzz_target;
use plugway::catalog::{Provider, ProviderFacts};
use plugway::upstream::{Outgoing, prepare};
use plugway_engine::{AuthScheme, Framing, UpstreamRequest};
use plugway_wire::seal::Seals;

/// What an adapter may not set: RFC 9110's and RFC 9112's fields that route, frame
/// or authenticate, and those that de facto do.
const FORBIDDEN: [&str; 23] = [
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

/// Those of the above that the host sets itself, to this.
const OURS: [(&str, &str); 1] = [("accept-encoding", "identity")];

fuzz_target!(|input: &[u8]| {
    let Some((which, rest)) = input.split_first() else { return };
    let provider = &providers()[usize::from(*which) % providers().len()];
    let mut pieces = rest.split(|byte| *byte == 0xFF);
    let mut text = || pieces.next().map(|piece| String::from_utf8_lossy(piece).into_owned());
    let request = UpstreamRequest {
        method: text().unwrap_or_default(),
        path: text().unwrap_or_default(),
        memo: text().unwrap_or_default(),
        body: text().unwrap_or_default().into_bytes(),
        headers: std::iter::from_fn(|| Some((text()?, text()?))).collect(),
        framing: Framing::Sse,
    };
    match prepare(request, provider, &Seals::default(), which & 0x80 == 0) {
        Ok(outgoing) => {
            stays(&outgoing.uri, &provider.base_url);
            if let AuthScheme::Query(parameter) = &provider.auth {
                let query = outgoing.uri.query().unwrap_or_default();
                assert!(!names(query, parameter), "sets the credential: {query}");
            }
            headers(&outgoing, provider);
            assert!(matches!(outgoing.method.as_str(), "GET" | "POST"));
        }
        // The sentence goes to the log, in one line, without what the adapter wrote.
        Err(breach) => {
            let said = breach.to_string();
            assert!(said.len() < 200 && said.chars().all(|c| !c.is_control()), "{said:?}");
        }
    }
});

fn providers() -> &'static [Provider] {
    static PROVIDERS: OnceLock<Vec<Provider>> = OnceLock::new();
    PROVIDERS.get_or_init(|| {
        vec![
            provider("https://api.example.com/v1", AuthScheme::Bearer),
            provider("https://api.example.com/v1", AuthScheme::Query("key".to_owned())),
            provider("http://127.0.0.1:8080/", AuthScheme::Header("X-Api-Key".to_owned())),
            provider("https://[::1]:8443/a/b%20c", AuthScheme::None),
        ]
    })
}

fn provider(base_url: &str, auth: AuthScheme) -> Provider {
    Provider {
        name: "example".to_owned(),
        display_name: "Example".to_owned(),
        adapter: "example".to_owned(),
        base_url: base_url.parse().unwrap_or_else(|_| Uri::from_static("http://invalid.example/")),
        auth,
        credentials: Vec::new(),
        options: Vec::new(),
        tags: Vec::new(),
        headers: vec![(
            HeaderName::from_static("x-organization"),
            HeaderValue::from_static("operator"),
        )],
        relay: Vec::new(),
        models_url: None,
        facts: ProviderFacts::default(),
        rates: Default::default(),
    }
}

/// The URI has the base's origin and a path below its path.
fn stays(uri: &Uri, base: &Uri) {
    assert_eq!(uri.scheme(), base.scheme());
    assert_eq!(uri.authority(), base.authority());
    let whole = uri.to_string();
    assert!(whole.bytes().all(|byte| byte.is_ascii_graphic()), "{whole}");
    let base_path = base.path().trim_end_matches('/');
    let below = uri.path().strip_prefix(base_path).and_then(|below| below.strip_prefix('/'));
    let Some(below) = below else { panic!("{whole} is not below {base}") };
    // Decoded once more at each turn, for as long as that changes anything.
    let mut read = below.to_owned();
    loop {
        never_climbs(&read, &whole);
        let decoded = percent_decoded(&read);
        if decoded == read {
            break;
        }
        read = decoded;
    }
}

/// However a server may take the path apart, it never stands above its start.
fn never_climbs(path: &str, whole: &str) {
    // Tabs and line breaks are dropped by WHATWG's reading of URLs, other controls
    // and spaces by trimming; a backslash is a slash there.
    let path: String = path.chars().filter(|c| !c.is_control() && *c != ' ').collect();
    // What was encoded may begin a query or a fragment once it is decoded.
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut depth = 0_u32;
    for segment in path.split(['/', '\\']) {
        match segment.split(';').next() {
            Some("..") => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => panic!("{whole} climbs"),
            },
            Some("" | ".") | None => {}
            Some(_) => depth += 1,
        }
    }
}

/// Whether a server may read this parameter in the query.
fn names(query: &str, parameter: &str) -> bool {
    let twice = percent_decoded(&percent_decoded(query));
    let readings = [query.to_owned(), percent_decoded(query), twice];
    readings.iter().any(|query| {
        let pairs = query.split(['&', ';']);
        pairs.filter_map(|pair| pair.split('=').next()).any(|name| name == parameter)
    })
}

/// Every `%XX` as the character of that number, right or wrong.
fn percent_decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let digits = characters.as_str().get(..2);
        let hexadecimal = digits.filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match hexadecimal.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if character == '%' => {
                decoded.push(char::from(byte));
                characters.nth(1);
            }
            _ => decoded.push(character),
        }
    }
    decoded
}

fn headers(outgoing: &Outgoing, provider: &Provider) {
    for (name, value) in &outgoing.headers {
        let name = name.as_str();
        let ours = OURS.iter().any(|(own, with)| *own == name && value == with);
        assert!(ours || !FORBIDDEN.contains(&name), "{name} is the host's");
        assert!(!name.starts_with("x-forwarded-"), "{name} is the host's");
        if let AuthScheme::Header(own) = &provider.auth {
            assert!(!own.eq_ignore_ascii_case(name), "{name} is the credential's");
        }
        let broken = value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
        assert!(!broken, "{name} breaks its line");
    }
    for (name, value) in &provider.headers {
        let set: Vec<_> = outgoing.headers.get_all(name).iter().collect();
        assert_eq!(set, [value], "the operator's header stands");
    }
}
