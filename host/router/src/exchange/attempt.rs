//! One attempt at one endpoint: encode in the adapter, check, splice, sign, send,
//! frame, decode; as far as the first content, and from there event by event.

use super::{Exchange, out_of_time, tailor};
use crate::Router;
use crate::buffer::{Bounds, Held, Refused, hold};
use crate::catalog::Endpoint;
use crate::error::{Code, Error};
use crate::route::{InFlight, Step};
use crate::telemetry::PluginLabels;
use crate::upstream::{self, Outgoing};
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use plugway_engine::chat::{Event, Failure, FinishReason};
use plugway_engine::{Attempt, CallContext, CallError, Decoder, Frame, Framing, ResponseHead};
use plugway_wire::answer;
use plugway_wire::framing::Framer;
use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};
use tokio::time::{Instant, timeout_at};

/// The largest error body that an adapter is shown.
const MAX_ERROR_BYTES: usize = 256 * 1024;

/// An attempt that has yielded content and may yield more.
pub(super) struct Live {
    router: Arc<Router>,
    endpoint: Arc<Endpoint>,
    plugin: String,
    began: Clock,
    deadline: Instant,
    /// Counts the attempt among the endpoint's open ones.
    pub(super) in_flight: Option<InFlight>,
    /// Read already, and still to be handed on.
    ready: Vec<Event>,
    source: Source,
}

/// Where further events come from.
enum Source {
    Stream(Box<Stream>),
    Ended,
    /// Ended by a failure that is told after what was ready.
    Failed(Box<Error>),
}

struct Stream {
    body: Incoming,
    framer: Framer,
    frames: Vec<Frame>,
    decoder: Decoder,
}

/// What encoding left behind for decoding.
struct Sent {
    attempt: Attempt,
    framing: Framing,
    memo: String,
    streaming: bool,
}

/// Attempts one step, up to its first content.
pub(super) async fn open(exchange: &Exchange, step: &Step) -> Result<Live, Error> {
    let router = &exchange.router;
    let began = Instant::now();
    let deadline = exchange.deadline.min(began + router.config.upstream.total_timeout);
    let (sent, outgoing) = encode(exchange, step)?;
    let response = send(router, &step.endpoint, outgoing, deadline).await?;
    let (ready, source) = receive(router, step, sent, response, deadline).await?;
    let mut live = Live {
        router: router.clone(),
        endpoint: step.endpoint.clone(),
        plugin: step.adapter.id().to_owned(),
        began: began.into_std(),
        deadline,
        in_flight: None,
        ready: Vec::new(),
        source,
    };
    live.accept(ready)?;
    let patience = step.first_token_timeout_ms.map(|ms| Duration::from_millis(ms.into()));
    let patience = patience.unwrap_or(router.config.upstream.first_token_timeout);
    live.reach_content(began + patience).await?;
    Ok(live)
}

fn encode(exchange: &Exchange, step: &Step) -> Result<(Sent, Outgoing), Error> {
    let (router, call, decision) = (&exchange.router, &exchange.call, &exchange.decision);
    let provider = &step.endpoint.provider;
    let plugin_failed =
        |error: CallError| plugin_failed(router, step.adapter.id(), &provider.name, &error);
    let context = CallContext { seed: decision.seed, now_ms: decision.now_ms };
    let mut attempt = step.adapter.attempt(context).map_err(plugin_failed)?;
    let user = call.user.as_deref().map(tailor::pseudonym);
    let (request, sealed) = tailor::request(call, step, user);
    let upstream = attempt
        .encode(&request, &tailor::facts(step))
        .map_err(plugin_failed)?
        .map_err(|failure| Error::from_failure(failure, &provider.name))?;
    let (framing, memo) = (upstream.framing, upstream.memo.clone());
    let mut outgoing =
        upstream::prepare(upstream, provider, &call.seals, sealed).map_err(|breach| {
            breach_of_contract(router, step.adapter.id(), &provider.name, &breach.to_string())
        })?;
    if !router.credentials.attach(provider, &mut outgoing) {
        let message =
            format!("The credential for the provider `{}` is missing or unusable.", provider.name);
        return Err(Error::upstream(Code::ProviderAuthentication, &provider.name, message));
    }
    Ok((Sent { attempt, framing, memo, streaming: request.streaming }, outgoing))
}

async fn send(
    router: &Router,
    endpoint: &Endpoint,
    outgoing: Outgoing,
    deadline: Instant,
) -> Result<Response<Incoming>, Error> {
    let name = &endpoint.provider.name;
    let wait = deadline.min(Instant::now() + router.config.upstream.head_timeout);
    match timeout_at(wait, router.upstream.send(outgoing)).await {
        Err(_) => {
            let message = format!("The provider `{name}` sent no response head in time.");
            Err(Error::upstream(Code::ProviderTimeout, name, message))
        }
        Ok(Err(error)) => {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(provider = name, %error, cause, "request failed");
            let what =
                if error.is_connect() { "could not be reached" } else { "broke the connection" };
            let message = format!("The provider `{name}` {what}.");
            Err(Error::upstream(Code::ProviderUnavailable, name, message))
        }
        Ok(Ok(response)) => Ok(response),
    }
}

