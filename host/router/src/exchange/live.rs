//! An attempt that has begun to answer: from here on event by event.

use super::Exchange;
use super::transfer::{breach_of_contract, plugin_failed, told};
use crate::catalog::{Credential, Endpoint};
use crate::error::{Code, Error};
use crate::record::Trace;
use crate::route::{InFlight, Step};
use crate::{Router, Settings};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use plugway_accounts::Pass;
use plugway_engine::chat::{Event, Failure, FinishReason, Usage};
use plugway_engine::{Decoder, Frame};
use plugway_wire::answer::{self, Order, Tally};
use plugway_wire::framing::Framer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

/// Events without content that are kept until there is some.
const MAX_HELD_EVENTS: usize = 1024;

/// How long the rest of an answer may take that is complete: usage and the end mark
/// follow at once where they follow at all, and the client waits for them.
const TRAILING_PATIENCE: Duration = Duration::from_secs(5);

/// An attempt that has yielded content and may yield more.
pub(super) struct Live {
    router: Arc<Router>,
    settings: Arc<Settings>,
    endpoint: Arc<Endpoint>,
    credential: Option<Arc<Credential>>,
    plugin: String,
    began: Instant,
    /// Of the request.
    deadline: Instant,
    /// Of this attempt.
    total: Instant,
    /// Counts the attempt among the endpoint's open ones.
    pub(super) in_flight: Option<InFlight>,
    /// Its place under the endpoint's limits.
    pub(super) place: Option<Pass>,
    /// The attempt's number in the record.
    pub(super) number: usize,
    /// The share of the common bound on buffered bodies that a whole answer takes.
    pub(super) room: Option<OwnedSemaphorePermit>,
    /// Read already, and still to be handed on.
    ready: Vec<Event>,
    source: Source,
    order: Order,
    /// Bytes of the body so far.
    read_bytes: usize,
    /// When to stop reading, once the answer is complete.
    trailing_until: Option<Instant>,
    is_streamed: bool,
    /// The provider stopped within its answer, and did not say why.
    is_cut: bool,
}

/// Where further events come from.
pub(super) enum Source {
    Stream(Box<Stream>),
    Ended,
    /// Ended by a failure that is told after what was ready.
    Failed(Box<Error>),
}

/// A streamed response, half read.
pub(super) struct Stream {
    body: Incoming,
    framer: Framer,
    frames: Vec<Frame>,
    decoder: Decoder,
    /// Until when the provider may stay silent; none while nobody waits for it.
    silent_until: Option<Instant>,
}

impl Source {
    /// Events come from a body, framed and decoded.
    pub(super) fn stream(body: Incoming, framer: Framer, decoder: Decoder) -> Self {
        let frames = Vec::new();
        Self::Stream(Box::new(Stream { body, framer, frames, decoder, silent_until: None }))
    }
}

impl Live {
    /// An attempt whose response has begun.
    pub(super) fn new(exchange: &Exchange, step: &Step, source: Source, began: Instant) -> Self {
        Self {
            router: exchange.router.clone(),
            settings: exchange.settings.clone(),
            endpoint: step.endpoint.clone(),
            credential: step.credential.clone(),
            plugin: step.adapter.id().to_owned(),
            began,
            deadline: exchange.deadline,
            total: began + exchange.settings.config.upstream.total_timeout,
            in_flight: None,
            place: None,
            number: 0,
            room: None,
            ready: Vec::new(),
            is_streamed: matches!(source, Source::Stream(_)),
            source,
            order: Order::new(exchange.call.request.choices),
            read_bytes: 0,
            trailing_until: None,
            is_cut: false,
        }
    }

    /// What the provider says was consumed by what has not been handed on yet.
    pub(super) fn consumed(&self) -> Option<Usage> {
        let mut tally = Tally::default();
        self.ready.iter().for_each(|event| tally.observe(event));
        tally.total_usage()
    }

    /// What holds for the request.
    pub(super) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Where the answer comes from.
    pub(super) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// What its provider was called with.
    pub(super) fn credential(&self) -> &Option<Arc<Credential>> {
        &self.credential
    }

    /// When the attempt began.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// It comes bit by bit, so that it has a first token.
    pub(super) fn is_streamed(&self) -> bool {
        self.is_streamed
    }

