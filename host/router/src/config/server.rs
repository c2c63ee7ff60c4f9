//! `[server]`: the listening side, and every bound on what clients may ask of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::cors::{self, CorsConfig};
use super::diagnostic::Severity;
use super::field::{Field, Slot};
use super::reader::Section;
use super::units::{GIB, KIB, MIB};

/// How the router listens, and what it grants a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Address and port; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Largest request body, in bytes.
    pub max_body_bytes: usize,
    /// All request and response bodies held at once, in bytes.
    pub max_buffered_bytes: usize,
    /// Open client connections.
    pub max_connections: u32,
    /// Requests under way, streams included. None: as many as fit.
    pub max_requests: Option<u32>,
    /// Of these, those that one key may have, in hundredths.
    pub key_share_percent: u32,
    /// Request line and headers, in bytes.
    pub max_header_bytes: usize,
    /// Streams of one HTTP/2 connection.
    pub max_concurrent_streams: u32,
    /// From the connection, or the last response, to the end of the headers.
    pub header_timeout: Duration,
    /// From the headers to the end of the body.
    pub body_timeout: Duration,
    /// How long a client may take nothing of what is there for it.
    pub write_timeout: Duration,
    /// From the headers to the end of the response.
    pub request_deadline: Duration,
    /// How long a streamed response's head waits for the first content.
    pub head_hold: Duration,
    /// Between comments on a stream that is silent.
    pub keep_alive_interval: Duration,
    /// From the signal to stop until open requests are cut.
    pub drain_timeout: Duration,
    /// Names, besides the loopback ones, that a `Host` header may carry when
    /// listening on loopback; in lower case, without port.
    pub allowed_hosts: Vec<String>,
    /// Clients need a key, once there is one.
    pub require_keys: bool,
    /// Presets may be read and changed from other machines too.
    pub open_presets: bool,
    /// Web pages that may use the router.
    pub cors: CorsConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8787)),
            max_body_bytes: 32 * MIB,
            max_buffered_bytes: GIB,
            max_connections: 10_000,
            max_requests: None,
            key_share_percent: 50,
            max_header_bytes: 64 * KIB,
            max_concurrent_streams: 256,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            request_deadline: Duration::from_secs(15 * 60),
            head_hold: Duration::from_secs(10),
            keep_alive_interval: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(30),
            allowed_hosts: Vec::new(),
            require_keys: true,
            open_presets: false,
            cors: CorsConfig::default(),
        }
    }
}

