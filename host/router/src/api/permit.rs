//! Who may administer this router. Before any key was made that is whoever is on its
//! machine; from then on to be there is not enough: whatever proxies for others is there too,
//! and not all of them say so. The command line opens the database itself, and SIGHUP reloads.

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

/// Refuses whoever may not read what is the operator's: with a management key it may be read
/// from anywhere, with any key on this machine.
pub(super) fn reader(
    router: &Router,
    settings: &Settings,
    request: &Request<Incoming>,
    peer: SocketAddr,
) -> Result<(), Error> {
    let permitted = manager(router, settings, request, peer);
    permitted.or_else(|error| {
        let local = guard::local(settings, request, peer);
        let known = caller::bearer(router, request.headers(), request.uri());
        // What it is missing is a management key.
        local.and(known.map(drop)).map_err(|_| error)
    })
}
