//! A client's body: held whole within bounds, made plain, and read.

use super::lane::MAX_BODY_BYTES;
use crate::buffer::{Bounds, Held, Refused, hold};
use crate::error::{Code, Error};
use crate::{Router, Settings};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, HeaderValue};
use http::request::Parts;
use hyper::body::Incoming;
use plugway_inflate::{Broken, Coding, Inflating, Step, TAKEN};
use plugway_wire::BadRequest;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// What a JSON value takes once it is decoded, in bytes: a message with its role and
/// its content takes three times as much.
const VALUE_BYTES: usize = 128;

/// What is inflated at once, in bytes, after which others have their turn.
const STEP_BYTES: usize = 64 * 1024;

/// How large a body may be, and by whose word.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    bytes: usize,
    word: &'static str,
    is_administration: bool,
}

impl Limit {
    /// What the operator allows.
    pub(super) fn of(settings: &Settings) -> Self {
        let bytes = settings.config.server.max_body_bytes;
        Self { bytes, word: "server.max_body allows", is_administration: false }
    }

    /// What the administration takes, in room of its own.
    pub(super) fn administration(settings: &Settings) -> Self {
        Self { is_administration: true, ..Self::of(settings).at_most(MAX_BODY_BYTES) }
    }

    /// Less, where a route needs no more.
    pub(super) fn at_most(self, bytes: usize) -> Self {
        match bytes < self.bytes {
            true => Self { bytes, word: "this route reads", ..self },
            false => self,
        }
    }

    /// The room that is left for all such bodies.
    fn room(self, router: &Router) -> &Arc<Semaphore> {
        match self.is_administration {
            true => &router.administration.bodies,
            false => &router.buffers,
        }
    }
}

/// What `decode` makes of a body, which also says how many JSON values that holds.
pub(super) async fn read<T>(
    router: &Router,
    settings: &Settings,
    (head, body): (&Parts, Incoming),
    deadline: Instant,
    decode: impl FnOnce(Bytes) -> Result<(T, usize), BadRequest>,
) -> Result<(T, Held), Error> {
    let limit = Limit::of(settings);
    read_within(router, settings, limit, (head, body), deadline, decode).await
}

/// The same of a body that may be so large.
pub(super) async fn read_within<T>(
    router: &Router,
    settings: &Settings,
    limit: Limit,
    (head, body): (&Parts, Incoming),
    deadline: Instant,
    decode: impl FnOnce(Bytes) -> Result<(T, usize), BadRequest>,
) -> Result<(T, Held), Error> {
    let server = &settings.config.server;
    let coding = coding(&head.headers)?;
    let patience = deadline.saturating_duration_since(Instant::now()).min(server.body_timeout);
    let bounds = Bounds {
        limit: limit.bytes,
        room: limit.room(router),
        patience,
        idle: server.body_timeout,
    };
    let refuse = |refused| match refused {
        Refused::TooSlow if Instant::now() >= deadline => Error::out_of_time(),
        refused => explain(&refused, limit),
    };
    let mut held = hold(body, bounds).await.map_err(refuse)?;
    if let Some(coding) = coding {
        held = inflate(held, coding, router, limit, deadline).await?;
    }
    let (call, values) = decode(held.bytes.clone()).map_err(bad_request)?;
    held.grow(limit.room(router), held.bytes.len(), values * VALUE_BYTES).map_err(refuse)?;
    Ok((call, held))
}

/// How the body is coded; none where it is plain.
fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Error> {
    let named = headers.get_all(CONTENT_ENCODING).iter().map(HeaderValue::to_str);
    let named: Result<Vec<&str>, _> = named.collect();
    let unknown = || {
        let message =
            format!("The body's coding is not understood; send it plain, or in one of: {TAKEN}.");
        Error::new(Code::UnsupportedCoding, message)
    };
    let named = named.map_err(|_| unknown())?;
    let names = named.iter().flat_map(|names| names.split(',')).map(str::trim);
    let mut codings = names.filter(|name| !name.eq_ignore_ascii_case("identity"));
    match (codings.next(), codings.next()) {
        (None, _) => Ok(None),
        (Some(name), None) => Coding::named(name).map(Some).ok_or_else(unknown),
        // What is compressed twice only takes longer.
        (Some(_), Some(_)) => Err(unknown()),
    }
}

/// The plain body. Both take room until it is whole, for both are in memory.
async fn inflate(
    packed: Held,
    coding: Coding,
    router: &Router,
    limit: Limit,
    deadline: Instant,
) -> Result<Held, Error> {
    let broken = |_: Broken| {
        Error::new(
            Code::InvalidRequest,
            "The body is broken, or not in the coding that its `content-encoding` names.",
        )
    };
    let refuse = |refused| explain(&refused, limit);
    let mut inflating = Inflating::new(coding, packed.bytes.clone());
    let mut plain = Held { bytes: Bytes::new(), room: None };
    let mut joined = BytesMut::new();
    let mut step = vec![0; STEP_BYTES];
    loop {
        let count = match inflating.read(&mut step).map_err(broken)? {
            Step::Plain(count) => count,
            Step::Pause => 0,
            Step::End => break,
        };
        let bytes = step.get(..count).unwrap_or_default();
        if bytes.len() > limit.bytes.saturating_sub(joined.len()) {
            return Err(refuse(Refused::TooLarge));
        }
        plain.grow(limit.room(router), joined.len(), bytes.len()).map_err(refuse)?;
        joined.extend_from_slice(bytes);
        // Whether anything came of it or not.
        if Instant::now() >= deadline {
            return Err(Error::out_of_time());
        }
        tokio::task::yield_now().await;
    }
    plain.bytes = joined.freeze();
    Ok(plain)
}

fn explain(refused: &Refused, limit: Limit) -> Error {
    match refused {
        Refused::TooLarge => {
            let Limit { bytes, word, .. } = limit;
            let message = format!("The body is larger than the {bytes} bytes that {word}.");
            Error::new(Code::PayloadTooLarge, message)
        }
        Refused::NoRoom if limit.is_administration => Error::overloaded(
            "The router holds as many requests to its administration as it takes at once; try \
             again soon.",
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

/// As a client is told that it cannot be understood.
pub(crate) fn bad_request(bad: BadRequest) -> Error {
    Error { param: bad.param.map(Into::into), ..Error::new(Code::InvalidRequest, bad.message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(values: &[&'static str]) -> Result<Option<Coding>, Code> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
        }
        coding(&headers).map_err(|error| error.code)
    }

    #[test]
    fn one_coding_is_taken_and_more_are_not() {
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&["identity"], Ok(None)),
            (&["gzip"], Ok(Some(Coding::Gzip))),
            (&["identity, BR"], Ok(Some(Coding::Brotli))),
            (&["identity", "zstd"], Ok(Some(Coding::Zstd))),
            (&[""], Err(Code::UnsupportedCoding)),
            (&["deflate"], Err(Code::UnsupportedCoding)),
            (&["gzip, gzip"], Err(Code::UnsupportedCoding)),
            (&["gzip", "br"], Err(Code::UnsupportedCoding)),
        ] {
            assert_eq!(coded(values), expected, "{values:?}");
        }
    }
}
