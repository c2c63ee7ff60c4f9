//! Who is let in: before anything of a request is read, its key is known, and neither that
//! nor its workspace is at a limit. Whoever is not is told cheaply.

use super::{Body, respond, shed};
use crate::Router;
use crate::account::{self, Caller};
use crate::error::Error;
use http::header::{HeaderName, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;
use plugway_accounts::{Limit, Limited, Pass, Standing};
use plugway_wire::Dialect;

/// A request that is let in.
pub(crate) struct Admitted {
    /// Who asks.
    pub(crate) caller: Caller,
    /// Its place among those under way, and what is left of its limits.
    pub(crate) pass: Pass,
}

/// Who is not, and why.
pub(super) struct Rejected {
    error: Error,
    /// The limit that it is at.
    standing: Option<Standing>,
}

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Lets a request in, or says why not.
pub(super) fn admit(router: &Router, request: &Request<Incoming>) -> Result<Admitted, Rejected> {
    let caller = account::authenticate(router, request.headers(), request.uri())?;
    let pass = caller.enter().map_err(|limited| {
        let Limited { standing, .. } = &limited;
        Rejected { error: account::limited(&limited), standing: Some(standing.clone()) }
    })?;
    Ok(Admitted { caller, pass })
}

/// Says so. The body is dropped unread.
pub(super) async fn turn_away(
    dialect: Dialect,
    request: Request<Incoming>,
    rejected: Rejected,
) -> Response<Body> {
    let Rejected { error, standing } = rejected;
    let mut response = respond::error_in(dialect, &error, None);
    shed::dropping(request, &mut response).await;
    if let Some(standing) = &standing {
        tell(&mut response, standing);
    }
    response
}

/// How the requests of a minute stand, on an answer.
pub(super) fn tell_standing(response: &mut Response<Body>, pass: Option<&Standing>) {
    if let Some(standing) = pass {
        tell(response, standing);
    }
}

fn tell(response: &mut Response<Body>, standing: &Standing) {
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(standing.limit));
    headers.insert(REMAINING, HeaderValue::from(standing.remaining));
    headers.insert(RESET, HeaderValue::from(standing.reset_ms));
}

impl Admitted {
    /// How the requests of a minute stand, for the answer's headers.
    pub(super) fn standing(&self) -> Option<Standing> {
        self.pass.standing(Limit::Requests).cloned()
    }
}

impl From<Error> for Rejected {
    fn from(error: Error) -> Self {
        Self { error, standing: None }
    }
}
