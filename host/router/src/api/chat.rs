//! The routes that chat, each in its client's dialect: the body in, the exchange's
//! answer out.

use super::{Body, deadline, respond};
use crate::buffer::{Bounds, Held, Refused, hold};
use crate::error::{Code, Error};
use crate::exchange;
use crate::record::Record;
use crate::{Router, Settings};
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use plugway_wire::{BadRequest, ChatCall, DecodeOptions, Dialect};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// A route that chats.
#[derive(Clone, Copy)]
pub(super) struct Door {
    /// The pattern, for logs and metrics.
    pub(super) route: &'static str,
    /// What is spoken there.
    pub(super) dialect: Dialect,
}

/// The route that chats at this path.
pub(super) fn door(path: &str) -> Option<Door> {
    let (route, dialect) = match path {
        "/v1/chat/completions" => ("/v1/chat/completions", Dialect::OpenAiChat),
        "/v1/responses" => ("/v1/responses", Dialect::OpenAiResponses),
        _ => return None,
    };
    Some(Door { route, dialect })
}

/// What a JSON value takes once it is decoded, in bytes: a message with its role and
/// its content takes three times as much.
const VALUE_BYTES: usize = 128;

/// Lets clients name their session without touching the body.
const SESSION_ID: &str = "x-session-id";

/// `place` is held until the answer has ended.
pub(super) async fn answer(
    router: Arc<Router>,
    settings: Arc<Settings>,
    door: Door,
    request: Request<Incoming>,
    place: OwnedSemaphorePermit,
) -> Response<Body> {
    let Door { route, dialect } = door;
    let mut record = Record::open(router.metrics.clone(), route);
    record.hold(place);
    let (head, body) = request.into_parts();
    let session = head.headers.get(SESSION_ID).and_then(|value| value.to_str().ok());
    let began = Instant::from_std(record.started());
    let time = deadline::of(&head.headers, settings.config.server.request_deadline);
    let failure = match time.map(|time| began + time) {
        Err(error) => error,
        Ok(deadline) => match read(&router, &settings, dialect, (&head, body), deadline).await {
            Err(error) => error,
            Ok((mut call, held)) => {
                if call.session_id.is_none() {
                    call.session_id = session.map(str::to_owned);
                }
                let run =
                    exchange::run(router, settings, dialect, call, held.room, deadline, record);
                return run.await;
            }
        },
    };
    record.failed(&failure);
    record.answered(failure.code.status());
    respond::error_in(dialect, &failure, Some(&record.id))
}

async fn read(
    router: &Router,
    settings: &Settings,
    dialect: Dialect,
    (head, body): (&Parts, Incoming),
    deadline: Instant,
) -> Result<(ChatCall, Held), Error> {
    let server = &settings.config.server;
    let patience = deadline.saturating_duration_since(Instant::now()).min(server.body_timeout);
    let bounds = Bounds {
        limit: server.max_body_bytes,
        room: &router.buffers,
        patience,
        idle: server.body_timeout,
    };
    let refuse = |refused| match refused {
        Refused::TooSlow if Instant::now() >= deadline => Error::out_of_time(),
        refused => explain(&refused, server.max_body_bytes),
    };
    let mut held = hold(body, bounds).await.map_err(refuse)?;
    let options = DecodeOptions { seal_min_bytes: settings.config.routing.seal_min_bytes };
    let call = dialect.decode(head, held.bytes.clone(), &options).map_err(bad_request)?;
    held.grow(&router.buffers, call.values * VALUE_BYTES).map_err(refuse)?;
    Ok((call, held))
}

fn explain(refused: &Refused, limit: usize) -> Error {
    match refused {
        Refused::TooLarge => Error::new(
            Code::PayloadTooLarge,
            format!("The body is larger than the {limit} bytes that server.max_body allows."),
        ),
        Refused::NoRoom => Error::overloaded(
            "The router holds as many request bodies as server.max_buffered allows; try again soon.",
        ),
        Refused::TooSlow => {
            Error::new(Code::RequestTimeout, "The body did not arrive within server.body_timeout.")
        }
        Refused::Broken => Error::new(Code::InvalidRequest, "The body broke off before its end."),
    }
}

fn bad_request(bad: BadRequest) -> Error {
    Error { param: bad.param.map(Into::into), ..Error::new(Code::InvalidRequest, bad.message) }
}
