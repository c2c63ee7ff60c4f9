//! Who is let in: before anything of a request is read, its key is known, neither that nor
//! its workspace is at a limit, and there is a place for it. Whoever is not is told cheaply.

use super::shed::{self, Bound};
use super::{Body, respond};
use crate::Router;
use crate::account::{self, Caller};
use crate::error::Error;
use http::header::{HeaderName, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;
use plugway_accounts::limits::Standing;
use plugway_accounts::{Limited, Pass};
use plugway_wire::Dialect;
use tokio::sync::OwnedSemaphorePermit;

/// A request that is let in.
pub(crate) struct Admitted {
    /// Who asks.
    pub(crate) caller: Caller,
    /// Its place among those of its key, and what is left of its limits.
    pub(crate) pass: Pass,
    /// Its place among all, held until its answer has ended.
    pub(crate) place: OwnedSemaphorePermit,
}

/// Why a request is not let in.
pub(super) enum TurnedAway {
    /// It is at fault.
    Refused(Box<Error>),
    /// It is at a limit of its own.
    Limited(Box<Limited>),
    /// There is no room.
    Shed(Bound),
}

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Lets a request in, or says why not.
pub(super) fn admit(
    router: &Router,
    request: &Request<Incoming>,
    is_excess: bool,
) -> Result<Admitted, TurnedAway> {
    let caller = account::authenticate(router, request.headers(), request.uri());
    let caller = caller.map_err(|error| TurnedAway::Refused(Box::new(error)))?;
    let pass = caller.enter().map_err(|limited| TurnedAway::Limited(Box::new(limited)))?;
    let place = match is_excess {
        true => Err(Bound::Connections),
        false => router.admission.request().ok_or(Bound::Requests),
    };
    let place = place.map_err(TurnedAway::Shed)?;
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
        let (error, standing) = match self {
            Self::Shed(bound) => return shed::answer(router, dialect, request, bound).await,
            Self::Refused(error) => (*error, None),
            Self::Limited(limited) => (account::limited(&limited), Some(limited.standing)),
        };
        let mut response = respond::error_in(dialect, &error, None);
        shed::drop_body(request, &mut response).await;
        if let Some(standing) = standing {
            tell(&mut response, &standing);
        }
        response
    }
}

/// In OpenRouter's headers, which come with refusals of the router's own only.
fn tell(response: &mut Response<Body>, standing: &Standing) {
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(standing.limit));
    headers.insert(REMAINING, HeaderValue::from(standing.remaining));
    headers.insert(RESET, HeaderValue::from(standing.reset_ms));
}
