//! One attempt at one endpoint: encode in the adapter, check, splice, sign, send,
//! and read as far as the first content.

use super::live::{Live, Source};
use super::media::Fill;
use super::transfer::{self, Reply, breach_of_contract, plugin_failed, told};
use super::{Exchange, echo, media, tailor, tuning};
use crate::Router;
use crate::buffer::Held;
use crate::error::Error;
use crate::record::Trace;
use crate::route::Step;
use crate::upstream::{self, Outgoing};
use http::Response;
use http::header::CONTENT_TYPE;
use hyper::body::Incoming;
use plugway_engine::chat::{Event, Failure, Request, Usage};
use plugway_engine::{Attempt, CallError, Framing};
use plugway_wire::ChatCall;
use plugway_wire::framing::Framer;
use plugway_wire::seal::Seals;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// What encoding left behind for decoding.
struct Sent {
    attempt: Attempt,
    framing: Framing,
    memo: String,
    streaming: bool,
}

/// A response, as far as it had to be read.
struct Received {
    ready: Vec<Event>,
    source: Source,
    /// The share of the common bound on buffered bodies that a whole answer takes.
    room: Option<OwnedSemaphorePermit>,
}

/// An attempt that came to nothing, and what the provider says that it consumed
/// all the same.
pub(super) struct Failed {
    pub(super) error: Error,
    pub(super) usage: Option<Usage>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, usage: None }
    }
}

/// Attempts one step, up to its first content.
pub(super) async fn open(exchange: &Exchange, step: &Step, trace: &Trace) -> Result<Live, Failed> {
    let settings = &exchange.settings;
    let bounds = &settings.config.upstream;
    let deadline = exchange.deadline.min(Instant::now() + bounds.total_timeout);
    let encode = |fills: &[Fill]| encode(exchange, step, fills);
    let (sent, outgoing) = transfer::encoded(exchange, step, deadline, encode).await?;
    echo::keep(exchange, step, &outgoing);
    // What was fetched for the request is not the endpoint's time.
    let began = Instant::now();
    let patience = step.first_token_timeout_ms.map(|ms| Duration::from_millis(ms.into()));
    let content_by = began + patience.unwrap_or(bounds.first_token_timeout);
    // A whole answer has no first token to wait for; one that is whole although a
    // stream was asked for is there at once.
    let head_by = if sent.streaming { deadline.min(content_by) } else { deadline };
    let response = transfer::send(exchange, step, outgoing, head_by, trace).await?;
    trace.answered(response.status().as_u16());
    let Received { ready, source, room } = receive(exchange, step, sent, response, head_by).await?;
    let mut live = Live::new(exchange, step, source, began);
    live.room = room;
    match live.reach_content(ready, content_by, trace).await {
        Ok(()) => {
            trace.content();
            Ok(live)
        }
        Err(error) => Err(Failed { error, usage: live.consumed() }),
    }
}

/// Has the adapter write the request. Inner: it refuses.
fn encode(
    exchange: &Exchange,
    step: &Step,
    fills: &[Fill],
) -> Result<Result<(Sent, Outgoing), Failure>, Error> {
    let (router, call) = (&exchange.router, &exchange.call);
    let provider = &step.endpoint.provider;
    let plugin_failed =
        |error: CallError| plugin_failed(router, step.adapter.id(), &provider.name, &error);
    let mut attempt = step.adapter.attempt(exchange.context()).map_err(plugin_failed)?;
    let (request, seals, sealed) = tailored(router, call, step, fills);
    let encoded = attempt.encode(&request, &tailor::facts(step)).map_err(plugin_failed)?;
    let upstream = match encoded {
        Ok(upstream) => upstream,
        Err(failure) => return Ok(Err(failure)),
    };
    let (framing, memo) = (upstream.framing, upstream.memo.clone());
    let outgoing = upstream::prepare(upstream, provider, &seals, sealed).map_err(|breach| {
        breach_of_contract(router, step.adapter.id(), &provider.name, &breach.to_string())
    })?;
    Ok(Ok((Sent { attempt, framing, memo, streaming: request.streaming }, outgoing)))
}

/// The request as the step's adapter is to see it, what stands behind its seals, and
/// whether it holds any.
pub(super) fn tailored(
    router: &Router,
    call: &ChatCall,
    step: &Step,
    fills: &[Fill],
) -> (Request, Seals, bool) {
    let user = call.user.as_deref().map(tailor::pseudonym);
    let (mut request, sealed) = tailor::request(call, step, user);
    let known = &step.adapter.info().supported_parameters;
    tuning::leave_out(&mut request, known, &step.endpoint, &router.metrics);
    let seals = media::fill(&mut request, &call.seals, sealed, fills);
    (request, seals, sealed)
}

/// Reads a response as far as one must before its first event: a stream not at
/// all, everything else whole.
async fn receive(
    exchange: &Exchange,
    step: &Step,
    sent: Sent,
    response: Response<Incoming>,
    deadline: Instant,
) -> Result<Received, Error> {
    let (router, bounds) = (&exchange.router, &exchange.settings.config.upstream);
    let provider = &step.endpoint.provider.name;
    let failed = |error: CallError| plugin_failed(router, step.adapter.id(), provider, &error);
    let (head, headers, body) = match transfer::receive(exchange, step, response, deadline).await? {
        Reply::Good { head, headers, body } => (head, headers, body),
        Reply::Refusal(head, body) => {
            let failure = sent.attempt.explain(head, body).map_err(failed)?;
            return Err(told(router, step.called(), failure));
        }
    };
    if sent.streaming && !is_whole(&headers, sent.framing) {
        let decoder = sent.attempt.decoder(head, &sent.memo).map_err(failed)?;
        let framer = Framer::new(sent.framing, bounds.max_frame_bytes);
        let source = Source::stream(body, framer, decoder);
        return Ok(Received { ready: Vec::new(), source, room: None });
    }
    let limit = bounds.max_response_bytes;
    let Held { bytes, room } = transfer::read(exchange, step, body, limit, deadline).await?;
    let events = sent.attempt.decode(head, bytes.into(), &sent.memo).map_err(failed)?;
    Ok(Received { ready: events, source: Source::Ended, room })
}

/// Whether the answer is whole although a stream was asked for: some providers
/// do that, and say so.
fn is_whole(headers: &http::HeaderMap, framing: Framing) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = kind.split(';').next().unwrap_or(kind).trim();
    framing == Framing::Sse && essence.eq_ignore_ascii_case("application/json")
}