    /// Its provider stopped within it, and did not say why.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
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
            if let Err(error) = self.advance().await
                && !matches!(self.source, Source::Failed(_))
            {
                self.source = Source::Failed(Box::new(error));
            }
        }
    }

    /// Reads on from `ready` until there is content to commit to, keeping what
    /// comes before.
    pub(super) async fn reach_content(
        &mut self,
        ready: Vec<Event>,
        until: Instant,
        trace: &Trace,
    ) -> Result<(), Error> {
        // Something to begin with, and a frame with the first content.
        let max_bytes = self.settings.config.upstream.max_frame_bytes.saturating_mul(2);
        self.accept(ready)?;
        while !self.ready.iter().any(answer::commits) {
            if let Some(usage) = self.consumed() {
                trace.consumed(usage);
            }
            if self.ready.len() > MAX_HELD_EVENTS || self.read_bytes > max_bytes {
                return Err(self.unavailable("sent much and said nothing"));
            }
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
                Err(_) => return Err(self.too_slow("sent no content in time")),
            }
        }
        Ok(())
    }

    /// Whether what ended without content is an answer all the same: something
    /// was generated, or the end says more than that it is one.
    fn is_answer(&self) -> bool {
        // The last count: the first of a stream is a guess that some begin with.
        self.consumed().is_some_and(|usage| usage.completion_tokens > 0)
            || self.ready.iter().any(|event| match event {
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
        let idle = self.settings.config.upstream.idle_timeout;
        // Kept over calls: a caller that gives up for a while, to send its client
        // a sign of life, does not make the provider any less silent.
        let silent_until = *stream.silent_until.get_or_insert_with(|| Instant::now() + idle);
        let mut wait = self.deadline.min(self.total).min(silent_until);
        if self.order.is_complete() {
            let until = Instant::now() + TRAILING_PATIENCE;
            wait = wait.min(*self.trailing_until.get_or_insert(until));
        }
        let frame = match timeout_at(wait, stream.body.frame()).await {
            Ok(frame) => frame,
            Err(_) if wait == self.deadline => return self.broke(Error::out_of_time()),
            Err(_) if wait == self.total => {
                return self.broke(self.too_slow("took longer than upstream.total_timeout"));
            }
            Err(_) => return self.broke(self.too_slow("fell silent within its answer")),
        };
        stream.silent_until = None;
        match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(chunk) => {
                    self.read_bytes = self.read_bytes.saturating_add(chunk.len());
                    self.decode(Some(&chunk))
                }
                Err(_trailers) => Ok(()),
            },
            Some(Err(error)) => {
                tracing::warn!(provider = self.endpoint.provider.name, %error, "stream broke");
                self.broke(self.unavailable("broke the connection within its answer"))
            }
            None => self.decode(None),
        }
    }

    /// The stream will not go on. An answer that was complete by then is none the
    /// worse: some providers keep the connection open after their end mark, or cut it.
    fn broke(&mut self, error: Error) -> Result<(), Error> {
        if !self.order.is_complete() {
            self.is_cut = true;
            return Err(error);
        }
        self.source = Source::Ended;
        Ok(())
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
            decoded = stream.decoder.end().map(|more| {
                self.is_cut = ends(&more);
                events.extend(more);
            });
        }
        if chunk.is_none() {
            self.source = Source::Ended;
        }
        decoded.map_err(|error| {
            plugin_failed(&self.router, &self.plugin, &self.endpoint.provider.name, &error)
        })?;
        self.accept(events)?;
        framed.map_err(|error| {
            self.is_cut |= chunk.is_none();
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
            self.order.check(&event).map_err(|malformed| {
                let provider = &self.endpoint.provider.name;
                breach_of_contract(&self.router, &self.plugin, provider, &malformed.to_string())
            })?;
            self.ready.push(event);
        }
        Ok(())
    }

    fn fail(&mut self, failure: Failure) {
        let called = (&*self.endpoint.provider, self.credential.as_deref());
        let error = told(&self.router, called, failure);
        self.source = Source::Failed(Box::new(error));
    }

    fn unavailable(&self, what: &str) -> Error {
        self.fault(Code::ProviderUnavailable, what)
    }

    fn too_slow(&self, what: &str) -> Error {
        self.fault(Code::ProviderTimeout, what)
    }

    fn fault(&self, code: Code, what: &str) -> Error {
        let name = &self.endpoint.provider.name;
        Error::upstream(code, name, format!("The provider `{name}` {what}."))
    }
}

fn ends(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::Failed(_)))
}
