//! One attempt at one endpoint: encode in the adapter, check, splice, sign, send,
//! and read as far as the first content.

use super::live::{Live, Source};
use super::media::Fill;
use super::{Exchange, media, tailor, tuning};
use crate::buffer::{Bounds, Held, Refused, hold};
use crate::catalog::{Endpoint, Provider};
use crate::error::{Code, Error};
use crate::route::Step;
use crate::telemetry::PluginLabels;
use crate::upstream::{self, Outgoing, TokenEndpoint};
use crate::{Router, Settings};
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::body::Incoming;
use plugway_engine::chat::{Event, Failure, Usage};
use plugway_engine::{Attempt, CallContext, CallError, CallErrorKind, Framing, ResponseHead};
use plugway_wire::framing::Framer;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

/// The largest error body that an adapter is shown.
const MAX_ERROR_BYTES: usize = 256 * 1024;

/// The status of an answer to a credential that is not accepted.
const UNAUTHORIZED: u16 = 401;

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
pub(super) async fn open(exchange: &Exchange, step: &Step) -> Result<Live, Failed> {
    let settings = &exchange.settings;
    let bounds = &settings.config.upstream;
    let deadline = exchange.deadline.min(Instant::now() + bounds.total_timeout);
    let provider = &step.endpoint.provider;
    let mut fills = Vec::new();
    let (sent, mut outgoing) = loop {
        let failure = match encode(exchange, step, &fills)? {
            Ok(encoded) => break encoded,
            Err(failure) => failure,
        };
        let fill = match media::wanted(&failure) {
            Some(url) => media::fetch(exchange, &provider.name, url, &fills, deadline).await?,
            None => None,
        };
        match fill {
            Some(fill) => fills.push(fill),
            None => return Err(told(&exchange.router, provider, failure).into()),
        }
    };
    // What was fetched for the request is not the endpoint's time.
    let began = Instant::now();
    let patience = step.first_token_timeout_ms.map(|ms| Duration::from_millis(ms.into()));
    let content_by = began + patience.unwrap_or(bounds.first_token_timeout);
    // A whole answer has no first token to wait for; one that is whole although a
    // stream was asked for is there at once.
    let head_by = if sent.streaming { deadline.min(content_by) } else { deadline };
    let endpoint = TokenEndpoint { client: &settings.upstream, bounds, until: head_by };
    let credentials = &exchange.router.credentials;
    let attached = credentials.attach(provider, &mut outgoing, endpoint).await;
    attached.map_err(|error| error.told())?;
    let response = send(settings, &step.endpoint, outgoing, head_by).await?;
    let Received { ready, source, room } = receive(exchange, step, sent, response, head_by).await?;
    let mut live = Live::new(exchange, step, source, began);
    live.room = room;
    match live.reach_content(ready, content_by).await {
        Ok(()) => Ok(live),
        Err(error) => Err(Failed { error, usage: live.consumed() }),
    }
}

