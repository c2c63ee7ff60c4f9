//! `[media]`: images and documents that clients name by URL, fetched for providers
//! that cannot fetch them.

use std::time::Duration;

use super::UpstreamConfig;
use super::field::{Field, Slot};
use super::reader::Section;
use super::units::MIB;

/// What is fetched, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaConfig {
    /// Whether anything is.
    pub fetch: bool,
    /// One of them, in bytes.
    pub max_bytes: usize,
    /// From asking for one to having it whole.
    pub timeout: Duration,
    /// Fetched for one request of a client's.
    pub max_per_request: usize,
    /// Media types; `image/*` stands for all images.
    pub types: Vec<String>,
    /// Whether `http` URLs are fetched too.
    pub allow_plain_http: bool,
    /// `host` or `host:port` that are fetched from though they are not of the public
    /// network.
    pub private_hosts: Vec<String>,
}

impl Default for MediaConfig {
    fn default() -> Self {
        MediaConfig {
            fetch: false,
            max_bytes: 10 * MIB,
            timeout: Duration::from_secs(10),
            max_per_request: 16,
            types: ["image/*", "application/pdf", "text/plain"].map(str::to_owned).to_vec(),
            allow_plain_http: false,
            private_hosts: Vec::new(),
        }
    }
}

pub(super) const FIELDS: &[Field<MediaConfig>] = &[
    Field {
        key: "fetch",
        slot: Slot::Flag(|c| &mut c.fetch),
        about: "Whether the router fetches what a client names by URL, where a provider cannot. Otherwise such a provider is passed over.",
    },
    Field {
        key: "max_size",
        slot: Slot::Size(|c| &mut c.max_bytes),
        about: "Largest file that is fetched.",
    },
    Field {
        key: "timeout",
        slot: Slot::Duration(|c| &mut c.timeout),
        about: "Longest time for one file, redirects included.",
    },
    Field {
        key: "max_per_request",
        slot: Slot::Items(|c| &mut c.max_per_request),
        about: "Files that are fetched for one request.",
    },
    Field {
        key: "types",
        slot: Slot::Words(|c| &mut c.types),
        about: "Media types that are fetched, by what the server says that they are; `image/*` stands for all images.",
    },
    Field {
        key: "allow_plain_http",
        slot: Slot::Flag(|c| &mut c.allow_plain_http),
        about: "Permits `http` URLs, and redirects to them.",
    },
    Field {
        key: "private_hosts",
        slot: Slot::Words(|c| &mut c.private_hosts),
        about: "Hosts that are fetched from although they are not of the public network, as they stand in a URL, e.g. `files.internal:8443`. Whoever may ask this router may read whatever they serve.",
    },
];

/// What holds with the way to providers.
pub(super) fn check(section: &Section<'_>, media: &MediaConfig, upstream: &UpstreamConfig) {
    if media.fetch && upstream.proxy.is_some() {
        section.error(
            "fetch",
            "does not go through `upstream.proxy`: which address a name has is checked here",
            "leave it off, or remove the proxy",
        );
    }
    let is_host = |text: &String| {
        text.parse::<http::uri::Authority>().is_ok_and(|it| it.as_str() == text.to_lowercase())
            && !text.contains('@')
    };
    if let Some(text) = media.private_hosts.iter().find(|text| !is_host(text)) {
        const REMEDY: &str = "write it like `files.internal` or `10.0.0.7:8443`, in small letters";
        section.error("private_hosts", format!("`{text}` is no host"), REMEDY);
    }
    let is_type = |text: &String| {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-+.*".contains(&b);
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(allowed);
        text.split_once('/').is_some_and(|(kind, sub)| {
            is_word(kind)
                && !kind.contains('*')
                && is_word(sub)
                && (sub == "*" || !sub.contains('*'))
        })
    };
    if let Some(text) = media.types.iter().find(|text| !is_type(text)) {
        const REMEDY: &str = "write it like `image/png` or `image/*`, in small letters";
        section.error("types", format!("`{text}` is no media type"), REMEDY);
    }
}
