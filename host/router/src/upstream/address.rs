//! Which addresses are of the public network. Whatever a client names is connected to
//! only there, or it could have the router look around in its own network.

use hyper_util::client::legacy::connect::dns::Name;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::Semaphore;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Whether anybody may be expected to reach the address.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match (a, b) {
        // This network, private, loopback, multicast and beyond.
        (0 | 10 | 127 | 224..=255, _) => true,
        // Shared by carriers; link-local; private.
        (100, 64..=127) | (169, 254) | (172, 16..=31) | (192, 168) => true,
        // Protocols, documentation, the old relay.
        (192, 0) => matches!(c, 0 | 2),
        (192, 88) => c == 99,
        // Benchmarks, documentation.
        (198, 18 | 19) => true,
        (198, 51) => c == 100,
        (203, 0) => c == 113,
        // Reached from the machines of one cloud alone, and it trusts them.
        (168, 63) => c == 129,
        _ => false,
    };
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b, c, d, e, f) {
        // IPv4 in its mapped and translated forms.
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => embedded(g, h),
        (0x2002, ..) => embedded(b, c),
        // Teredo and other protocols, documentation.
        (0x2001, 0..=0x1ff | 0xdb8, ..) | (0x3fff, 0..=0xfff, ..) => false,
        // Of all else, only this much is given out.
        _ => a & 0xe000 == 0x2000,
    }
}

/// Names that clients wrote, looked up at once: each takes a thread of those that
/// providers' names are looked up on too, for as long as the resolver likes.
static LOOKUPS: Semaphore = Semaphore::const_new(32);

/// Looks names up, and refuses those that lead anywhere but to the public network.
/// What it answers is what is connected to: nothing is looked up again.
#[derive(Clone)]
pub(super) struct PublicNames {
    /// Names that may lead anywhere.
    pub(super) private: Arc<[String]>,
}

/// A name that leads where nobody may be sent.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name leads to an address that is not of the public network")]
pub(super) struct NotPublic;

impl Service<Name> for PublicNames {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let may_be_private =
            self.private.iter().any(|known| known.eq_ignore_ascii_case(name.as_str()));
        Box::pin(async move {
            let permit = LOOKUPS.acquire().await?;
            let lookup = move || {
                // Held until the thread is free again, whoever stopped waiting.
                let _permit = permit;
                (name.as_str(), 0).to_socket_addrs()
            };
            let found = tokio::task::spawn_blocking(lookup).await??;
            let found: Vec<SocketAddr> = found.collect();
            // One that is not public condemns the name: no honest one has it.
            if !may_be_private && !found.iter().all(|address| is_public(address.ip())) {
                return Err(NotPublic.into());
            }
            Ok(found.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_network_is_public() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.216.34",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for special in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_refused() {
        let name = || "localhost".parse::<Name>().unwrap();
        let refused = PublicNames { private: Arc::new([]) }.call(name()).await;
        assert!(refused.is_err_and(|it| it.is::<NotPublic>()));
        let private = Arc::new(["localhost".to_owned()]);
        let found = PublicNames { private }.call(name()).await.unwrap();
        assert!(found.into_iter().all(|address| address.ip().is_loopback()));
    }
}
