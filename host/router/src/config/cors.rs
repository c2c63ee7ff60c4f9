//! `[server.cors]`: web pages of other origins that may use the router.

use std::time::Duration;

use super::diagnostic::Severity;
use super::field::{Field, Slot};
use super::reader::Section;

/// Which pages are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsConfig {
    /// As browsers write them, or `*` alone for all; empty: none.
    pub origins: Vec<String>,
    /// Headers that pages may send, in lower case; empty: any.
    pub headers: Vec<String>,
    /// How long a browser may remember the answer, in whole seconds.
    pub max_age: Duration,
}

impl Default for CorsConfig {
    fn default() -> Self {
        let max_age = Duration::from_secs(10 * 60);
        CorsConfig { origins: Vec::new(), headers: Vec::new(), max_age }
    }
}

pub(super) const FIELDS: &[Field<CorsConfig>] = &[
    Field {
        key: "origins",
        slot: Slot::Words(|c| &mut c.origins),
        about: "Origins of the web pages that may use the router, such as `\"https://chat.example.com\"`, also while it listens on loopback; where any are listed, no other page may, wherever it listens. `\"*\"` alone lets in every page that a user of this network visits. Default: none.",
    },
    Field {
        key: "headers",
        slot: Slot::Words(|c| &mut c.headers),
        about: "Headers that such a page may send, by name. Default: whichever it asks for.",
    },
    Field {
        key: "max_age",
        slot: Slot::Duration(|c| &mut c.max_age),
        about: "How long a browser may remember what it was told.",
    },
];

/// What holds between keys, and within their words.
pub(super) fn check(section: &Section<'_>, cors: &mut CorsConfig) {
    let is_open = cors.origins.iter().any(|origin| origin == "*");
    if is_open && cors.origins.len() > 1 {
        section.error("origins", "`*` stands for every origin", "write it alone, or leave it out");
    } else if is_open {
        section.remark(
            Severity::Warning,
            "origins",
            "every web page can use this router, and clients are not authenticated",
            "list the origins that should",
        );
    } else if let Some(text) = cors.origins.iter().find(|text| !is_origin(text)) {
        const REMEDY: &str =
            "write it as browsers do, like `https://chat.example.com` or `http://localhost:3000`";
        section.error("origins", format!("`{text}` is no origin"), REMEDY);
    }
    for header in &mut cors.headers {
        header.make_ascii_lowercase();
    }
    let is_header = |text: &str| text.parse::<http::HeaderName>().is_ok();
    if cors.headers.iter().any(|text| text == "*") {
        section.error(
            "headers",
            "to browsers `*` does not cover `authorization`, which carries the key",
            "leave headers out to allow whichever a page asks for",
        );
    } else if let Some(text) = cors.headers.iter().find(|text| !is_header(text)) {
        const REMEDY: &str = "write names of headers, like `authorization`";
        section.error("headers", format!("`{text}` is no header"), REMEDY);
    }
}

/// Scheme, host and maybe a port, in small letters and nothing more. That of a page
/// without an origin, `null`, could be anybody's.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let is_scheme = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b));
    is_scheme
        && !host.contains('@')
        && host.to_ascii_lowercase() == host
        && host.parse::<http::uri::Authority>().is_ok_and(|it| it.as_str() == host)
}