/// Reads a response as far as one must before its first event: a stream not at
/// all, everything else whole.
async fn receive(
    router: &Router,
    step: &Step,
    sent: Sent,
    response: Response<Incoming>,
    deadline: Instant,
) -> Result<(Vec<Event>, Source), Error> {
    let provider = &step.endpoint.provider.name;
    let failed = |error: CallError| plugin_failed(router, step.adapter.id(), provider, &error);
    let (parts, body) = response.into_parts();
    let head = ResponseHead { status: parts.status.as_u16(), headers: shown(&parts.headers) };
    if parts.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        let message =
            format!("The provider `{provider}` sent a compressed answer that nobody asked for.");
        return Err(Error::upstream(Code::ProviderUnavailable, provider, message));
    }
    if !parts.status.is_success() {
        let body = read(router, provider, body, MAX_ERROR_BYTES, deadline).await?.bytes;
        let failure = sent.attempt.explain(head, body.into()).map_err(failed)?;
        return Err(Error::from_failure(failure, provider));
    }
    if sent.streaming && is_stream(&parts.headers) {
        let decoder = sent.attempt.decoder(head, &sent.memo).map_err(failed)?;
        let framer = Framer::new(sent.framing, router.config.upstream.max_frame_bytes);
        let stream = Stream { body, framer, frames: Vec::new(), decoder };
        return Ok((Vec::new(), Source::Stream(Box::new(stream))));
    }
    let limit = router.config.upstream.max_response_bytes;
    let Held { bytes, room } = read(router, provider, body, limit, deadline).await?;
    let events = sent.attempt.decode(head, bytes.into(), &sent.memo).map_err(failed)?;
    drop(room);
    Ok((events, Source::Ended))
}

async fn read(
    router: &Router,
    provider: &str,
    body: Incoming,
    limit: usize,
    deadline: Instant,
) -> Result<Held, Error> {
    let bounds = Bounds {
        limit,
        room: &router.buffers,
        patience: deadline.saturating_duration_since(Instant::now()),
        idle: router.config.upstream.idle_timeout,
    };
    hold(body, bounds).await.map_err(|refused| {
        let (code, what) = match refused {
            Refused::TooLarge => {
                (Code::ProviderUnavailable, "sent more than upstream.max_response allows")
            }
            Refused::NoRoom => {
                (Code::Overloaded, "answered, but server.max_buffered leaves no room for it")
            }
            Refused::TooSlow => (Code::ProviderTimeout, "did not finish its answer in time"),
            Refused::Broken => {
                (Code::ProviderUnavailable, "broke the connection within its answer")
            }
        };
        Error::upstream(code, provider, format!("The provider `{provider}` {what}."))
    })
}

impl Live {
    /// Where the answer comes from.
    pub(super) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// When the attempt began.
    pub(super) fn began(&self) -> Clock {
        self.began
    }