/// Has the adapter write the request. Inner: it refuses.
fn encode(
    exchange: &Exchange,
    step: &Step,
    fills: &[Fill],
) -> Result<Result<(Sent, Outgoing), Failure>, Error> {
    let (router, call, decision) = (&exchange.router, &exchange.call, &exchange.decision);
    let provider = &step.endpoint.provider;
    let plugin_failed =
        |error: CallError| plugin_failed(router, step.adapter.id(), &provider.name, &error);
    let context = CallContext { seed: decision.seed, now_ms: decision.now_ms };
    let mut attempt = step.adapter.attempt(context).map_err(plugin_failed)?;
    let user = call.user.as_deref().map(tailor::pseudonym);
    let (mut request, sealed) = tailor::request(call, step, user);
    let known = &step.adapter.info().supported_parameters;
    tuning::leave_out(&mut request, known, &step.endpoint, &router.metrics);
    let seals = media::fill(&mut request, &call.seals, sealed, fills);
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

async fn send(
    settings: &Settings,
    endpoint: &Endpoint,
    outgoing: Outgoing,
    deadline: Instant,
) -> Result<Response<Incoming>, Error> {
    let name = &endpoint.provider.name;
    let wait = deadline.min(Instant::now() + settings.config.upstream.head_timeout);
    match timeout_at(wait, settings.upstream.send(outgoing)).await {
        Err(_) => {
            let message = format!("The provider `{name}` sent no response head in time.");
            Err(Error::upstream(Code::ProviderTimeout, name, message))
        }
        Ok(Err(error)) => Err(upstream::unsent(name, &error)),
        Ok(Ok(response)) => Ok(response),
    }
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
    let (parts, body) = response.into_parts();
    let origin = &step.endpoint.provider;
    // Some providers quote the key that they were called with.
    let masked = |(name, value)| (name, router.credentials.masked(origin, value));
    let headers = shown(&parts.headers).into_iter().map(masked).collect();
    let head = ResponseHead { status: parts.status.as_u16(), headers };
    let is_encoded = is_encoded(&parts.headers);
    if !parts.status.is_success() {
        // Whatever keeps the body from being read, the status still says enough.
        let deadline = deadline.min(Instant::now() + bounds.error_body_timeout);
        let body = match is_encoded {
            true => None,
            false => read(exchange, provider, body, MAX_ERROR_BYTES, deadline).await.ok(),
        };
        let mut body = body.map_or_else(Vec::new, |held| held.bytes.into());
        router.credentials.mask(origin, &mut body);
        // Not before: what was refused is still to be masked.
        if parts.status.as_u16() == UNAUTHORIZED {
            router.credentials.refused(origin);
        }
        let failure = sent.attempt.explain(head, body).map_err(failed)?;
        return Err(told(router, origin, failure));
    }
    if is_encoded {
        let message =
            format!("The provider `{provider}` sent a compressed answer that nobody asked for.");
        return Err(Error::upstream(Code::ProviderUnavailable, provider, message));
    }
    if sent.streaming && !is_whole(&parts.headers, sent.framing) {
        let decoder = sent.attempt.decoder(head, &sent.memo).map_err(failed)?;
        let framer = Framer::new(sent.framing, bounds.max_frame_bytes);
        let source = Source::stream(body, framer, decoder);
        return Ok(Received { ready: Vec::new(), source, room: None });
    }
    let limit = bounds.max_response_bytes;
    let Held { bytes, room } = read(exchange, provider, body, limit, deadline).await?;
    let mut body: Vec<u8> = bytes.into();
    router.credentials.mask(origin, &mut body);
    let events = sent.attempt.decode(head, body, &sent.memo).map_err(failed)?;
    Ok(Received { ready: events, source: Source::Ended, room })
}

async fn read(
    exchange: &Exchange,
    provider: &str,
    body: Incoming,
    limit: usize,
    deadline: Instant,
) -> Result<Held, Error> {
    let bounds = Bounds {
        limit,
        room: &exchange.router.buffers,
        patience: deadline.saturating_duration_since(Instant::now()),
        idle: exchange.settings.config.upstream.idle_timeout,
    };
    hold(body, bounds).await.map_err(|refused| {
        let (code, what) = match refused {
            Refused::TooLarge => {
                (Code::ProviderUnavailable, "sent more than upstream.max_response allows")
            }
            Refused::NoRoom => {
                return Error::overloaded(
                    "The router holds as many bodies as server.max_buffered allows; try again soon.",
                );
            }
            Refused::TooSlow => (Code::ProviderTimeout, "did not finish its answer in time"),
            Refused::Broken => {
                (Code::ProviderUnavailable, "broke the connection within its answer")
            }
        };
        Error::upstream(code, provider, format!("The provider `{provider}` {what}."))
    })
}

/// Whether the answer is whole although a stream was asked for: some providers
/// do that, and say so.
fn is_whole(headers: &http::HeaderMap, framing: Framing) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = kind.split(';').next().unwrap_or(kind).trim();
    framing == Framing::Sse && essence.eq_ignore_ascii_case("application/json")
}

fn is_encoded(headers: &http::HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// A provider's headers as adapters see them: lower-case names, text values.
fn shown(headers: &http::HeaderMap) -> Vec<(String, String)> {
    let text = headers.iter().filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
    text.map(|(name, value)| (name.as_str().to_owned(), value.to_owned())).collect()
}

/// What an adapter says of its provider, without the credential that a provider may
/// quote.
pub(crate) fn told(router: &Router, provider: &Provider, failure: Failure) -> Error {
    let masked = |text| router.credentials.masked(provider, text);
    let failure = Failure {
        message: masked(failure.message),
        param: failure.param.map(masked),
        code: failure.code.map(masked),
        ..failure
    };
    Error::from_failure(failure, &provider.name)
}

/// A plugin trapped, or went over a limit: named in full in the log, and by
/// plugin and limit for the client.
pub(crate) fn plugin_failed(
    router: &Router,
    plugin: &str,
    provider: &str,
    error: &CallError,
) -> Error {
    if error.cause == CallErrorKind::NoCapacity {
        return Error::no_instance();
    }
    router.metrics.plugin_failures.get_or_create(&PluginLabels { plugin: plugin.to_owned() }).inc();
    tracing::error!(%error, backtrace = error.backtrace(), "plugin failed");
    Error::upstream(Code::PluginFailed, provider, error.to_string())
}

/// A plugin answered, but not what its contract allows.
pub(crate) fn breach_of_contract(
    router: &Router,
    plugin: &str,
    provider: &str,
    breach: &str,
) -> Error {
    router.metrics.plugin_failures.get_or_create(&PluginLabels { plugin: plugin.to_owned() }).inc();
    tracing::error!(plugin, breach, "plugin broke its contract");
    let message = format!("The adapter `{plugin}` broke its contract: {breach}.");
    Error::upstream(Code::PluginFailed, provider, message)
}
