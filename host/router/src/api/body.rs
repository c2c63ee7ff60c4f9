//! A client's body: held whole within bounds, and read.

use crate::buffer::{Bounds, Held, Refused, hold};
use crate::error::{Code, Error};
use crate::{Router, Settings};
use bytes::Bytes;
use hyper::body::Incoming;
use plugway_wire::BadRequest;
use tokio::time::Instant;

/// What a JSON value takes once it is decoded, in bytes: a message with its role and
/// its content takes three times as much.
const VALUE_BYTES: usize = 128;

/// What `decode` makes of a body, which also says how many JSON values that holds.
pub(super) async fn read<T>(
    router: &Router,
    settings: &Settings,
    body: Incoming,
    deadline: Instant,
    decode: impl FnOnce(Bytes) -> Result<(T, usize), BadRequest>,
) -> Result<(T, Held), Error> {
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
    let (call, values) = decode(held.bytes.clone()).map_err(bad_request)?;
    held.grow(&router.buffers, values * VALUE_BYTES).map_err(refuse)?;
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
