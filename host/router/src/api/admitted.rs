//! Who is let in: before anything of a request is read, its key is known, there is a place
//! for it, and neither its key nor its workspace is at a limit. Whoever is not is told cheaply.

use super::shed::{self, Bound};
use super::{Body, respond};
use crate::Router;
use crate::account::{self, Caller, Key};
use crate::error::Error;
use http::{Request, Response};
use hyper::body::Incoming;
use plugway_accounts::Pass;
use plugway_wire::Dialect;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// A request that is let in.
pub(crate) struct Admitted {
    /// Who asks.
    pub(crate) caller: Caller,
    /// Its place among those of its key and its workspace.
    pub(crate) pass: Pass,
    /// Its place among all, held until its answer has ended.
    pub(crate) place: OwnedSemaphorePermit,
}

/// Why a request is not let in.
pub(super) enum TurnedAway {
    /// By what it carries, or a limit of its own.
    Refused(Box<Error>),
    /// There is no room.
    Shed(Bound),
}

/// Lets a request in, or says why not.
pub(super) fn admit(
    router: &Router,
    request: &Request<Incoming>,
    is_excess: bool,
) -> Result<Admitted, TurnedAway> {
    let refused = |error| TurnedAway::Refused(Box::new(error));
    let caller = account::authenticate(router, request.headers(), request.uri());
    let caller = caller.map_err(refused)?;
    let share = router.settings().config.server.key_share_percent;
    let with_this = |key: &Arc<Key>| key.limits.running().saturating_add(1);
    let is_greedy = |key: &Arc<Key>| router.admission.is_beyond(share, with_this(key));
    let place = match is_excess {
        true => Err(Bound::Connections),
        false if caller.key.as_ref().is_some_and(is_greedy) => Err(Bound::KeyShare),
        false => router.admission.request().ok_or(Bound::Requests),
    };
    let place = place.map_err(TurnedAway::Shed)?;
    // What finds no room has used nothing of its key's limits.
    let pass = caller.enter().map_err(refused)?;
    Ok(Admitted { caller, pass, place })
}

impl TurnedAway {
    /// Says so. What comes of the body is dropped unread.
    pub(super) async fn answer(
        self,
        router: &Router,
        dialect: Dialect,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let error = match self {
            Self::Shed(bound) => return shed::answer(router, dialect, request, bound).await,
            Self::Refused(error) => error,
        };
        let mut response = respond::error_in(dialect, &error, None);
        shed::drop_body(request, &mut response).await;
        response
    }
}
