//! `POST /v1/chat/completions`: the body in, the exchange's answer out.

use super::{Body, respond};
use crate::buffer::{Bounds, Held, Refused, hold};
use crate::error::{Code, Error};
use crate::exchange;
use crate::record::Record;
use crate::{Router, Settings};
use http::{Request, Response};
use hyper::body::Incoming;
use plugway_wire::BadRequest;
use plugway_wire::openai_chat::{self, ChatCall, DecodeOptions};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

pub(super) const ROUTE: &str = "/v1/chat/completions";

/// Lets clients name their session without touching the body.
const SESSION_ID: &str = "x-session-id";

/// `place` is held until the answer has ended.
pub(super) async fn completions(
    router: Arc<Router>,
    settings: Arc<Settings>,
    request: Request<Incoming>,
    place: OwnedSemaphorePermit,
) -> Response<Body> {
    let mut record = Record::open(router.metrics.clone(), ROUTE);
    record.hold(place);
    let (head, body) = request.into_parts();
    let session = head.headers.get(SESSION_ID).and_then(|value| value.to_str().ok());
    match read(&router, &settings, body).await {
        Ok((mut call, held)) => {
            if call.session_id.is_none() {
                call.session_id = session.map(str::to_owned);
            }
            exchange::run(router, settings, call, held.room, record).await
        }
        Err(error) => {
            record.failed(&error);
            record.answered(error.code.status());
            respond::error(&error, Some(&record.id))
        }
    }
}

async fn read(
    router: &Router,
    settings: &Settings,
    body: Incoming,
) -> Result<(ChatCall, Held), Error> {
    let server = &settings.config.server;
    let bounds = Bounds {
        limit: server.max_body_bytes,
        room: &router.buffers,
        patience: server.body_timeout,
        idle: server.body_timeout,
    };
    let held =
        hold(body, bounds).await.map_err(|refused| explain(&refused, server.max_body_bytes))?;
    let options = DecodeOptions { seal_min_bytes: settings.config.routing.seal_min_bytes };
    let call = openai_chat::decode(held.bytes.clone(), &options).map_err(bad_request)?;
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
