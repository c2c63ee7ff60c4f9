//! `[upstream]`: the calling side: connections to providers, their deadlines
//! and the bounds on what a provider may send.

use std::path::PathBuf;
use std::time::Duration;

use super::field::{Field, Slot};
use super::reader::Section;
use super::units::{GIB, KIB, MIB};

/// How providers are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamConfig {
    /// Until TCP and TLS stand.
    pub connect_timeout: Duration,
    /// From the end of the request to the response's head.
    pub head_timeout: Duration,
    /// From the end of the request to the first content of a stream.
    pub first_token_timeout: Duration,
    /// Between two reads of a body.
    pub idle_timeout: Duration,
    /// The body of a response that is an error.
    pub error_body_timeout: Duration,
    /// From asking for an access token to having it.
    pub token_timeout: Duration,
    /// One attempt as a whole.
    pub total_timeout: Duration,
    /// An unused connection is closed after this long.
    pub pool_idle_timeout: Duration,
    /// Unused connections kept, per origin.
    pub pool_max_idle_per_host: u32,
    /// One frame of a streamed body, in bytes.
    pub max_frame_bytes: usize,
    /// A whole body, in bytes.
    pub max_response_bytes: usize,
    /// A response's headers, in bytes.
    pub max_header_bytes: usize,
    /// A body that a client has relayed to a provider, in bytes.
    pub max_upload_bytes: usize,
    /// A body that a provider has relayed to a client, in bytes.
    pub max_download_bytes: usize,
    /// HTTP proxy that every connection goes through.
    pub proxy: Option<http::Uri>,
    /// Host names, and with a leading dot their subdomains, called directly.
    pub no_proxy: Vec<String>,
    /// PEM files with certificate authorities to trust besides the well-known ones.
    pub ca_files: Vec<PathBuf>,
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        UpstreamConfig {
            connect_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(5 * 60),
            first_token_timeout: Duration::from_secs(5 * 60),
            idle_timeout: Duration::from_secs(2 * 60),
            error_body_timeout: Duration::from_secs(5),
            token_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(10 * 60),
            pool_idle_timeout: Duration::from_secs(90),
            pool_max_idle_per_host: 256,
            max_frame_bytes: 16 * MIB,
            max_response_bytes: 64 * MIB,
            max_header_bytes: 64 * KIB,
            max_upload_bytes: 512 * MIB,
            max_download_bytes: GIB,
            proxy: None,
            no_proxy: Vec::new(),
            ca_files: Vec::new(),
        }
    }
}

pub(super) const FIELDS: &[Field<UpstreamConfig>] = &[
    Field {
        key: "connect_timeout",
        slot: Slot::Duration(|c| &mut c.connect_timeout),
        about: "Longest wait for a connection, TLS included.",
    },
    Field {
        key: "head_timeout",
        slot: Slot::Duration(|c| &mut c.head_timeout),
        about: "Longest wait for the head of a response. A provider that does not stream thinks before it sends one.",
    },
    Field {
        key: "first_token_timeout",
        slot: Slot::Duration(|c| &mut c.first_token_timeout),
        about: "Longest wait for the first content of a stream; then the next endpoint is tried.",
    },
    Field {
        key: "idle_timeout",
        slot: Slot::Duration(|c| &mut c.idle_timeout),
        about: "Longest silence within a response body.",
    },
    Field {
        key: "error_body_timeout",
        slot: Slot::Duration(|c| &mut c.error_body_timeout),
        about: "Longest wait for the body of an error response; then its status alone says what is wrong.",
    },
    Field {
        key: "token_timeout",
        slot: Slot::Duration(|c| &mut c.token_timeout),
        about: "Longest wait for a token endpoint's answer, where a provider takes access tokens.",
    },
    Field {
        key: "total_timeout",
        slot: Slot::Duration(|c| &mut c.total_timeout),
        about: "Longest time for one attempt as a whole.",
    },
    Field {
        key: "pool_idle_timeout",
        slot: Slot::Duration(|c| &mut c.pool_idle_timeout),
        about: "An unused connection is closed after this long.",
    },
    Field {
        key: "pool_max_idle_per_host",
        slot: Slot::Count(|c| &mut c.pool_max_idle_per_host),
        about: "Unused connections kept open to one origin.",
    },
    Field {
        key: "max_frame",
        slot: Slot::Size(|c| &mut c.max_frame_bytes),
        about: "Largest frame of a streamed response.",
    },
    Field {
        key: "max_response",
        slot: Slot::Size(|c| &mut c.max_response_bytes),
        about: "Largest response body that is not streamed.",
    },
    Field {
        key: "max_header",
        slot: Slot::Size(|c| &mut c.max_header_bytes),
        about: "Largest response head.",
    },
    Field {
        key: "max_upload",
        slot: Slot::Size(|c| &mut c.max_upload_bytes),
        about: "Largest body that is relayed to a provider; it is passed on as it comes, and never held.",
    },
    Field {
        key: "max_download",
        slot: Slot::Size(|c| &mut c.max_download_bytes),
        about: "Largest body that is relayed from a provider.",
    },
    Field {
        key: "proxy",
        slot: Slot::Url(|c| &mut c.proxy),
        about: "HTTP proxy that providers are called through, e.g. `http://proxy.internal:3128`. Proxy variables of the environment are not read.",
    },
    Field {
        key: "no_proxy",
        slot: Slot::Words(|c| &mut c.no_proxy),
        about: "Hosts that are called without the proxy; `.internal` stands for all names below it.",
    },
    Field {
        key: "ca_files",
        slot: Slot::Paths(|c| &mut c.ca_files),
        about: "PEM files with certificate authorities to trust besides the well-known ones.",
    },
];

/// What holds between keys.
pub(super) fn check(section: &Section<'_>, upstream: &mut UpstreamConfig) {
    let total = ("total_timeout", upstream.total_timeout);
    section.at_most("connect_timeout", &mut upstream.connect_timeout, total);
    section.at_most("head_timeout", &mut upstream.head_timeout, total);
    section.at_most("first_token_timeout", &mut upstream.first_token_timeout, total);
    section.at_most("idle_timeout", &mut upstream.idle_timeout, total);
    section.at_most("error_body_timeout", &mut upstream.error_body_timeout, total);
    section.at_most("token_timeout", &mut upstream.token_timeout, total);
    let response = ("max_response", upstream.max_response_bytes);
    section.at_most("max_frame", &mut upstream.max_frame_bytes, response);
    if upstream.proxy.as_ref().is_some_and(|proxy| proxy.scheme_str() != Some("http")) {
        section.error(
            "proxy",
            "is no http URL",
            "proxies are reached by plain http; TLS runs through them",
        );
    }
    for file in &upstream.ca_files {
        if let Err(error) = std::fs::File::open(file) {
            section.error(
                "ca_files",
                format!("cannot open `{}`: {error}", file.display()),
                "name a readable PEM file",
            );
        }
    }
}
