//! A router that asks for no key listens on loopback, where every web page that
//! the user visits can reach it too. So a page must not be able to use it: what
//! names a foreign host (DNS rebinding) or comes from a foreign origin is refused.

use crate::Settings;
use crate::error::{Code, Error};
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Request};
use hyper::body::Incoming;
use std::net::SocketAddr;

/// Refuses what a foreign web page could have sent.
pub(super) fn check(settings: &Settings, request: &Request<Incoming>) -> Result<(), Error> {
    if !settings.config.server.listen.ip().is_loopback() {
        return Ok(());
    }
    let allowed = &settings.config.server.allowed_hosts;
    let host = request.uri().authority().map(|it| it.as_str());
    let host = host.or_else(|| text(request.headers(), &HOST));
    if !host.is_some_and(|host| is_own(host, allowed)) {
        return Err(refusal("Host"));
    }
    match request.headers().get(ORIGIN).map(|origin| origin.to_str().unwrap_or("")) {
        None => Ok(()),
        Some(origin) => {
            let host = origin.split_once("://").map_or("", |(_, host)| host);
            if is_own(host, allowed) { Ok(()) } else { Err(refusal("Origin")) }
        }
    }
}

/// Refuses what comes from another machine.
pub(super) fn local(peer: SocketAddr) -> Result<(), Error> {
    match peer.ip().to_canonical().is_loopback() {
        true => Ok(()),
        false => Err(Error::new(
            Code::ForeignOrigin,
            "This may be asked for only on the machine that the router runs on.",
        )),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn refusal(header: &str) -> Error {
    Error::new(
        Code::ForeignOrigin,
        format!(
            "The header `{header}` names a host that is not this router's; add it to \
             server.allowed_hosts if it should be."
        ),
    )
}

/// Whether `host`, with or without a port, is this machine's loopback or one
/// that the operator listed.
fn is_own(host: &str, allowed: &[String]) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
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
        ] {
            assert!(!is_own(host, &allowed), "{host}");
        }
    }
}
