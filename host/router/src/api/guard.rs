//! A router that asks for no key listens on loopback, where every web page that
//! the user visits can reach it too. So a page must not be able to use it: what
//! names a foreign host (DNS rebinding) or comes from a foreign origin is refused.
//! Where the operator lists the pages that may use the router, no other may, wherever
//! it listens.

use super::cors;
use crate::Settings;
use crate::error::{Code, Error};
use http::Request;
use http::header::{FORWARDED, HOST, HeaderName, HeaderValue, ORIGIN, VIA};
use hyper::body::Incoming;
use std::net::SocketAddr;

/// What a proxy adds. Behind one on this machine, every stranger's connection comes
/// from loopback.
const PROXY_MARKS: [HeaderName; 3] = [FORWARDED, HeaderName::from_static("x-forwarded-for"), VIA];

/// Refuses what a foreign web page could have sent, while listening on loopback or
/// where pages are listed.
pub(super) fn check(settings: &Settings, request: &Request<Incoming>) -> Result<(), Error> {
    let server = &settings.config.server;
    if server.listen.ip().is_loopback() {
        return names(settings, request);
    }
    // What a browser sends without asking first, it sends before it looks for a
    // permission in the answer.
    match server.cors.origins.is_empty() {
        true => Ok(()),
        false => origins(settings, request),
    }
}

/// Refuses what comes from another machine, or through a foreign web page.
pub(super) fn local(
    settings: &Settings,
    request: &Request<Incoming>,
    peer: SocketAddr,
) -> Result<(), Error> {
    let headers = request.headers();
    let is_forwarded = PROXY_MARKS.iter().any(|mark| headers.contains_key(mark));
    if is_forwarded || !peer.ip().to_canonical().is_loopback() {
        return Err(Error::new(
            Code::ForeignOrigin,
            "This may be asked for only on the machine that the router runs on, and through \
             no proxy.",
        ));
    }
    names(settings, request)
}

/// Refuses what names a host that is not this router's.
fn names(settings: &Settings, request: &Request<Incoming>) -> Result<(), Error> {
    let allowed = &settings.config.server.allowed_hosts;
    let (uri, headers) = (request.uri(), request.headers());
    // A second name could be the one that somebody in between went by.
    let named = uri.authority().map(|authority| authority.as_str());
    let mut hosts = named.into_iter().chain(headers.get_all(HOST).iter().map(text)).peekable();
    if hosts.peek().is_none() || !hosts.all(|host| is_own(host, allowed)) {
        return Err(refusal("Host"));
    }
    origins(settings, request)
}

/// Refuses what comes from a page that is neither this router's nor listed.
fn origins(settings: &Settings, request: &Request<Incoming>) -> Result<(), Error> {
    let allowed = &settings.config.server.allowed_hosts;
    let (path, headers) = (request.uri().path(), request.headers());
    let is_own_origin = |origin: &HeaderValue| {
        text(origin).split_once("://").is_some_and(|(_, host)| is_own(host, allowed))
    };
    let mut origins = headers.get_all(ORIGIN).iter();
    let is_let_in = |origin| is_own_origin(origin) || cors::lets_in(settings, path, origin);
    if origins.all(is_let_in) { Ok(()) } else { Err(refusal("Origin")) }
}

/// What is no text names nobody.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or("")
}

fn refusal(header: &str) -> Error {
    Error::new(
        Code::ForeignOrigin,
        format!(
            "The header `{header}` names a host that is not this router's; add it to \
             server.allowed_hosts if it should be, or the origin of a web page to \
             server.cors.origins."
        ),
    )
}

/// Whether `host`, with or without a port, is this machine's loopback or one
/// that the operator listed.
fn is_own(host: &str, allowed: &[String]) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or(("", host)),
        None => host.split_at(host.rfind(':').unwrap_or(host.len())),
    };
    // Nothing but a port may follow: `localhost:80@evil.example` is another's.
    let is_port = |port: &str| port.bytes().all(|digit| digit.is_ascii_digit());
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return false;
    }
    let is_loopback = name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    is_loopback
        || name.eq_ignore_ascii_case("localhost")
        || allowed
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name) || own.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_listed_names_are_own() {
        let allowed = ["router.internal".to_owned()];
        for host in [
            "localhost",
            "localhost:8787",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:8787",
            "router.internal:80",
            "LOCALHOST:",
        ] {
            assert!(is_own(host, &allowed), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.example:80",
            "",
            "[::2]:80",
            "10.0.0.1",
            "localhost:80@evil.example",
            "evil.example@localhost",
            "localhost@evil.example",
            "[::1]evil.example",
            "[::1]:80@evil.example",
            "[::1",
            "localhost:evil",
            "localhost.",
            "localhost/evil",
            "127.0.0.1 evil.example",
        ] {
            assert!(!is_own(host, &allowed), "{host}");
        }
    }
}
