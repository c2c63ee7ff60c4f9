//! THE file: the life of a chat request, from the decoded call to the last byte
//! of its answer.
//!
//! ```text
//! decide            which endpoints, in which order          (route)
//! open              walk the plan until the first content    (failover, attempt)
//! answer            whole, or streamed as it comes           (stream)
//! settle            tokens, cost, health, access log         (settle)
//! account           the row is committed before the last     (ledger)
//! ```
//!
//! Nothing is spawned: the response's future and then its body own everything,
//! so a client that leaves drops the upstream request with them.

mod attempt;
mod budget;
mod echo;
mod failover;
mod failures;
mod kept;
mod live;
mod media;
pub(crate) mod offer;
mod reserve;
mod settle;
mod stream;
mod tailor;
mod tariff;
mod transfer;
mod tuning;
mod underway;

use crate::account::Caller;
use crate::api::{Body, respond};
use crate::catalog::Endpoint;
use crate::error::{Code, Error};
use crate::record::Record;
use crate::route::{self, Asked, Decision, Undecided};
use crate::{Router, Settings};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use live::Live;
use plugway_engine::CallContext;
use plugway_wire::answer::{Answer, Calls};
use plugway_wire::{ChatCall, Dialect, Form, Head};
use settle::Settlement;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

pub use budget::AttemptBudget;
pub(crate) use tariff::Tariff;
pub(crate) use transfer::{breach_of_contract, plugin_failed, told};
pub(crate) use tuning::takes;

/// Says which strategy chose the endpoint.
const STRATEGY: HeaderName = HeaderName::from_static("x-plugway-strategy");

/// A request that has been decided and not yet answered: a chat, or one of what adapters
/// offer beside it.
struct Exchange<C = ChatCall> {
    router: Arc<Router>,
    settings: Arc<Settings>,
    dialect: Dialect,
    call: C,
    decision: Arc<Decision>,
    record: Record,
    /// Who asks.
    caller: Caller,
    /// A slow attempt may get another one beside it.
    hedges: bool,
    deadline: Instant,
    /// What was fetched for it.
    media: media::Fetches,
    /// What its attempts have sent, where the client wants to see that.
    echoes: echo::Echoes,
    /// The share of the common bound on buffered bodies that the call's bytes take.
    _room: Option<OwnedSemaphorePermit>,
}

/// An answer whose first content is here. The client's request is gone by now.
struct Opened {
    live: Live,
    settlement: Settlement,
    form: Arc<dyn Form>,
    head: Head,
    /// What the stream is to begin with.
    echoes: Vec<echo::Echo>,
}

/// A request that failed before any content.
pub(crate) struct Refused {
    dialect: Dialect,
    error: Error,
    record: Record,
}

impl Refused {
    /// Before anything was tried.
    fn undecided(dialect: Dialect, mut record: Record, undecided: Box<Undecided>) -> Self {
        let error = undecided.error.clone();
        record.planless(undecided);
        Self { dialect, error, record }
    }
}

type Opening = Pin<Box<dyn Future<Output = Result<Opened, Box<Refused>>> + Send>>;

/// Answers a call in the dialect that it came in, whatever it takes until `deadline`
/// at most. `room` is released once the call's bytes are no longer needed.
pub(crate) async fn run(
    router: Arc<Router>,
    settings: Arc<Settings>,
    dialect: Dialect,
    call: ChatCall,
    room: Option<OwnedSemaphorePermit>,
    deadline: Instant,
    (mut record, caller): (Record, Caller),
) -> Response<Body> {
    record.model = call.routing.models.join(",");
    record.streaming = call.request.streaming;
    record.session.clone_from(&call.session_id);
    record.media = call.media;
    let caller = caller.on_behalf_of(call.user.as_deref());
    let asked = Asked { caller: Some(&caller), ..Asked::chat(&call) };
    let decision = match route::decide(&router, &settings, &asked) {
        Ok(decision) => Arc::new(decision),
        Err(undecided) => return refuse(Refused::undecided(dialect, record, undecided)).await,
    };
    record.planned(&decision);
    let strategy = HeaderValue::try_from(&decision.strategy).ok();
    let server = &settings.config.server;
    let (hold, keep_alive) = (server.head_hold, server.keep_alive_interval);
    let streaming = call.request.streaming;
    let mut exchange = Exchange {
        router,
        settings,
        dialect,
        call,
        decision,
        record,
        caller,
        hedges: true,
        deadline,
        media: media::Fetches::default(),
        echoes: echo::Echoes::default(),
        _room: room,
    };
    if let Err(error) = reserve::reserve(&mut exchange) {
        let Exchange { dialect, record, .. } = exchange;
        return refuse(Refused { dialect, error, record }).await;
    }
    let mut response = match streaming {
        true => streamed(exchange, hold, keep_alive).await,
        false => whole(exchange).await,
    };
    if let Some(strategy) = strategy {
        response.headers_mut().insert(STRATEGY, strategy);
    }
    response
}

