//! Who may administer this router. Before any key was made that is whoever is on its
//! machine; from then on to be there is not enough for keys and money, for which the
//! command line opens the database itself.

use super::guard;
use crate::account::caller;
use crate::error::Error;
use crate::{Router, Settings};
use http::Request;
use hyper::body::Incoming;
use std::net::SocketAddr;

/// Refuses whoever has no management key, if there are keys at all.
pub(super) fn manager(
    router: &Router,
    settings: &Settings,
    request: &Request<Incoming>,
    peer: SocketAddr,
) -> Result<(), Error> {
    match router.accounts.now().has_keys {
        true => caller::manager(router, request.headers(), request.uri()),
        false => guard::local(settings, request, peer),
    }
}

/// Refuses whoever is neither on this machine nor has a management key.
pub(super) fn operator(
    router: &Router,
    settings: &Settings,
    request: &Request<Incoming>,
    peer: SocketAddr,
) -> Result<(), Error> {
    let local = guard::local(settings, request, peer);
    // To be told of the key would not help whoever has none.
    local.or_else(|error| {
        caller::manager(router, request.headers(), request.uri()).map_err(|_| error)
    })
}