    /// The next events, as soon as there are any; none after the last. Dropping
    /// the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Event>>, Error> {
        loop {
            if !self.ready.is_empty() {
                return Ok(Some(std::mem::take(&mut self.ready)));
            }
            match std::mem::replace(&mut self.source, Source::Ended) {
                Source::Ended => return Ok(None),
                Source::Failed(error) => return Err(*error),
                stream @ Source::Stream(_) => self.source = stream,
            }
            if let Err(error) = self.advance().await {
                self.source = Source::Failed(Box::new(error));
            }
        }
    }

    /// Reads on until there is content to commit to, keeping what comes before.
    async fn reach_content(&mut self, until: Instant) -> Result<(), Error> {
        while !self.ready.iter().any(answer::commits) {
            match &self.source {
                Source::Stream(_) => {}
                Source::Failed(error) => return Err((**error).clone()),
                Source::Ended if self.is_answer() => return Ok(()),
                Source::Ended => {
                    return Err(self.unavailable("sent an answer with nothing in it"));
                }
            }
            match timeout_at(until, self.advance()).await {
                Ok(advanced) => advanced?,
                Err(_) => {
                    let name = &self.endpoint.provider.name;
                    let message = format!("The provider `{name}` sent no content in time.");
                    return Err(Error::upstream(Code::ProviderTimeout, name, message));
                }
            }
        }
        Ok(())
    }

    /// Whether what ended without content is an answer all the same: something
    /// was generated, or the end says more than that it is one.
    fn is_answer(&self) -> bool {
        self.ready.iter().any(|event| match event {
            Event::Usage(usage) => usage.completion_tokens > 0,
            Event::Finish(finish) => {
                !matches!(finish.reason, FinishReason::Stop | FinishReason::Error)
            }
            _ => false,
        })
    }

    /// Reads one chunk of the stream and decodes what it completes. Cancel-safe:
    /// it waits for the chunk only.
    async fn advance(&mut self) -> Result<(), Error> {
        let Source::Stream(stream) = &mut self.source else { return Ok(()) };
        let idle = self.router.config.upstream.idle_timeout;
        let wait = self.deadline.min(Instant::now() + idle);
        let frame = match timeout_at(wait, stream.body.frame()).await {
            Ok(frame) => frame,
            Err(_) if wait == self.deadline => return Err(out_of_time()),
            Err(_) => {
                let name = &self.endpoint.provider.name;
                let message = format!("The provider `{name}` fell silent within its answer.");
                return Err(Error::upstream(Code::ProviderTimeout, name, message));
            }
        };
        match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(chunk) => self.decode(Some(&chunk)),
                Err(_trailers) => Ok(()),
            },
            Some(Err(error)) => {
                tracing::warn!(provider = self.endpoint.provider.name, %error, "stream broke");
                Err(self.unavailable("broke the connection within its answer"))
            }
            None => self.decode(None),
        }
    }

    /// Frames a chunk, or the stream's end, and has the adapter read it.
    fn decode(&mut self, chunk: Option<&[u8]>) -> Result<(), Error> {
        let Source::Stream(stream) = &mut self.source else { return Ok(()) };
        let framed = match chunk {
            Some(chunk) => stream.framer.push(chunk, &mut stream.frames),
            None => stream.framer.end(&mut stream.frames),
        };
        let frames = std::mem::take(&mut stream.frames);
        let mut events = Vec::new();
        let mut decoded = Ok(());
        if !frames.is_empty() {
            decoded = stream.decoder.push(frames).map(|more| events = more);
        }
        if chunk.is_none() && decoded.is_ok() && !ends(&events) {
            decoded = stream.decoder.end().map(|more| events.extend(more));
        }
        if chunk.is_none() {
            self.source = Source::Ended;
        }
        decoded.map_err(|error| {
            plugin_failed(&self.router, &self.plugin, &self.endpoint.provider.name, &error)
        })?;
        self.accept(events)?;
        framed.map_err(|error| {
            self.unavailable(&format!("sent a stream that cannot be read ({error})"))
        })
    }

    /// Takes events over, up to and without a failure, which ends the answer.
    fn accept(&mut self, events: Vec<Event>) -> Result<(), Error> {
        for event in events {
            if let Event::Failed(failure) = event {
                self.fail(failure);
                return Ok(());
            }
            answer::check(&event).map_err(|malformed| {
                let provider = &self.endpoint.provider.name;
                breach_of_contract(&self.router, &self.plugin, provider, &malformed.to_string())
            })?;
            self.ready.push(event);
        }
        Ok(())
    }

    fn fail(&mut self, failure: Failure) {
        let error = Error::from_failure(failure, &self.endpoint.provider.name);
        self.source = Source::Failed(Box::new(error));
    }

    fn unavailable(&self, what: &str) -> Error {
        let name = &self.endpoint.provider.name;
        Error::upstream(Code::ProviderUnavailable, name, format!("The provider `{name}` {what}."))
    }
}

fn ends(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::Failed(_)))
}

/// Whether the body is a stream at all: asked for one, some providers still
/// answer whole, and say so.
fn is_stream(headers: &http::HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    !kind.trim_start().to_ascii_lowercase().starts_with("application/json")
}

/// A provider's headers as adapters see them: lower-case names, text values.
fn shown(headers: &http::HeaderMap) -> Vec<(String, String)> {
    let text = headers.iter().filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
    text.map(|(name, value)| (name.as_str().to_owned(), value.to_owned())).collect()
}

/// A plugin trapped, or went over a limit: named in full in the log, and by
/// plugin and limit for the client.
fn plugin_failed(router: &Router, plugin: &str, provider: &str, error: &CallError) -> Error {
    router.metrics.plugin_failures.get_or_create(&PluginLabels { plugin: plugin.to_owned() }).inc();
    tracing::error!(%error, backtrace = error.backtrace(), "plugin failed");
    Error::upstream(Code::PluginFailed, provider, error.to_string())
}

/// A plugin answered, but not what its contract allows.
fn breach_of_contract(router: &Router, plugin: &str, provider: &str, breach: &str) -> Error {
    router.metrics.plugin_failures.get_or_create(&PluginLabels { plugin: plugin.to_owned() }).inc();
    tracing::error!(plugin, breach, "plugin broke its contract");
    let message = format!("The adapter `{plugin}` broke its contract: {breach}.");
    Error::upstream(Code::PluginFailed, provider, message)
}