/// Answers a call that asks nothing of its model, which only has to be there.
pub(crate) fn idle(
    settings: &Settings,
    dialect: Dialect,
    call: &ChatCall,
    mut record: Record,
) -> Response<Body> {
    let name = &call.request.model;
    record.model.clone_from(name);
    let named = std::slice::from_ref(name);
    if let Err(error) = route::endpoints(&settings.config.catalog, named) {
        return refused(Refused { dialect, error, record }).0;
    }
    let head = head(&record, name.clone(), String::new());
    // Only an answer that broke off has no form.
    let body = call.form.encode_whole(&Answer::default(), &head, None, None).unwrap_or_default();
    let mut response = respond::json_text(StatusCode::OK, body);
    record.finished("complete");
    record.answered(StatusCode::OK);
    respond::name_generation(&mut response, &record.id);
    response
}

/// Holds the response's head until the first content, so that a failure can
/// still have a status of its own; but only so long, for clients have timeouts.
async fn streamed(exchange: Exchange, hold: Duration, keep_alive: Duration) -> Response<Body> {
    let id = exchange.record.id.clone();
    let model = exchange.record.model.clone();
    let form = exchange.call.form.clone();
    let mut opening: Opening = Box::pin(exchange.open());
    let phase = match timeout(hold, &mut opening).await {
        Ok(Ok(opened)) => stream::Phase::begin(opened),
        Ok(Err(refused)) => return refuse(*refused).await,
        Err(_) => stream::Phase::Opening(opening),
    };
    stream::response(phase, form, &id, model, keep_alive)
}

async fn whole(exchange: Exchange) -> Response<Body> {
    let dialect = exchange.dialect;
    let Opened { mut live, mut settlement, form, head, .. } = match exchange.open().await {
        Ok(opened) => opened,
        Err(refused) => return refuse(*refused).await,
    };
    let mut answer = Answer::default();
    let failure = loop {
        match live.next().await {
            Ok(Some(events)) => {
                for event in events {
                    settlement.observe(&event);
                    answer.fold(event);
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let bill = settlement.close(failure.as_ref());
    let record = settlement.record();
    let told = failure.as_ref().map(|error| respond::envelope_of(error, record));
    let body = form.encode_whole(&answer, &head, Some(&bill), told.as_ref());
    let mut response = match (body, failure) {
        (Some(body), _) => respond::json_text(StatusCode::OK, body),
        (None, Some(error)) => respond::error_of(dialect, &error, record),
        (None, None) => {
            let error = Error::new(Code::Internal, "The answer has no form in this format.");
            respond::error_in(dialect, &error, Some(&record.id))
        }
    };
    record.answered(response.status());
    if let Err(error) = record.hand_in().committed().await {
        response = respond::error_of(dialect, &error, record);
    }
    respond::name_generation(&mut response, &record.id);
    response.map(|body| kept::with(body, (live.room.take(), settlement)))
}

impl<C> Exchange<C> {
    /// What a plugin may build on beside the request itself.
    fn context(&self) -> CallContext {
        CallContext { seed: self.decision.query.seed, now_ms: self.decision.query.now_ms }
    }
}

impl Exchange {
    /// Walks the plan to the first content, then lets go of the request.
    async fn open(mut self) -> Result<Opened, Box<Refused>> {
        let answered = match failover::first_answer(&self).await {
            Ok(answered) => answered,
            Err(error) => {
                let Self { dialect, record, decision, call, .. } = self;
                let error = error.asked_for(&call.routing.models, decision.is_pinned);
                return Err(Box::new(Refused { dialect, error, record }));
            }
        };
        let mut live = answered.answer;
        live.in_flight = Some(answered.in_flight);
        live.place = answered.place;
        live.number = answered.number;
        self.record.first_content();
        let head = head_of(&self.record, live.endpoint());
        let calls = Calls::to(&self.call.request.tools);
        let prompt_tokens = self.decision.query.prompt_tokens;
        let settlement = Settlement::new(self.record, &mut live, calls, prompt_tokens)
            .warming(self.router, self.decision.conversation);
        let echoes = self.echoes.into_inner();
        Ok(Opened { live, settlement, form: self.call.form, head, echoes })
    }
}

/// Of an answer that comes from this endpoint.
fn head_of(record: &Record, endpoint: &Endpoint) -> Head {
    head(record, endpoint.model_slug.clone(), endpoint.provider.display_name.clone())
}

fn head(record: &Record, model: String, provider: String) -> Head {
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
    Head { id: record.id.to_string(), created, model, provider }
}

/// Says so to the client, once what was tried all the same is accounted.
pub(crate) async fn refuse(refused: Refused) -> Response<Body> {
    let (response, mut record) = self::refused(refused);
    // The client is told an error either way.
    let _ = record.hand_in().committed().await;
    response
}

fn refused(refused: Refused) -> (Response<Body>, Record) {
    let Refused { dialect, error, mut record } = refused;
    record.failed(&error);
    record.answered(error.code.status());
    (respond::error_of(dialect, &error, &record), record)
}