pub(super) const FIELDS: &[Field<ServerConfig>] = &[
    Field {
        key: "listen",
        slot: Slot::Address(|c| &mut c.listen),
        about: "Address and port to listen on; port 0 lets the system choose.",
    },
    Field {
        key: "allowed_hosts",
        slot: Slot::Words(|c| &mut c.allowed_hosts),
        about: "While listening on loopback, a request whose `Host` header names another machine is refused, so that no web page can spend your money. Names listed here are let in too.",
    },
    Field {
        key: "require_keys",
        slot: Slot::Flag(|c| &mut c.require_keys),
        about: "Whether clients need a key. Then the router listens on loopback only until a first key was made (`plugway keys create`), and serves whoever reaches it there; from then on whoever has no key is refused. With `false` whoever reaches the router may use it without one, wherever it listens: for networks that authenticate in front of it. Taken over at start.",
    },
    Field {
        key: "open_presets",
        slot: Slot::Flag(|c| &mut c.open_presets),
        about: "Whether whoever may use the router may read, save and delete presets under `/v1/presets`. Otherwise whoever has a management key may, and any key may read them on the router's own machine, through no proxy; before the first key that machine may do all of it. To name a preset in a request needs neither.",
    },
    Field {
        key: "max_connections",
        slot: Slot::Count(|c| &mut c.max_connections),
        about: "Client connections open at once; fewer where the limit on open files does not allow them. On a few connections beyond that, what needs a place is answered with 503, and health, readiness and metrics as ever; further clients wait to be accepted. Taken over at start.",
    },
    Field {
        key: "max_requests",
        slot: Slot::Tokens(|c| &mut c.max_requests),
        about: "Requests for a provider under way at once, streams until their end; one more is answered with 503 and `retry-after`. Default: as many as open files and plugin instances allow, and never more than that. Taken over at start.",
    },
    Field {
        key: "key_share_percent",
        slot: Slot::Count(|c| &mut c.key_share_percent),
        about: "How many of the requests under way one key may have at once, in hundredths of what `max_requests` comes to: so that one that floods the router leaves room for others. One more is answered with 503 and `retry-after`.",
    },
    Field {
        key: "max_concurrent_streams",
        slot: Slot::Count(|c| &mut c.max_concurrent_streams),
        about: "Requests at once on one HTTP/2 connection.",
    },
    Field {
        key: "max_header",
        slot: Slot::Size(|c| &mut c.max_header_bytes),
        about: "Largest request line and headers.",
    },
    Field {
        key: "max_body",
        slot: Slot::Size(|c| &mut c.max_body_bytes),
        about: "Largest request body; of one that comes compressed, what it is when plain.",
    },
    Field {
        key: "max_buffered",
        slot: Slot::Size(|c| &mut c.max_buffered_bytes),
        about: "All bodies held in memory at once, and what is made of them; a request that does not fit is turned away.",
    },
    Field {
        key: "header_timeout",
        slot: Slot::Duration(|c| &mut c.header_timeout),
        about: "Longest wait for a request's headers.",
    },
    Field {
        key: "body_timeout",
        slot: Slot::Duration(|c| &mut c.body_timeout),
        about: "Longest wait for a request's body.",
    },
    Field {
        key: "write_timeout",
        slot: Slot::Duration(|c| &mut c.write_timeout),
        about: "Longest time that a client may take nothing of its answer; then its connection is closed.",
    },
    Field {
        key: "request_deadline",
        slot: Slot::Duration(|c| &mut c.request_deadline),
        about: "Longest time from a request's headers to the end of its response, all attempts included.",
    },
    Field {
        key: "head_hold",
        slot: Slot::Duration(|c| &mut c.head_hold),
        about: "How long the head of a streamed response is held back for the first content. Until it leaves, a failure moves on to the next endpoint and is answered with a proper status.",
    },
    Field {
        key: "keep_alive_interval",
        slot: Slot::Duration(|c| &mut c.keep_alive_interval),
        about: "A comment is sent on a stream that was silent for this long.",
    },
    Field {
        key: "drain_timeout",
        slot: Slot::Duration(|c| &mut c.drain_timeout),
        about: "How long open requests may finish after a signal to stop.",
    },
    Field {
        key: "cors",
        slot: Slot::Nested {
            shape: "table",
            read: |entry, server| {
                if let Some(section) = entry.table() {
                    section.read(cors::FIELDS, &mut server.cors);
                    cors::check(&section, &mut server.cors);
                }
            },
        },
        about: "Web pages of other origins that may use the router, see below.",
    },
];

/// What holds between keys.
pub(super) fn check(section: &Section<'_>, server: &mut ServerConfig) {
    let buffered = ("max_buffered", server.max_buffered_bytes);
    section.at_most("max_body", &mut server.max_body_bytes, buffered);
    let deadline = ("request_deadline", server.request_deadline);
    section.at_most("body_timeout", &mut server.body_timeout, deadline);
    section.at_most("head_hold", &mut server.head_hold, deadline);
    if !server.require_keys && !server.listen.ip().is_loopback() {
        section.remark(
            Severity::Warning,
            "listen",
            "other machines can reach this address, and clients are not authenticated",
            "let only trusted ones through to it",
        );
    }
    for host in &mut server.allowed_hosts {
        host.make_ascii_lowercase();
    }
}
