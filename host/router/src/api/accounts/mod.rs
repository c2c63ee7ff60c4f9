//! Keys, workspaces and their budgets, and clients' own provider keys: OpenRouter's
//! routes and shapes, with what this router adds. For holders of a management key; before
//! any key was made, for the router's own machine.

pub(super) mod budgets;
pub(super) mod byok;
pub(super) mod credits;
pub(super) mod current;
pub(super) mod given;
pub(super) mod keys;
pub(super) mod named;
mod route;
mod shape;
pub(crate) mod typed;
pub(super) mod workspaces;

pub(super) use route::AccountRoute;

use super::{Body, permit, respond};
use crate::error::{Code, Error};
use crate::{Router, Settings};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use plugway_store::Change;
use plugway_wire::Dialect;
use route::At;
use serde::Serialize;
use std::net::SocketAddr;

/// What is told of a success.
struct Answer {
    status: StatusCode,
    body: String,
}

/// Answers a request at one of these routes.
pub(super) async fn answer(
    router: &Router,
    settings: &Settings,
    route: &AccountRoute,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Response<Body> {
    let method = match *request.method() {
        Method::HEAD => Method::GET,
        ref method => method.clone(),
    };
    if !route.takes(&method) {
        return respond::method_not_allowed(Dialect::OpenAiChat, route.methods());
    }
    // Whoever holds a key may look at it.
    let is_permitted = match route.at {
        At::Current => Ok(()),
        _ => permit::manager(router, settings, &request, peer),
    };
    let answered = match is_permitted {
        Ok(()) => dispatch(router, settings, route, &method, request).await,
        Err(error) => Err(error),
    };
    match answered {
        Ok(Answer { status, body }) => respond::json_text(status, body),
        Err(error) => respond::error(&error, None),
    }
}

async fn dispatch(
    router: &Router,
    settings: &Settings,
    route: &AccountRoute,
    method: &Method,
    request: Request<Incoming>,
) -> Result<Answer, Error> {
    let is = |wanted: Method| *method == wanted;
    let uri = request.uri().clone();
    let query = uri.query();
    match (route.at, &route.parts[..]) {
        (At::Current, _) => current::show(router, request.headers(), &uri),
        (At::Credits, _) => credits::show(router).await,
        (At::Keys, _) if is(Method::POST) => keys::create(router, settings, request).await,
        (At::Keys, _) => keys::list(router, query),
        (At::Key, [hash]) if is(Method::PATCH) => {
            keys::change(router, settings, hash, request).await
        }
        (At::Key, [hash]) if is(Method::DELETE) => keys::delete(router, hash).await,
        (At::Key, [hash]) => keys::one(router, hash),
        (At::Workspaces, _) if is(Method::POST) => {
            workspaces::create(router, settings, request).await
        }
        (At::Workspaces, _) => workspaces::list(router, query),
        (At::Workspace, [id]) if is(Method::PATCH) => {
            workspaces::change(router, settings, id, request).await
        }
        (At::Workspace, [id]) if is(Method::DELETE) => workspaces::delete(router, id).await,
        (At::Workspace, [id]) => workspaces::one(router, id),
        (At::Budgets, [id]) => budgets::list(router, id),
        (At::Budget, [id, interval]) if is(Method::PUT) => {
            budgets::set(router, settings, (id, interval), request).await
        }
        (At::Budget, [id, interval]) if is(Method::DELETE) => {
            budgets::delete(router, (id, interval)).await
        }
        (At::Budget, [id, interval]) => budgets::one(router, (id, interval)),
        (At::Byoks, _) if is(Method::POST) => byok::create(router, settings, request).await,
        (At::Byoks, _) => byok::list(router, query),
        (At::Byok, [id]) if is(Method::PATCH) => byok::change(router, settings, id, request).await,
        (At::Byok, [id]) if is(Method::DELETE) => byok::delete(router, id).await,
        (At::Byok, [id]) => byok::one(router, id),
        _ => Err(Error::new(Code::NotFound, super::NO_ROUTE)),
    }
}

impl Answer {
    fn ok(body: &impl Serialize) -> Result<Self, Error> {
        Self::of(StatusCode::OK, body)
    }

    fn created(body: &impl Serialize) -> Result<Self, Error> {
        Self::of(StatusCode::CREATED, body)
    }

    fn of(status: StatusCode, body: &impl Serialize) -> Result<Self, Error> {
        let written = serde_json::to_string(body);
        let body = written.map_err(|error| {
            tracing::error!(%error, "an answer cannot be written");
            Error::new(Code::Internal, "The answer could not be written; see the log.")
        })?;
        Ok(Self { status, body })
    }
}

/// What the store says when it cannot do what it is asked for.
fn failed(error: plugway_store::Error) -> Error {
    tracing::error!(%error, "accounts cannot be kept");
    if error.is_passing() {
        return Error::overloaded(
            "The router's state database does not answer for now; look whether it was done, and \
             try again.",
        );
    }
    Error::new(Code::Internal, "The router's state database failed; its log says how.")
}

/// Reads what was just changed. Where that fails it was changed all the same, and is read with
/// the next look: what was made, a key that is shown once above all, is told from its row.
async fn refreshed(router: &Router) {
    if let Err(error) = router.accounts.refresh().await {
        tracing::error!(%error, "a change is kept, and not read yet");
    }
}

/// Another version of the router has said what nobody here can read, and so nobody changes.
fn unreadable(what: &str) -> Error {
    let message = format!(
        "Another version of the router has written what is said of this {what}; change it there, \
         or delete it."
    );
    Error::new(Code::Conflict, message)
}

/// Whether the store has done it.
fn done(change: Change, what: &str) -> Result<(), Error> {
    match change {
        Change::Done => Ok(()),
        Change::Full => {
            let message = format!("There is no room for more {what}; delete some.");
            Err(Error::new(Code::Conflict, message))
        }
        Change::Taken | Change::Missing | Change::InUse => {
            let message = "It was changed by somebody else meanwhile; look, and try again.";
            Err(Error::new(Code::Conflict, message))
        }
    }
}

/// An id that nobody guesses, in the form of a UUID of version 4.
fn random_id() -> String {
    const VERSION: u128 = 0x4 << 76;
    const VARIANT: u128 = 0x8 << 60;
    let bits: u128 = rand::random();
    let bits = bits & !(0xf << 76) & !(0xc << 60) | VERSION | VARIANT;
    let digits = format!("{bits:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_told_as_such_and_what_will_not_is_not() {
        let late = failed(plugway_store::Error::Late(std::time::Duration::from_secs(1)));
        assert_eq!(late.code, Code::Overloaded);
        assert!(late.retry_after.is_some());
        let broken = failed(plugway_store::Error::Value { column: "name" });
        assert_eq!((broken.code, broken.retry_after), (Code::Internal, None));
    }

    #[test]
    fn ids_have_the_form_of_uuids() {
        for _ in 0..100 {
            let id = random_id();
            assert_eq!(id.len(), 36, "{id}");
            assert_eq!(id.as_bytes()[14], b'4', "{id}");
            assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
        }
        assert_ne!(random_id(), random_id());
    }
}
